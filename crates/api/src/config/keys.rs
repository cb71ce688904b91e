//! What can be done with API keys on the command line.

use std::time::Duration;

use clap::Subcommand;

use super::values::{DAY, SECOND, duration};

/// What can be done with API keys.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key, keep its hash in the database, and print it: this once
    Create {
        /// What it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may do: of read, book, desk, admin, metrics
        #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', required = true)]
        scopes: Vec<String>,
        /// The hotels it is limited to
        #[arg(long, value_name = "ID,…", value_delimiter = ',')]
        hotels: Vec<String>,
        /// The name it stands for; the bookings of all keys with that name belong to it
        #[arg(long, value_name = "NAME")]
        principal: Option<String>,
        /// How long it is accepted, 1s to 3660d
        #[arg(long, value_name = "DURATION", value_parser = |text: &str| duration(text, SECOND, 3_660 * DAY))]
        expires: Option<Duration>,
    },
    /// Print all keys, without their secrets
    List,
    /// Have a key not be accepted any more
    Revoke {
        /// The 12 characters after `vac_`
        id: String,
    },
    /// Print a new key for --root-key-file, and keep nothing of it
    Generate,
}
