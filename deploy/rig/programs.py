"""Where the programs are that the tests run: the service, and what scripts/test has installed."""

import os
import shutil
import subprocess
from pathlib import Path

from .fleet import Trouble

ROOT = Path(__file__).resolve().parent.parent.parent
# scripts/test installs what comes from PyPI there.
VENV = ROOT / "target/venv/bin"


def find_program(name):
    """The program's path: on the PATH, or where scripts/test puts it. None if it is in neither."""
    return shutil.which(name) or shutil.which(name, path=VENV)


def default_binary():
    """The release build, which is what every script here runs when it is given no `--binary`."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return ROOT / target / "release" / "vacancy"


def find_binary(given=None):
    """The service that is to be tested: the one given, or the release build, built if it is missing."""
    binary = Path(given) if given else default_binary()
    if not given and not binary.exists():
        print(f"building {binary} with cargo build --release", flush=True)
        command = ["cargo", "build", "--release", "--locked", "--bin", "vacancy"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            raise Trouble("cargo build --release failed")
    if binary.is_dir() or not os.access(binary, os.X_OK):
        raise Trouble(f"{binary} is no program that can be run; build it with cargo build --release")
    return binary.resolve()


def built_binary(given=None):
    """The same for a check that can do without: None if none is given and none is built."""
    return find_binary(given) if given or default_binary().exists() else None
