"""Editing what others edit too."""

import json
from collections.abc import Callable
from typing import Any

from .generated.types import Response

STALE = {"precondition_failed", "version_conflict"}
"""The codes that say that the resource is another one by now."""


class ProblemError(Exception):
    """A refusal: `problem` is the document as it came, `status` and `headers` are its answer's."""

    def __init__(self, response: Response[Any]) -> None:
        self.problem: dict[str, Any] = json.loads(response.content)
        self.status = int(response.status_code)
        self.headers = response.headers
        super().__init__(f"{self.code}: {self.problem.get('detail')}")

    @property
    def code(self) -> str:
        """What kind of problem."""
        return self.problem.get("code", "")


def done(response: Response[Any]) -> Any:
    """What a `sync_detailed` call brought. Raises `ProblemError` when it was refused."""
    if not 200 <= response.status_code < 300:
        raise ProblemError(response)
    return response.parsed


def edit_with_latest(
    get: Callable[[], Response[Any]],
    change: Callable[[Any, str], Response[Any]],
    attempts_max: int = 5,
) -> Any:
    """Edits the latest version of a resource: `get` reads it, `change` decides what to write from
    what was read and writes it with the tag given as `if_match`.

    When another writer was first, both are done again: the new version is read and decided upon,
    never written over unseen. Raises the last refusal after `attempts_max` attempts, and every
    other refusal at once.
    """
    for attempt in range(1, attempts_max + 1):
        read = get()
        current = done(read)
        try:
            return done(change(current, read.headers["ETag"]))
        except ProblemError as refused:
            if refused.code not in STALE or attempt == attempts_max:
                raise
    raise ValueError("attempts_max takes a number from 1")
