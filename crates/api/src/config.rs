//! Options: flags first, then environment variables, then defaults. The only file that reads the
//! environment.
//!
//! Everything is checked here, before anything is opened: a bad option ends the program with one
//! line and exit status 2. A database's address may hold a password, so it is never printed: not by
//! `--help`, not in an error, not by `Debug`.

#![expect(clippy::disallowed_methods, reason = "this is the file the others are kept out of")]

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use crate::telemetry;

const DEFAULT_DATABASE_URL: &str = "sqlite://vacancy.db?mode=rwc";

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// What the program was asked to do, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// What to do.
    pub command: Command,
    /// Where the data is.
    pub database: DatabaseConfig,
    /// How to serve.
    pub serve: ServeConfig,
    /// How to log.
    pub log: LogConfig,
}

/// What the program can be asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Subcommand)]
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
    /// Print the machine-readable description of the API
    Openapi,
    /// Ask the service at the listen address whether it is ready; exit with status 1 if not
    Healthcheck,
}

/// Where the data is, and how many connections may be open to it.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `VACANCY_DATABASE_URL`, or else `DATABASE_URL`.
    pub url: DatabaseUrl,
    /// `VACANCY_DATABASE_CONNECTIONS`, at most this many from this process.
    pub connections: u32,
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
        Ok(Self(text))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(f, "DatabaseUrl({scheme}:…)")
    }
}

/// How requests are answered.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// `VACANCY_LISTEN`.
    pub listen: SocketAddr,
    /// `VACANCY_MIGRATE`: bring the tables up to date before serving.
    pub migrate: bool,
    /// `VACANCY_DEMO`: load sample hotels into an empty database before serving.
    pub demo: bool,
    /// What to do about a lost race.
    pub retry: RetryPolicy,
    /// `VACANCY_REQUEST_TIMEOUT`: every request is answered by then, counted from the moment it
    /// has been read.
    pub request_timeout: Duration,
    /// `VACANCY_IDEMPOTENCY_TTL`: how long an idempotency key and its answer are kept.
    pub idempotency_ttl: Duration,
    /// `VACANCY_SWEEP_INTERVAL`: how often lapsed holds and old keys are cleared away; `None` is
    /// never, which nothing but tidiness depends on.
    pub sweep_interval: Option<Duration>,
}

/// How often a write that lost its race is decided again, and how long it waits in between.
///
/// The wait before attempt n + 1 is `base_delay` × `multiplier`^(n − 1), lengthened at random by up
/// to the share `jitter` of itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RetryPolicy {
    /// `VACANCY_RETRY_ATTEMPTS`, the first one included.
    pub attempts: u32,
    /// `VACANCY_RETRY_BASE_DELAY`.
    pub base_delay: Duration,
    /// `VACANCY_RETRY_MULTIPLIER`.
    pub multiplier: u32,
    /// `VACANCY_RETRY_JITTER`, from 0 to 1.
    pub jitter: f64,
}

/// What is logged, and in which form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// `VACANCY_LOG_FORMAT`.
    pub format: LogFormat,
    /// `VACANCY_LOG`: a level, or `target=level` pairs separated by commas.
    pub directives: String,
}

/// The form of a line of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For machines: one JSON object a line
    Json,
}

/// Why there is no configuration.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line asked for this text, `--help` or `--version`, and for nothing else.
    #[error("{0}")]
    Asked(String),
    /// An option cannot be used. One line, without any password.
    #[error("{0}")]
    Invalid(String),
}

impl ConfigError {
    /// Ends the program: a text that was asked for goes to the standard output, with status 0; an
    /// error goes to the standard error as one line, with status 2.
    pub fn exit(self) -> ! {
        let status = match self {
            Self::Asked(text) => {
                // A reader that has seen enough, like `head`, is no failure of ours.
                let _ = std::io::stdout().write_all(text.as_bytes());
                0
            }
            Self::Invalid(line) => {
                let _ = writeln!(std::io::stderr(), "vacancy: {line}");
                2
            }
        };
        std::process::exit(status)
    }

