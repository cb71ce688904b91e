//! Where the data is.

#![expect(clippy::disallowed_methods, reason = "this module reads the environment for all others")]

use std::fmt;

use clap::Args;

use super::error::ConfigError;
use super::values::whole_number;

/// Where the data is when no option and no variable says so.
pub(super) const DEFAULT_DATABASE_URL: &str = "sqlite://vacancy.db?mode=rwc";

/// Where the data is, and how many connections may be open to it.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `VACANCY_DATABASE_URL`, or else `DATABASE_URL`.
    pub url: DatabaseUrl,
    /// `VACANCY_DATABASE_CONNECTIONS`, at most this many from this process.
    pub connections: u32,
}

/// The options as they are given.
#[derive(Args)]
pub(super) struct DatabaseOptions {
    // No default here: between the variable and the default comes a second variable.
    #[arg(
        long,
        env = "VACANCY_DATABASE_URL",
        global = true,
        value_name = "URL",
        hide_env_values = true,
        help = "The database: sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME\n\
                [env: DATABASE_URL, if the next is not set]\n\
                [default: sqlite://vacancy.db?mode=rwc]"
    )]
    database_url: Option<String>,

    /// How many connections to the database this process may open, 1 to 1000
    #[arg(
        long,
        env = "VACANCY_DATABASE_CONNECTIONS",
        global = true,
        value_name = "NUMBER",
        default_value_t = 16,
        value_parser = |text: &str| whole_number(text, 1, 1_000)
    )]
    database_connections: u32,
}

impl DatabaseOptions {
    /// Fills in the second variable and the default. Fails when the address is of no known kind.
    pub(super) fn resolve(self) -> Result<DatabaseConfig, ConfigError> {
        // An empty one is refused like any other that does not read: a secret that was not filled
        // in must not put the bookings into a file that vanishes with its container.
        let url = self.database_url.or_else(|| std::env::var("DATABASE_URL").ok());
        let url = url.unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned());
        Ok(DatabaseConfig { url: DatabaseUrl::parse(url)?, connections: self.database_connections })
    }
}

/// The address of a database. It may hold a password, so `Debug` shows the scheme alone.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole address, password included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: String) -> Result<Self, ConfigError> {
        let is_known = ["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty()));
        if !is_known {
            return Err(ConfigError::invalid(
                "the database URL must be sqlite:…, postgres://… or postgresql://…",
            ));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ConfigError::invalid(
                "the database URL contains a blank or control character",
            ));
        }
        check_parameters(&text)?;
        Ok(Self(text))
    }
}

/// The parameters of a PostgreSQL's address, besides `options[NAME]`.
const POSTGRES_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The parameters of a SQLite's address.
const SQLITE_PARAMETERS: &[&str] = &["mode", "cache", "immutable", "vfs"];

/// Refuses a parameter that the driver does not know: it would ignore it, and write its value, which
/// may be a secret, into the log.
fn check_parameters(url: &str) -> Result<(), ConfigError> {
    let query = url.split('#').next().and_then(|url| url.split_once('?'));
    let Some((_, query)) = query else { return Ok(()) };
    let known = if url.starts_with("sqlite:") { SQLITE_PARAMETERS } else { POSTGRES_PARAMETERS };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split('=').next().unwrap_or_default();
        let setting = known.contains(&"options") && name.to_lowercase().starts_with("options");
        if known.contains(&name) || setting {
            continue;
        }
        // What does not look like a name may be part of a password with a `?` in it.
        let is_name = name.len() <= 40
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        let named = if is_name && parameter.contains('=') { name } else { "of another kind" };
        let what = format!("the database URL has an unknown parameter {named}");
        return Err(ConfigError::invalid(&what));
    }
    Ok(())
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(f, "DatabaseUrl({scheme}:…)")
    }
}
