//! Where the rules of time zones come from.
#![expect(clippy::disallowed_methods, reason = "this module reads the environment for all others")]

use std::path::{Path, PathBuf};

use clap::Args;

/// The option as it is given.
#[derive(Args)]
pub(super) struct ZoneinfoOptions {
    // No default here: between the variable and the default comes a second variable.
    #[arg(
        long,
        env = "VACANCY_ZONEINFO",
        global = true,
        value_name = "DIRECTORY",
        help = "The rules of time zones: a directory of zone files, or embedded for the program's own\n\
                [env: TZDIR, if the next is not set]\n\
                [default: /usr/share/zoneinfo or /etc/zoneinfo; without either, embedded]"
    )]
    zoneinfo: Option<PathBuf>,
}

/// Where the rules of time zones come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneinfoSource {
    /// The system, or the program itself where that has none.
    System,
    /// The program itself.
    Embedded,
    /// This directory.
    Directory(PathBuf),
}

impl ZoneinfoOptions {
    /// Fills in the second variable and the default. As everywhere, an empty `TZDIR` is none.
    pub(super) fn resolve(self) -> ZoneinfoSource {
        let common = std::env::var_os("TZDIR").filter(|directory| !directory.is_empty());
        match self.zoneinfo {
            Some(own) if own == Path::new("embedded") => ZoneinfoSource::Embedded,
            Some(own) => ZoneinfoSource::Directory(own),
            None => match common {
                Some(directory) => ZoneinfoSource::Directory(directory.into()),
                None => ZoneinfoSource::System,
            },
        }
    }
}
