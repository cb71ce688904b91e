//! What to log, as `--log` says it.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Libraries that report every statement or every step at the level `info`: at most `warn` of them
/// is logged, unless a directive names them.
const MUTED: [&str; 3] = ["sqlx", "sea_orm", "sea_orm_migration"];

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
}
