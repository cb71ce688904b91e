# Chooses the compiler without fetching one. Sourced by scripts that build; they have changed to the
# root of the repository.
#
# rust-toolchain.toml names a version, which rustup fetches where it is missing. Where it cannot, and
# the default toolchain is that version or a later one, that does as well.

if command -v rustup >/dev/null && [ -z "${RUSTUP_TOOLCHAIN:-}" ]; then
    wanted=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
    if ! rustc --version >/dev/null 2>&1; then
        default=$(rustup default 2>/dev/null | sed 's/ .*//')
        has=$(RUSTUP_TOOLCHAIN=$default rustc --version 2>/dev/null | sed 's/^rustc \([0-9.]*\).*/\1/')
        if [ -n "$has" ] && [ "$(printf '%s\n%s\n' "$wanted" "$has" | sort -V | head -n 1)" = "$wanted" ]; then
            echo "Rust $wanted is not installed and cannot be fetched; using $default, which is $has"
            export RUSTUP_TOOLCHAIN=$default
        else
            echo "Rust $wanted is missing: rustup toolchain install $wanted" >&2
            exit 1
        fi
    fi
fi
