//! Why there is no configuration, and how the program ends then.

use std::io::Write as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

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

    /// An option that cannot be used, with a pointer to the help.
    pub(crate) fn invalid(what: &str) -> Self {
        Self::Invalid(format!("{what}; see vacancy --help"))
    }
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Self::Asked(error.render().to_string());
        }
        Self::invalid(&without_addresses(&explained(&error)))
    }
}

/// What is wrong and what is wanted, in one line.
fn explained(error: &clap::Error) -> String {
    let texts = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    let valid = texts(ContextKind::ValidValue);
    if let (ErrorKind::InvalidValue, [_, ..]) = (error.kind(), &valid[..]) {
        let (option, value) = (texts(ContextKind::InvalidArg), texts(ContextKind::InvalidValue));
        if value.iter().any(|value| !value.is_empty()) {
            let (option, value) = (option.concat(), value.concat());
            return format!("invalid value '{value}' for '{option}': must be {}", one_of(&valid));
        }
    }
    if error.kind() == ErrorKind::MissingSubcommand {
        let of = texts(ContextKind::InvalidSubcommand).concat();
        return format!("{of} needs a command: {}", one_of(&texts(ContextKind::ValidSubcommand)));
    }
    // The first paragraph says what is wrong; tips and usage follow, which `--help` says better.
    let text = error.render().to_string();
    let lines: Vec<_> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let what = lines.join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand].map(texts).concat();
    if near.is_empty() {
        return what.to_owned();
    }
    format!("{what}; did you mean {}?", one_of(&near))
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(texts: &[String]) -> String {
    match texts {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        _ => texts.concat(),
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
