//! Where the database is, how much of it to use, and why it may not be opened.

use std::path::PathBuf;
use std::time::Duration;

/// Where the database is and how much of it to use.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite://FILE?mode=rwc` or `postgres://…`.
    pub url: String,
    /// The most connections this process opens.
    pub connections: u32,
    /// How long a statement may run, and how long a request may wait for a connection.
    pub statement_timeout: Duration,
    /// Whether this process writes: the writer of a SQLite file is the only one.
    pub exclusive: bool,
}

/// Why a database could not be opened; one line for the operator, without the password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL does not read.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// No server answers at the address, or the file cannot be opened.
    #[error("cannot open the database {place}: {why}")]
    Unreachable {
        /// Host and port, or the file.
        place: String,
        /// What the driver said.
        why: String,
    },
    /// Another process has the SQLite file.
    #[error(
        "{} is in use by another vacancy process; for several processes on one database use PostgreSQL (--database-url postgres://…)",
        .0.display()
    )]
    InUse(PathBuf),
    /// The SQLite file has several names (hard links), beside each of which another lock would be.
    #[error(
        "{} has {names} names (hard links), and each would have a log of its own, so that bookings would be lost; leave it one",
        file.display()
    )]
    SeveralNames {
        /// The file.
        file: PathBuf,
        /// How many names it has.
        names: u64,
    },
    /// A setting did not take.
    #[error("the database does not offer what correctness needs: {0}")]
    Unfit(String),
}

/// The longest wait for a connection. A request that waited this long must still have time to be
/// answered.
pub(super) fn acquire_timeout(options: &StoreOptions) -> Duration {
    options.statement_timeout.mul_f64(0.6)
}
