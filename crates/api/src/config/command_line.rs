//! The command line as a whole: a command, and the options of every concern.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};

use super::auth::AuthConfig;
use super::database::{DatabaseConfig, DatabaseOptions};
use super::environment;
use super::error::ConfigError;
use super::http::HttpConfig;
use super::keys::KeysCommand;
use super::log::LogConfig;
use super::serve::ServeConfig;
use super::zoneinfo::{ZoneinfoOptions, ZoneinfoSource};

/// What the program was asked to do, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// What to do.
    pub command: Command,
    /// Where the data is.
    pub database: DatabaseConfig,
    /// Where and how to be reached.
    pub http: HttpConfig,
    /// How to serve.
    pub serve: ServeConfig,
    /// Who is let in.
    pub auth: AuthConfig,
    /// Where the rules of time zones come from.
    pub zoneinfo: ZoneinfoSource,
    /// How to log.
    pub log: LogConfig,
}

/// What the program can be asked to do.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum Command {
    /// Answer requests until SIGTERM or SIGINT; the default
    Serve,
    /// Bring the database's tables up to date, and exit
    Migrate,
    /// Check every invariant from the stored rows; exit with status 1 if one is broken
    Audit {
        /// Print the findings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make, list and revoke API keys, also beside a running service
    #[command(arg_required_else_help = false)]
    Keys {
        /// What to do
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Print the machine-readable description of the API
    Openapi {
        /// The version of OpenAPI to write it in
        #[arg(long, value_enum, default_value = "3.1")]
        version: OpenapiVersion,
    },
    /// Ask the service at the listen address whether it is ready; exit with status 1 if not
    Healthcheck,
}

/// A version of OpenAPI.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum OpenapiVersion {
    /// The version that the document is made in.
    #[value(name = "3.1")]
    V3_1,
    /// For tools that read no other.
    #[value(name = "3.0")]
    V3_0,
}

/// Books hotel rooms by the night, and never sells a night twice.
// Every option may stand before or after the command.
#[derive(Parser)]
#[command(name = "vacancy", bin_name = "vacancy", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    serve: ServeConfig,
    #[command(flatten)]
    auth: AuthConfig,
    #[command(flatten)]
    zoneinfo: ZoneinfoOptions,
    #[command(flatten)]
    log: LogConfig,
}

/// Reads the program's own arguments and environment; ends the program if they cannot be used, or
/// if they only ask for help.
#[must_use]
pub fn parse() -> Config {
    parse_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
}

/// Reads `args`, whose first one is the program's name, and the environment.
///
/// # Errors
///
/// When an option is unknown or its value cannot be used, and when the arguments ask for a text.
pub fn parse_from<I>(args: I) -> Result<Config, ConfigError>
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    let line = command_line();
    let variables = variables(&line);
    let parsed = line.try_get_matches_from(args).and_then(|found| Cli::from_arg_matches(&found));
    let parsed = parsed.map_err(ConfigError::from);
    // A text that was asked for is given in any environment.
    if !matches!(parsed, Err(ConfigError::Asked(_))) {
        environment::check(&variables)?;
    }
    let Cli { command, database, http, serve, auth, zoneinfo, log } = parsed?;
    let (database, zoneinfo) = (database.resolve()?, zoneinfo.resolve());
    serve.check()?;
    let command = command.unwrap_or(Command::Serve);
    Ok(Config { command, database, http, serve, auth, zoneinfo, log })
}

/// The options that a command uses, for its help; all of them for `serve`.
fn used(command: &str) -> Option<&'static [&'static str]> {
    match command {
        "migrate" => Some(&["database_url", "database_connections", "format", "directives"]),
        "audit" | "create" | "list" | "revoke" | "keys" => {
            Some(&["database_url", "database_connections"])
        }
        "healthcheck" => Some(&["listen"]),
        "openapi" | "generate" => Some(&[]),
        _ => None,
    }
}

/// The command line, in which the help of a command shows the options that it uses. Every option may
/// be given to every command all the same: one environment serves them all.
pub(super) fn command_line() -> clap::Command {
    let whole = Cli::command();
    let options: Vec<_> = whole.get_arguments().cloned().collect();
    let hide = |command: clap::Command| {
        let Some(used) = used(command.get_name()) else { return command };
        let unused = options.iter().filter(|option| !used.contains(&option.get_id().as_str()));
        command.args(unused.map(|option| option.clone().hide(true)))
    };
    whole.mut_subcommands(|command| hide(command.mut_subcommands(hide)))
}

/// The variables that take the place of options.
pub(super) fn variables(line: &clap::Command) -> Vec<String> {
    let named = line.get_arguments().filter_map(clap::Arg::get_env);
    named.map(|name| name.to_string_lossy().into_owned()).collect()
}
