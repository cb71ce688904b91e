//! Where the service is reached, and how it treats connections.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::values::{HOUR, SECOND, duration, yes_or_no};

/// Where the service is reached, and how it treats connections.
#[derive(Args, Clone, Debug)]
pub struct HttpConfig {
    /// Where to answer HTTP requests: an address or a name, and a port
    #[arg(
        long,
        env = "VACANCY_LISTEN",
        global = true,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: ListenAddress,

    /// How long a connection may wait for its next request, 1s to 2h; longer than the balancer
    /// before it keeps one
    #[arg(
        long,
        env = "VACANCY_KEEP_ALIVE_TIMEOUT",
        global = true,
        value_name = "DURATION",
        default_value = "75s",
        value_parser = |text: &str| duration(text, SECOND, 2 * HOUR)
    )]
    pub keep_alive_timeout: Duration,

    /// Whether the proxy before the service says in X-Forwarded-Prefix below which path it has mounted
    /// it; the proxy must set it on every request, or clients could
    #[arg(
        long,
        env = "VACANCY_FORWARDED_PREFIX",
        global = true,
        value_name = "YES|NO",
        num_args = 0..=1,
        default_value = "no",
        default_missing_value = "yes",
        hide_possible_values = true,
        value_parser = yes_or_no
    )]
    pub forwarded_prefix: bool,
}

/// An address, or a name that is looked up at the start, and a port.
#[derive(Clone, PartialEq, Eq)]
pub struct ListenAddress(String);

impl ListenAddress {
    /// As it was given: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            // What is digits and dots alone is an address that does not read.
            name.bytes().all(known) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        let named = text.rsplit_once(':').is_some_and(|(name, port)| {
            is_name(name)
                && port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok()
        });
        if named || text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        Err("must be ADDRESS:PORT or NAME:PORT, such as 127.0.0.1:8080".to_owned())
    }
}

impl fmt::Debug for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