    fn invalid(what: &str) -> Self {
        Self::Invalid(format!("{what}; see vacancy --help"))
    }
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Self::Asked(text);
        }
        // The first paragraph says what is wrong; tips and usage follow, which `--help` says better.
        let lines: Vec<_> =
            text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let what = lines.join(" ");
        Self::invalid(&without_addresses(what.strip_prefix("error: ").unwrap_or(&what)))
    }
}

/// An address in the wrong place of a command line may still hold a password.
fn without_addresses(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…'"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
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
    let Cli { command, options } = Cli::try_parse_from(args)?;
    // An empty one is refused like any other that does not read: a secret that was not filled in
    // must not put the bookings into a file that vanishes with its container.
    let url = options.database_url.or_else(|| std::env::var("DATABASE_URL").ok());
    let url = url.unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned());
    if options.idempotency_ttl < 2 * options.request_timeout {
        // A key must outlive the request that may still have to look its outcome up.
        return Err(ConfigError::invalid(
            "--idempotency-ttl must be at least twice --request-timeout",
        ));
    }
    Ok(Config {
        command: command.unwrap_or(Command::Serve),
        database: DatabaseConfig {
            url: DatabaseUrl::parse(url)?,
            connections: options.database_connections,
        },
        serve: ServeConfig {
            listen: options.listen,
            migrate: options.migrate,
            demo: options.demo,
            retry: RetryPolicy {
                attempts: options.retry_attempts,
                base_delay: options.retry_base_delay,
                multiplier: options.retry_multiplier,
                jitter: options.retry_jitter,
            },
            request_timeout: options.request_timeout,
            idempotency_ttl: options.idempotency_ttl,
            sweep_interval: Some(options.sweep_interval).filter(|interval| !interval.is_zero()),
        },
        log: LogConfig { format: options.log_format, directives: options.log },
    })
}

/// Books hotel rooms by the night, and never sells a night twice.
#[derive(Parser)]
#[command(name = "vacancy", bin_name = "vacancy", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

