//! Setting the log up, and its last words.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::queue::LineQueue;
use crate::config::{LogConfig, LogFormat, filter};

/// How long the end waits for a log that is not read.
const END_PATIENCE: Duration = Duration::from_millis(500);

static QUEUE: OnceLock<LineQueue> = OnceLock::new();

/// Sends the log of the whole process, panics included, to the standard error from now on. Fails in
/// one line when the directives do not read, which `config` has checked, when no thread can be
/// started, or when the process logs already.
pub fn init(config: &LogConfig) -> Result<(), String> {
    let queue = LineQueue::to_stderr(config.format).map_err(|error| error.to_string())?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&config.directives)?)
        // They would be printed, which is what a failing log must not do.
        .log_internal_errors(false)
        .with_writer(queue.clone());
    let set_up = match config.format {
        LogFormat::Text => builder.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    set_up.map_err(|_| "the log is already set up".to_owned())?;
    QUEUE.get_or_init(|| queue);
    // The standard library's hook prints, and would wait for a pipe that is not read.
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("of unknown kind");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(location, %backtrace, "panicked: {message}");
    } else {
        tracing::error!(location, "panicked: {message}");
    }
}

/// Waits until the log is written, but not for one that is not read.
pub fn end() {
    if let Some(queue) = QUEUE.get() {
        queue.drain(END_PATIENCE);
    }
}

/// Writes the last line of the program, why it ends, after what was logged. One that cannot be
/// written is lost.
pub fn last_line(line: &str) {
    end();
    let line = format!("vacancy: {line}\n").into_bytes();
    let (written, waited) = mpsc::channel();
    // In a thread of its own: a pipe that is not read would keep the program from ending.
    thread::spawn(move || {
        let _ = io::Write::write_all(&mut io::stderr(), &line);
        let _ = written.send(());
    });
    let _ = waited.recv_timeout(END_PATIENCE);
}

#[cfg(test)]
mod tests {
    use super::*;

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
        init(&config).expect("not set up before");
        let again = init(&config).expect_err("once is enough");
        assert_eq!(again, "the log is already set up");
        let _span = tracing::info_span!("http", request = "abc").entered();
        tracing::info!(answer = 42, "said");
        tracing::debug!("not said");
        end();
    }
}
