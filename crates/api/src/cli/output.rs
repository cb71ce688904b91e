//! What is said on the standard output.

use std::io::Write as _;

use anyhow::Context as _;

/// Writes a line, or several. Fails when they cannot be written.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush().context("cannot write to standard output")
}
