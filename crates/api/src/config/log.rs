//! What is logged, and in which form.

use clap::{Args, ValueEnum};

use super::directives;

/// What is logged, and in which form.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// The form of the log, which goes to the standard error
    #[arg(
        long = "log-format",
        env = "VACANCY_LOG_FORMAT",
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        value_enum
    )]
    pub format: LogFormat,

    /// What to log: off, error, warn, info, debug, trace, or target=level,…
    #[arg(
        long = "log",
        env = "VACANCY_LOG",
        global = true,
        value_name = "LEVEL",
        default_value = "info",
        value_parser = checked
    )]
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

/// What does not read must not silence the log later.
fn checked(text: &str) -> Result<String, String> {
    directives::filter(text).map(|_| text.to_owned())
}
