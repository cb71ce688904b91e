//! The log: lines for people or for machines, on the standard error.

use std::io::IsTerminal as _;

use crate::config::{LogConfig, LogFormat, filter};

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
        init(&config).expect("nobody has set it up");
        let again = init(&config).expect_err("once is enough");
        assert_eq!(again, "the log is already set up");
        let _span = tracing::info_span!("http", request = "abc").entered();
        tracing::info!(answer = 42, "said");
        tracing::debug!("not said");
    }
}
