//! Who is let in.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::rate;

/// Who is let in.
#[derive(Args, Clone, Debug)]
pub struct AuthConfig {
    /// Whether requests need a credential; the default is none while the service listens on loopback
    /// alone, and otherwise there is no default
    #[arg(long, env = "VACANCY_AUTH", global = true, value_name = "MODE", value_enum)]
    pub auth: Option<AuthMode>,

    /// A file with one key that may do everything: how the first other keys are made; mode 0600
    #[arg(long, env = "VACANCY_ROOT_KEY_FILE", global = true, value_name = "FILE")]
    pub root_key_file: Option<PathBuf>,

    /// How many requests a second one principal may send to this process, 0 to 100000/s; 0 is no
    /// limit
    #[arg(
        long,
        env = "VACANCY_RATE_LIMIT",
        global = true,
        value_name = "NUMBER/s",
        default_value = "200/s",
        value_parser = rate
    )]
    pub rate_limit: u32,

    /// How many requests one principal may send at once before the rate counts, 1 to 100000
    #[arg(
        long,
        env = "VACANCY_RATE_BURST",
        global = true,
        value_name = "NUMBER",
        default_value_t = 400,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub rate_burst: u32,
}

/// Whether requests need a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum AuthMode {
    /// Everybody who reaches the service may do everything
    None,
    /// Every request to the API and to the metrics needs a key
    Required,
}
