//! What is said on the standard output.

use std::io::{ErrorKind, Write as _};

use anyhow::Context as _;

/// The reader of the standard output has gone, as `head` does when it has seen enough.
#[derive(Debug, thiserror::Error)]
#[error("the standard output is not read any more")]
pub(super) struct NotRead;

impl NotRead {
    /// How a program ends that SIGPIPE ends, as a shell tells it: 128 and the signal's number.
    pub(super) const STATUS: u8 = 128 + 13;
}

/// Writes a line, or several. Fails when they cannot be written, with [`NotRead`] when that is because
/// they are not read.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(NotRead.into()),
        written => written.context("cannot write to standard output"),
    }
}
