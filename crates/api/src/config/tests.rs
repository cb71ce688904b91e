//! Options as an operator gives them: on the command line and in the environment.

#![expect(clippy::disallowed_methods, reason = "a child reads what its parent gave it")]

use clap::CommandFactory as _;

use super::command_line::Cli;
use super::database::DEFAULT_DATABASE_URL;
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
        "keep_alive_timeout: 75s",
        "migrate: true",
        "demo: false",
        "retry: RetryPolicy { attempts: 3, base_delay: 100ms, multiplier: 2, jitter: 0.25 }",
        "request_timeout: 5s",
        "idempotency_ttl: 86400s",
        "sweep_interval: 30s",
        "room_lanes: true",
        "log: LogConfig { format: Text, directives: \"info\" }",
    ] {
        assert!(config.contains(expected), "{expected} is not in {config}");
    }
}

#[test]
fn each_option_is_a_flag_and_a_variable() {
    check_option("--listen", "VACANCY_LISTEN", "[::1]:9000");
    check_option("--listen", "VACANCY_LISTEN", "localhost:9000");
    check_option("--keep-alive-timeout", "VACANCY_KEEP_ALIVE_TIMEOUT", "1h");
    check_option("--database-url", "VACANCY_DATABASE_URL", "postgres://me:secret@db/vacancy");
    check_option("--database-connections", "VACANCY_DATABASE_CONNECTIONS", "1000");
    check_option("--migrate", "VACANCY_MIGRATE", "no");
    check_option("--retry-attempts", "VACANCY_RETRY_ATTEMPTS", "20");
    check_option("--retry-base-delay", "VACANCY_RETRY_BASE_DELAY", "0");
    check_option("--retry-multiplier", "VACANCY_RETRY_MULTIPLIER", "10");
    check_option("--retry-jitter", "VACANCY_RETRY_JITTER", "1");
    check_option("--room-lanes", "VACANCY_ROOM_LANES", "no");
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
fn zone_files_are_where_the_option_says_or_the_common_variable() {
    let common = ("TZDIR", "/zones/common");
    let own = ("VACANCY_ZONEINFO", "/zones/own");
    for (environment, args, expected) in [
        (&[][..], &[][..], "zoneinfo: System"),
        (&[("TZDIR", "")], &[], "zoneinfo: System"),
        (&[common], &[], "zoneinfo: Directory(\"/zones/common\")"),
        (&[common, own], &[], "zoneinfo: Directory(\"/zones/own\")"),
        (&[common], &["serve", "--zoneinfo", "embedded"], "zoneinfo: Embedded"),
        (&[own], &["--zoneinfo", "/zones/flag"], "zoneinfo: Directory(\"/zones/flag\")"),
    ] {
        let config = run(environment, args);
        assert!(config.contains(expected), "{environment:?} {args:?}: {config}");
    }
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
    check_command(&[], &Command::Serve);
    check_command(&["serve"], &Command::Serve);
    check_command(&["migrate"], &Command::Migrate);
    check_command(&["audit"], &Command::Audit { json: false });
    check_command(&["audit", "--json"], &Command::Audit { json: true });
    check_command(&["openapi"], &Command::Openapi { version: OpenapiVersion::V3_1 });
    check_command(
        &["openapi", "--version", "3.0"],
        &Command::Openapi { version: OpenapiVersion::V3_0 },
    );
    check_command(&["--listen", "0.0.0.0:1", "healthcheck"], &Command::Healthcheck);
}

#[track_caller]
fn check_command(args: &[&str], expected: &Command) {
    let config = parse_from(["vacancy"].iter().chain(args)).expect("a valid command line");
    assert_eq!(&config.command, expected);
}

#[test]
fn a_bad_command_line_is_one_clear_line() {
    check_refused(&["--foo"], "unexpected argument '--foo' found");
    check_refused(&["serve", "--json"], "unexpected argument '--json' found");
    check_refused(&["srve"], "unrecognized subcommand 'srve'");
    check_refused(&["serve", "now"], "unexpected argument 'now' found");
    check_refused(
        &["--listen", "8080"],
        "invalid value '8080' for '--listen <ADDRESS:PORT>': must be ADDRESS:PORT or NAME:PORT, such as 127.0.0.1:8080",
    );
    for listen in
        ["localhost", "localhost:", "localhost:+1", ":80", "1.2.3:80", "a b:80", "a:65536"]
    {
        let line = format!(
            "invalid value '{listen}' for '--listen <ADDRESS:PORT>': \
             must be ADDRESS:PORT or NAME:PORT, such as 127.0.0.1:8080"
        );
        check_refused(&["--listen", listen], &line);
    }
    check_refused(
        &["--keep-alive-timeout", "3h"],
        "invalid value '3h' for '--keep-alive-timeout <DURATION>': must be from 1s to 2h",
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
    for url in ["mysql://me:secret@db/x", "secret", "postgres:secret", "postgres://", "sqlite:"] {
        check_refused(&["--database-url", url], schemes);
    }
    check_refused(
        &["--database-url", "postgres://me:secret@db/x y"],
        "the database URL contains a blank or control character",
    );
    for (url, named) in [
        ("postgres://me:secret@db/x?sslmode=require&sslpassword=secret", "sslpassword"),
        ("postgres://me:sec?ret@db/x", "of another kind"),
        ("sqlite:x.db?mode=rwc&sslmode=secret", "sslmode"),
    ] {
        let line = format!("the database URL has an unknown parameter {named}");
        check_refused(&["--database-url", url], &line);
    }
    for good in [
        "postgres://me:secret@db/x?sslmode=require&options=-c%20a%3Db&options[a]=b#x?y=z",
        "postgres:///x?host=/run/postgresql&user=me",
        "sqlite:x.db?mode=rwc",
    ] {
        assert!(parse_from(["vacancy", "--database-url", good]).is_ok(), "{good}");
    }
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
    let config =
        parse_from(args).map(|config| (format!("url={}", config.database.url.as_str()), config));
    // Help is wrapped to the width of a terminal; this is searched as one line.
    eprintln!("{}", format!("{config:?}").replace("\\n", " "));
}