/// Every option may stand before or after the command. The comments are the text of `--help`.
#[derive(Args)]
struct Options {
    /// Where to answer HTTP requests
    #[arg(
        long,
        env = "VACANCY_LISTEN",
        global = true,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,

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
        value_parser = value_parser!(u32).range(1..=1000)
    )]
    database_connections: u32,

    /// Whether to bring the database's tables up to date before serving
    #[arg(
        long,
        env = "VACANCY_MIGRATE",
        global = true,
        value_name = "YES|NO",
        num_args = 0..=1,
        default_value = "yes",
        default_missing_value = "yes",
        hide_possible_values = true,
        value_parser = BoolishValueParser::new()
    )]
    migrate: bool,

    /// How often to try a write that loses its race, 1 to 20
    #[arg(
        long,
        env = "VACANCY_RETRY_ATTEMPTS",
        global = true,
        value_name = "NUMBER",
        default_value_t = 3,
        value_parser = value_parser!(u32).range(1..=20)
    )]
    retry_attempts: u32,

    /// How long to wait before the second attempt, 0 to 10s
    #[arg(
        long,
        env = "VACANCY_RETRY_BASE_DELAY",
        global = true,
        value_name = "DURATION",
        default_value = "100ms",
        value_parser = |text: &str| duration(text, Duration::ZERO, 10 * SECOND)
    )]
    retry_base_delay: Duration,

    /// The factor by which each wait exceeds the one before, 1 to 10
    #[arg(
        long,
        env = "VACANCY_RETRY_MULTIPLIER",
        global = true,
        value_name = "NUMBER",
        default_value_t = 2,
        value_parser = value_parser!(u32).range(1..=10)
    )]
    retry_multiplier: u32,

    /// The random extension of each wait, as a fraction of it, 0 to 1
    #[arg(
        long,
        env = "VACANCY_RETRY_JITTER",
        global = true,
        value_name = "SHARE",
        default_value = "0.25",
        value_parser = share
    )]
    retry_jitter: f64,

    /// The deadline for answering a request, 100ms to 5m
    #[arg(
        long,
        env = "VACANCY_REQUEST_TIMEOUT",
        global = true,
        value_name = "DURATION",
        default_value = "5s",
        value_parser = |text: &str| duration(text, 100 * MILLISECOND, 5 * MINUTE)
    )]
    request_timeout: Duration,

    /// How long an idempotency key and its answer are kept, 1m to 30d
    #[arg(
        long,
        env = "VACANCY_IDEMPOTENCY_TTL",
        global = true,
        value_name = "DURATION",
        default_value = "24h",
        value_parser = |text: &str| duration(text, MINUTE, 30 * DAY)
    )]
    idempotency_ttl: Duration,

    /// How often lapsed holds and old idempotency keys are cleared away, 1s to 1d; 0 is never
    #[arg(
        long,
        env = "VACANCY_SWEEP_INTERVAL",
        global = true,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = sweep_interval
    )]
    sweep_interval: Duration,

    /// Load two hotels with rooms if the database is empty
    #[arg(
        long,
        env = "VACANCY_DEMO",
        global = true,
        value_parser = BoolishValueParser::new()
    )]
    demo: bool,

    /// The form of the log, which goes to the standard error
    #[arg(
        long,
        env = "VACANCY_LOG_FORMAT",
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        value_enum
    )]
    log_format: LogFormat,

    /// What to log: off, error, warn, info, debug, trace, or target=level,…
    #[arg(
        long,
        env = "VACANCY_LOG",
        global = true,
        value_name = "LEVEL",
        default_value = "info",
        value_parser = log_directives
    )]
    log: String,
}

fn duration(text: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (min..=max).contains(&duration) {
        return Ok(duration);
    }
    let (min, max) = (humantime::format_duration(min), humantime::format_duration(max));
    Err(format!("must be from {min} to {max}"))
}

fn sweep_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text, Duration::ZERO, DAY)?;
    if !interval.is_zero() && interval < SECOND {
        return Err("must be 0, or from 1s to 1day".to_owned());
    }
    Ok(interval)
}

