//! Options: flags first, then environment variables, then defaults. The only module that reads the
//! environment. One file a concern: a struct whose fields are the flags, documented as `--help`
//! shows them.
//!
//! Everything is checked here, before anything is opened: a bad option ends the program with one
//! line and exit status 2. A database's address may hold a password, so it is never printed: not by
//! `--help`, not in an error, not by `Debug`.

mod auth;
mod command_line;
mod database;
mod directives;
mod environment;
mod error;
mod http;
mod keys;
mod log;
mod retry;
mod serve;
mod values;
mod zoneinfo;

#[cfg(test)]
mod tests;

pub use self::auth::{AuthConfig, AuthMode, OidcConfig};
pub use self::command_line::{Command, Config, OpenapiVersion, parse, parse_from};
pub use self::database::{DatabaseConfig, DatabaseUrl};
pub use self::directives::filter;
pub use self::error::ConfigError;
pub use self::http::{HttpConfig, ListenAddress};
pub use self::keys::KeysCommand;
pub use self::log::{LogConfig, LogFormat};
pub use self::retry::RetryPolicy;
pub use self::serve::ServeConfig;
pub use self::zoneinfo::ZoneinfoSource;
