//! Why there is no configuration, and how the program ends then.

use std::io::Write as _;

use clap::error::ErrorKind;

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
