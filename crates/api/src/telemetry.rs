//! The log: lines for people or for machines, on the standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{LogConfig, LogFormat};

/// Libraries that report every statement or every step at the level `info`: at most `warn` of them
/// is logged, unless a directive names them.
const MUTED: [&str; 3] = ["sqlx", "sea_orm", "sea_orm_migration"];

/// Sends the log of the whole process to the standard error from now on. Fails in one line when the
/// directives do not read, which `config` has checked, or when the process logs already.
pub fn init(config: &LogConfig) -> Result<(), String> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.directives)?)
        .with_writer(std::io::stderr);
    let set_up = match config.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    set_up.map_err(|_| "the log is already set up".to_owned())
}

/// Reads what to log. Fails with what is wrong, in one line.
pub fn filter(directives: &str) -> Result<EnvFilter, String> {
    let mut overall = LevelFilter::OFF;
    for directive in directives.split(',').map(str::trim) {
        if directive.contains(['=', '[']) {
            continue;
        }
        // A lone word that is no level would be taken for a target, and everything else fall
        // silent: no way to treat `--log inof`.
        overall = directive.parse().ok().filter(|_| !directive.is_empty()).ok_or_else(|| {
            format!(
                "'{}' is neither a level (off, error, warn, info, debug, trace) nor target=level",
                directive.escape_debug()
            )
        })?;
    }
    // Of two directives for one target the later one holds, and of two that fit the narrower one,
    // so those that were given win over these.
    let mute = overall.min(LevelFilter::WARN);
    let mutes: String = MUTED.map(|target| format!("{target}={mute},")).concat();
    EnvFilter::builder().parse(format!("{mutes}{directives}")).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn libraries_are_muted_unless_they_are_named() {
        check_logged("info", &["ours info", "sqlx warn"]);
        check_logged("debug", &["ours info", "ours debug", "sqlx warn"]);
        check_logged("error", &[]);
        check_logged("off", &[]);
        check_logged("info,sqlx=off", &["ours info"]);
        check_logged("info,sqlx=info", &["ours info", "sqlx warn", "sqlx info"]);
        check_logged("info,sqlx::query=info", &["ours info", "sqlx warn", "sqlx info"]);
        check_logged("warn,sea_orm_migration=info", &["sqlx warn", "migration info"]);
        check_logged("ours=debug", &["ours info", "ours debug"]);
        check_logged("ours=info, error", &["ours info"]);
        check_logged("[request]=debug,warn", &["sqlx warn"]);
    }

    #[track_caller]
    fn check_logged(directives: &str, expected: &[&str]) {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(directives).expect("valid directives"))
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .with_writer(written.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "ours", "ours info");
            tracing::debug!(target: "ours", "ours debug");
            tracing::warn!(target: "sqlx::query", "sqlx warn");
            tracing::info!(target: "sqlx::query", "sqlx info");
            tracing::info!(target: "sea_orm_migration::migrator", "migration info");
        });
        let bytes = written.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text.lines().map(str::trim).collect::<Vec<_>>(), expected, "{directives}");
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn bad_directives_are_one_clear_line() {
        let neither = "is neither a level (off, error, warn, info, debug, trace) nor target=level";
        check_refused("inof", &format!("'inof' {neither}"));
        check_refused("info,sqlx", &format!("'sqlx' {neither}"));
        check_refused("info,", &format!("'' {neither}"));
        check_refused("", &format!("'' {neither}"));
        check_refused("a\nb", &format!("'a\\nb' {neither}"));
        let level = "error parsing level filter: expected one of \"off\", \"error\", \"warn\", \
                     \"info\", \"debug\", \"trace\", or a number 0-5";
        check_refused("sqlx=loud", level);
        check_refused("a=b=c", level);
        check_refused("[open=info", "invalid filter directive");
    }

    #[track_caller]
    fn check_refused(directives: &str, reason: &str) {
        let error = filter(directives).expect_err("it is refused");
        assert_eq!(error, reason);
        assert_eq!(error.lines().count(), 1);
    }

    /// The log belongs to the whole process, so this has a process of its own.
    #[test]
    fn the_log_goes_to_the_standard_error_and_is_set_up_once() {
        let (_, module) = module_path!().split_once("::").expect("the crate comes first");
        let output = std::process::Command::new(std::env::current_exe().expect("a test binary"))
            .args(["--exact", &format!("{module}::child"), "--ignored", "--nocapture"])
            .output()
            .expect("it can be started again");
        assert!(output.status.success());
        let text = String::from_utf8(output.stderr).expect("text");
        let line: serde_json::Value = serde_json::from_str(&text).expect("one line of JSON");
        assert_eq!(line["message"], "said");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["answer"], 42);
        assert_eq!(line["span"]["request"], "abc");
    }

    #[test]
    #[ignore = "the other side of `the_log_goes_to_the_standard_error_and_is_set_up_once`"]
    fn child() {
        let config = LogConfig { format: LogFormat::Json, directives: "info".to_owned() };
        init(&config).expect("nobody has set it up");
        let again = init(&config).expect_err("once is enough");
        assert_eq!(again, "the log is already set up");
        let _span = tracing::info_span!("http", request = "abc").entered();
        tracing::info!(answer = 42, "said");
        tracing::debug!("not said");
    }
}