/// What does not read must not silence the log later.
fn log_directives(text: &str) -> Result<String, String> {
    telemetry::filter(text).map(|_| text.to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "must be a number from 0 to 1")?;
    // Also false for NaN.
    if !(0.0..=1.0).contains(&share) {
        return Err("must be a number from 0 to 1".to_owned());
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults() {
        let config = run(&[], &[]);
        for expected in [
            "command: Serve",
            "url=sqlite://vacancy.db?mode=rwc",
            "connections: 16",
            "listen: 127.0.0.1:8080",
            "migrate: true",
            "demo: false",
            "retry: RetryPolicy { attempts: 3, base_delay: 100ms, multiplier: 2, jitter: 0.25 }",
            "request_timeout: 5s",
            "idempotency_ttl: 86400s",
            "sweep_interval: Some(30s)",
            "log: LogConfig { format: Text, directives: \"info\" }",
        ] {
            assert!(config.contains(expected), "{expected} is not in {config}");
        }
    }

    #[test]
    fn each_option_is_a_flag_and_a_variable() {
        check_option("--listen", "VACANCY_LISTEN", "[::1]:9000");
        check_option("--database-url", "VACANCY_DATABASE_URL", "postgres://me:secret@db/vacancy");
        check_option("--database-connections", "VACANCY_DATABASE_CONNECTIONS", "1000");
        check_option("--migrate", "VACANCY_MIGRATE", "no");
        check_option("--retry-attempts", "VACANCY_RETRY_ATTEMPTS", "20");
        check_option("--retry-base-delay", "VACANCY_RETRY_BASE_DELAY", "0");
        check_option("--retry-multiplier", "VACANCY_RETRY_MULTIPLIER", "10");
        check_option("--retry-jitter", "VACANCY_RETRY_JITTER", "1");
        check_option("--request-timeout", "VACANCY_REQUEST_TIMEOUT", "5m");
        check_option("--idempotency-ttl", "VACANCY_IDEMPOTENCY_TTL", "30d");
        check_option("--sweep-interval", "VACANCY_SWEEP_INTERVAL", "0");
        check_option("--log-format", "VACANCY_LOG_FORMAT", "json");
        check_option("--log", "VACANCY_LOG", "vacancy=debug,warn");
    }

    /// `value` must not be the default. The flag may stand on either side of the command, and wins
    /// over the variable.
    #[track_caller]
    fn check_option(flag: &str, variable: &str, value: &str) {
        let default = default_of(flag);
        let expected = run(&[], &["serve", flag, value]);
        assert!(expected.starts_with("Ok"), "{expected}");
        assert_ne!(expected, run(&[], &["serve"]), "{flag} does something");
        assert_eq!(expected, run(&[], &[flag, value, "serve"]), "{flag} before the command");
        assert_eq!(expected, run(&[(variable, value)], &[]), "{variable}");
        let both = run(&[(variable, value)], &[flag, &default]);
        assert_eq!(both, run(&[], &[]), "{flag} wins over {variable}");
        let both = run(&[(variable, value)], &[flag, &default, "serve"]);
        assert_eq!(both, run(&[], &[]), "{flag} before the command wins over {variable}");
    }

    fn default_of(flag: &str) -> String {
        let name = flag.trim_start_matches("--");
        if name == "database-url" {
            return DEFAULT_DATABASE_URL.to_owned();
        }
        let command = Cli::command();
        let mut options = command.get_arguments();
        let option = options.find(|option| option.get_long() == Some(name)).expect("it exists");
        option.get_default_values()[0].to_string_lossy().into_owned()
    }

    #[test]
    fn demo_is_a_flag_and_a_variable() {
        let demo = run(&[], &["--demo"]);
        assert!(demo.contains("demo: true"), "{demo}");
        assert_eq!(demo, run(&[], &["serve", "--demo"]));
        assert_eq!(demo, run(&[("VACANCY_DEMO", "yes")], &[]));
        assert_eq!(run(&[], &[]), run(&[("VACANCY_DEMO", "0")], &[]));
    }

    #[test]
    fn migrate_understands_the_usual_words_and_none() {
        for (value, expected) in [
            ("yes", true),
            ("true", true),
            ("on", true),
            ("1", true),
            ("no", false),
            ("false", false),
            ("off", false),
            ("0", false),
        ] {
            let config = parse_from(["vacancy", "--migrate", value]).expect("a valid value");
            assert_eq!(config.serve.migrate, expected, "{value}");
        }
        let config = parse_from(["vacancy", "serve", "--migrate"]).expect("bare is valid");
        assert!(config.serve.migrate);
    }

    #[test]
    fn database_url_falls_back_to_the_common_variable_and_then_to_a_file_but_never_when_empty() {
        let common = ("DATABASE_URL", "postgres://common/db");
        let own = ("VACANCY_DATABASE_URL", "postgres://own/db");
        let empty = ("VACANCY_DATABASE_URL", "");
        check_url(&[], "sqlite://vacancy.db?mode=rwc");
        check_url(&[common], "postgres://common/db");
        check_url(&[common, own], "postgres://own/db");
        for environment in [&[common, empty][..], &[("DATABASE_URL", "")]] {
            let line = run(environment, &[]);
            assert!(line.contains("the database URL must be"), "{environment:?}: {line}");
        }
    }

    #[track_caller]
    fn check_url(environment: &[(&str, &str)], expected: &str) {
        let config = run(environment, &[]);
        assert!(config.contains(&format!("url={expected}\"")), "{config}");
    }

    #[test]
    fn commands() {
        check_command(&[], Command::Serve);
        check_command(&["serve"], Command::Serve);
        check_command(&["migrate"], Command::Migrate);
        check_command(&["audit"], Command::Audit { json: false });
        check_command(&["audit", "--json"], Command::Audit { json: true });
        check_command(&["openapi"], Command::Openapi);
        check_command(&["--listen", "0.0.0.0:1", "healthcheck"], Command::Healthcheck);
    }

    #[track_caller]
    fn check_command(args: &[&str], expected: Command) {
        let config = parse_from(["vacancy"].iter().chain(args)).expect("a valid command line");
        assert_eq!(config.command, expected);
    }

    #[test]
    fn a_bad_command_line_is_one_clear_line() {
        check_refused(&["--foo"], "unexpected argument '--foo' found");
        check_refused(&["serve", "--json"], "unexpected argument '--json' found");
        check_refused(&["srve"], "unrecognized subcommand 'srve'");
        check_refused(&["serve", "now"], "unexpected argument 'now' found");
        check_refused(
            &["--listen", "8080"],
            "invalid value '8080' for '--listen <ADDRESS:PORT>': invalid socket address syntax",
        );
        check_refused(
            &["--listen"],
            "a value is required for '--listen <ADDRESS:PORT>' but none was supplied",
        );
        check_refused(
            &["--database-connections", "0"],
            "invalid value '0' for '--database-connections <NUMBER>': 0 is not in 1..=1000",
        );
        check_refused(
            &["--migrate", "maybe"],
            "invalid value 'maybe' for '--migrate [<YES|NO>]': value was not a boolean",
        );
        check_refused(
            &["--retry-attempts", "21"],
            "invalid value '21' for '--retry-attempts <NUMBER>': 21 is not in 1..=20",
        );
        check_refused(
            &["--retry-multiplier", "1.5"],
            "invalid value '1.5' for '--retry-multiplier <NUMBER>': invalid digit found in string",
        );
        check_refused(
            &["--retry-base-delay", "11s"],
            "invalid value '11s' for '--retry-base-delay <DURATION>': must be from 0s to 10s",
        );
        for jitter in ["1.1", "-0.1", "NaN", "much"] {
            check_refused(
                &[&format!("--retry-jitter={jitter}")],
                &format!(
                    "invalid value '{jitter}' for '--retry-jitter <SHARE>': \
                     must be a number from 0 to 1"
                ),
            );
        }
        check_refused(
            &["--request-timeout", "99ms"],
            "invalid value '99ms' for '--request-timeout <DURATION>': must be from 100ms to 5m",
        );
        check_refused(
            &["--request-timeout", "5"],
            "invalid value '5' for '--request-timeout <DURATION>': \
             time unit needed, for example 5sec or 5ms",
        );
        check_refused(
            &["--idempotency-ttl", "31d"],
            "invalid value '31d' for '--idempotency-ttl <DURATION>': must be from 1m to 30days",
        );
        check_refused(
            &["--sweep-interval", "1ms"],
            "invalid value '1ms' for '--sweep-interval <DURATION>': must be 0, or from 1s to 1day",
        );
        check_refused(
            &["--log-format", "xml"],
            "invalid value 'xml' for '--log-format <FORMAT>' [possible values: text, json]",
        );
        check_refused(
            &["--log", ""],
            "invalid value '' for '--log <LEVEL>': '' is neither a level (off, error, warn, info, debug, trace) nor target=level",
        );
    }

    #[test]
    fn a_bad_database_url_is_refused_without_a_word_of_it() {
        let schemes = "the database URL must be sqlite:…, postgres://… or postgresql://…";
        for url in ["mysql://me:secret@db/x", "secret", "postgres:secret", "postgres://", "sqlite:"]
        {
            check_refused(&["--database-url", url], schemes);
        }
        check_refused(
            &["--database-url", "postgres://me:secret@db/x y"],
            "the database URL contains a blank or control character",
        );
        check_refused(&["postgres://me:secret@db/x"], "unrecognized subcommand 'postgres://…'");
        check_refused(
            &["serve", "--databse-url=postgres://me:secret@db/x"],
            "unexpected argument '--databse-url' found",
        );
    }

    #[track_caller]
    fn check_refused(args: &[&str], expected: &str) {
        let error = parse_from(["vacancy"].iter().chain(args)).expect_err("it is refused");
        assert_eq!(error, ConfigError::Invalid(format!("{expected}; see vacancy --help")));
        assert_eq!(error.to_string().lines().count(), 1);
    }

    #[test]
    fn a_bad_variable_is_refused_like_a_flag() {
        let refused = run(&[("VACANCY_LISTEN", "nowhere")], &[]);
        assert!(refused.starts_with("Err(Invalid(\"invalid value 'nowhere' for '--listen"));
        let refused = run(&[("DATABASE_URL", "mysql://me:secret@db/x")], &[]);
        assert!(refused.starts_with("Err(Invalid(\"the database URL must be"), "{refused}");
    }

    #[test]
    fn help_shows_every_option_with_variable_and_default_and_no_password() {
        let help = run(
            &[("VACANCY_DATABASE_URL", "postgres://me:secret@db/x"), ("VACANCY_LISTEN", "[::]:1")],
            &["--help"],
        );
        assert!(help.starts_with("Err(Asked("), "{help}");
        assert!(!help.contains("secret"), "{help}");
        for option in Cli::command().get_arguments() {
            let Some(name) = option.get_long().filter(|name| !["help", "version"].contains(name))
            else {
                continue;
            };
            let variable = format!("VACANCY_{}", name.to_uppercase().replace('-', "_"));
            assert!(help.contains(&format!("--{name}")), "{name}");
            assert!(help.contains(&format!("[env: {variable}")), "{variable}");
            if let [default] = option.get_default_values() {
                let default = default.to_string_lossy();
                assert!(help.contains(&format!("[default: {default}]")), "{name}: {default}");
            }
        }
        assert!(help.contains(&format!("[default: {DEFAULT_DATABASE_URL}]")));
    }

    #[test]
    fn version_is_a_text_that_was_asked_for() {
        let version = parse_from(["vacancy", "--version"]).expect_err("no configuration");
        let expected = format!("vacancy {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(version, ConfigError::Asked(expected));
    }

    #[test]
    fn a_configuration_can_be_printed_without_its_password() {
        let args = ["vacancy", "--database-url", "postgres://me:secret@db/vacancy"];
        let config = parse_from(args).expect("a valid command line");
        assert!(!format!("{config:?}").contains("secret"));
        assert_eq!(config.database.url.as_str(), args[2]);
    }

    /// What `parse_from` makes of `args` in a process that has this environment and no other. The
    /// environment of a process is shared by its tests, so each call has a process of its own.
    fn run(environment: &[(&str, &str)], args: &[&str]) -> String {
        let (_, module) = module_path!().split_once("::").expect("the crate comes first");
        let output = std::process::Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", &format!("{module}::child"), "--ignored", "--nocapture"])
            .env_clear()
            .env(CHILD_ARGS, args.join("\n"))
            .envs(environment.iter().copied())
            .output()
            .expect("it can be started again");
        assert!(output.status.success());
        String::from_utf8(output.stderr).expect("text").trim().to_owned()
    }

    const CHILD_ARGS: &str = "TEST_ARGS_BY_LINE";

    #[test]
    #[ignore = "the other side of `run`"]
    fn child() {
        let args = std::env::var(CHILD_ARGS).unwrap_or_default();
        let args = std::iter::once("vacancy").chain(args.lines());
        let config = parse_from(args)
            .map(|config| (format!("url={}", config.database.url.as_str()), config));
        // Help is wrapped to the width of a terminal; this is searched as one line.
        eprintln!("{}", format!("{config:?}").replace("\\n", " "));
    }
}
