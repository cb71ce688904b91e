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
        "guest_retention: 0",
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
    check_option("--forwarded-prefix", "VACANCY_FORWARDED_PREFIX", "yes");
    check_option("--idempotency-ttl", "VACANCY_IDEMPOTENCY_TTL", "30d");
    check_option("--sweep-interval", "VACANCY_SWEEP_INTERVAL", "0");
    check_option("--guest-retention", "VACANCY_GUEST_RETENTION", "36500");
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
    assert_eq!(demo, run(&[], &["--demo=yes"]));
    assert_eq!(demo, run(&[], &["--demo", "serve"]), "a command is no value of it");
    assert_eq!(run(&[], &[]), run(&[("VACANCY_DEMO", "yes")], &["--demo=no"]));
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

/// What is typed, and the line without the pointer to the help at its end.
const WRONG: &[(&str, &str)] = &[
    ("--foo", "unexpected argument '--foo' found"),
    ("--lissten=a:1", "unexpected argument '--lissten' found; did you mean --listen?"),
    ("serve --json", "unexpected argument '--json' found"),
    ("srve", "unrecognized subcommand 'srve'; did you mean serve?"),
    ("serve now", "unexpected argument 'now' found"),
    ("keys", "vacancy keys needs a command: create, list, revoke, generate or help"),
    (
        "keys create --name x",
        "the following required arguments were not provided: --scopes <SCOPE,…>",
    ),
    ("--listen", "a value is required for '--listen <ADDRESS:PORT>' but none was supplied"),
    ("--listen 8080", ADDRESS),
    ("--listen localhost", ADDRESS),
    ("--listen localhost:", ADDRESS),
    ("--listen localhost:+1", ADDRESS),
    ("--listen :80", ADDRESS),
    ("--listen 1.2.3:80", ADDRESS),
    ("--listen a:65536", ADDRESS),
    (
        "--keep-alive-timeout 3h",
        "'--keep-alive-timeout <DURATION>': must be a number with a unit, such as 500ms, 30s or 5m, \
         from 1s to 2h",
    ),
    (
        "--database-connections 0",
        "'--database-connections <NUMBER>': must be a whole number from 1 to 1000",
    ),
    ("--migrate maybe", "'--migrate [<YES|NO>]': must be yes or no"),
    ("--room-lanes 2", "'--room-lanes [<YES|NO>]': must be yes or no"),
    ("--demo=maybe", "'--demo[=<YES|NO>]': must be yes or no"),
    ("--retry-attempts 21", "'--retry-attempts <NUMBER>': must be a whole number from 1 to 20"),
    ("--retry-attempts many", "'--retry-attempts <NUMBER>': must be a whole number from 1 to 20"),
    (
        "--retry-multiplier 1.5",
        "'--retry-multiplier <NUMBER>': must be a whole number from 1 to 10",
    ),
    (
        "--retry-base-delay 11s",
        "'--retry-base-delay <DURATION>': must be a number with a unit, such as 500ms or 2s, from \
         0s to 10s",
    ),
    ("--retry-jitter=1.1", SHARE),
    ("--retry-jitter=-0.1", SHARE),
    ("--retry-jitter=NaN", SHARE),
    ("--retry-jitter=much", SHARE),
    ("--request-timeout 99ms", TIMEOUT),
    ("--request-timeout 5", TIMEOUT),
    (
        "--idempotency-ttl 31d",
        "'--idempotency-ttl <DURATION>': must be a number with a unit, such as 500ms, 30s or 5m, \
         from 1m to 30d",
    ),
    ("--sweep-interval 1ms", SWEEP),
    ("--sweep-interval 2d", SWEEP),
    ("--sweep-interval often", SWEEP),
    (
        "--rate-limit 9/m",
        "'--rate-limit <NUMBER/s>': must be a whole number from 0 to 100000, such as 200/s",
    ),
    (
        "--guest-retention 36501",
        "'--guest-retention <DAYS>': must be a whole number from 0 to 36500",
    ),
    ("--rate-burst 0", "'--rate-burst <NUMBER>': must be a whole number from 1 to 100000"),
    ("--auth maybe", "'--auth <MODE>': must be none or required"),
    ("--log-format xml", "'--log-format <FORMAT>': must be text or json"),
    ("openapi --version 2", "'--version <VERSION>': must be 3.1 or 3.0"),
    (
        "--log=",
        "'--log <LEVEL>': '' is neither a level (off, error, warn, info, debug, trace) nor \
         target=level",
    ),
];
const ADDRESS: &str =
    "'--listen <ADDRESS:PORT>': must be ADDRESS:PORT or NAME:PORT, such as 127.0.0.1:8080";
const SHARE: &str = "'--retry-jitter <SHARE>': must be a number from 0 to 1";
const TIMEOUT: &str = "'--request-timeout <DURATION>': must be a number with a unit, such as 500ms, \
                       30s or 5m, from 100ms to 5m";
const SWEEP: &str = "'--sweep-interval <DURATION>': must be 0, which is never, or a number with a \
                     unit, such as 30s or 5m, from 1s to 1d";

/// Each says what is wanted, in the project's own words.
#[test]
fn a_bad_command_line_is_one_clear_line() {
    for (typed, expected) in WRONG {
        let args: Vec<_> = typed.split(' ').collect();
        // A wrong value is repeated, so that it is found in a long command line.
        let value = args.last().map(|last| last.split_once('=').map_or(*last, |(_, value)| value));
        let expected = match expected.strip_prefix('\'') {
            Some(_) => format!("invalid value '{}' for {expected}", value.unwrap_or_default()),
            None => (*expected).to_owned(),
        };
        check_refused(&args, &expected);
    }
    check_refused(&["--listen", "a b:80"], &format!("invalid value 'a b:80' for {ADDRESS}"));
}

#[test]
fn a_misspelt_variable_is_refused_by_name() {
    let refused = run(&[("VACANCY_DATABSE_URL", "postgres://me:secret@db/x")], &[]);
    let line = "there is no variable VACANCY_DATABSE_URL; did you mean VACANCY_DATABASE_URL?";
    assert!(refused.contains(line) && !refused.contains("secret"), "{refused}");
    // A cluster makes these for a service that is called vacancy.
    let cluster = [("VACANCY_PORT", "tcp://10.0.0.1:8080"), ("VACANCY_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(run(&cluster, &[]), run(&[], &[]));
}

#[test]
fn help_of_a_command_shows_the_options_that_it_uses_and_all_of_them_are_taken() {
    for (command, used) in [
        ("serve", &["--listen", "--database-url", "--auth", "--retry-jitter", "--log"][..]),
        ("migrate", &["--database-url", "--database-connections", "--log", "--log-format"]),
        ("audit", &["--json", "--database-url", "--database-connections"]),
        ("keys create", &["--name", "--scopes", "--expires", "--database-url"]),
        ("keys list", &["--database-url", "--database-connections"]),
        ("keys generate", &[]),
        ("openapi", &["--version"]),
        ("healthcheck", &["--listen"]),
    ] {
        let words: Vec<_> = command.split(' ').collect();
        let help = run(&[], &[&words[..], &["--help"]].concat());
        for option in used {
            assert!(help.contains(&format!("{option} ")), "{command} lacks {option}: {help}");
        }
        let all = ["--listen ", "--retry-jitter ", "--auth ", "--demo", "--oidc-issuer "];
        let foreign = all.iter().filter(|option| !used.contains(&option.trim()));
        let foreign: Vec<_> = foreign.filter(|option| help.contains(**option)).collect();
        assert!(command == "serve" || foreign.is_empty(), "{command} shows {foreign:?}");
    }
    // One environment, or one script's options, for all commands.
    let audit = ["vacancy", "--listen", "0.0.0.0:1", "audit", "--retry-attempts", "7"];
    let config = parse_from(audit).expect("every command takes every option");
    assert_eq!((config.http.listen.as_str(), config.serve.retry.attempts), ("0.0.0.0:1", 7));
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
        "unexpected argument '--databse-url' found; did you mean --database-url?",
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
