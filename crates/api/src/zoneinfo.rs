//! The rules of time zones as the system has them: a directory of compiled zone files, read once, at
//! the start.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use vacancy_domain::{TimeZone, Zones};

use crate::config::{ConfigError, ZoneinfoSource};

/// Where systems have it, the first that is there.
const PLACES: [&str; 2] = ["/usr/share/zoneinfo", "/etc/zoneinfo"];
/// `America/Argentina/Buenos_Aires` is as deep as it gets.
const DEPTH_MAX: usize = 3;
/// A system has about 600 names.
const ZONES_MAX: usize = 4_096;
/// The largest zone file has 4 KiB.
const FILE_BYTES_MAX: u64 = 256 * 1_024;
/// The longest release we name in the log and in a label.
const RELEASE_BYTES_MAX: usize = 16;

/// The zones to use, and what is to be said of them.
#[derive(Debug)]
pub struct Found {
    /// The zones.
    pub zones: Zones,
    directory: Option<PathBuf>,
    /// The files that did not read, with why.
    unread: Vec<String>,
}

impl Found {
    /// Looks where `source` says. Fails when a directory was named that has no zones.
    pub fn at(source: &ZoneinfoSource) -> Result<Self, ConfigError> {
        let embedded = Self { zones: Zones::default(), directory: None, unread: Vec::new() };
        match source {
            ZoneinfoSource::Embedded => Ok(embedded),
            ZoneinfoSource::Directory(directory) => Self::read(directory).map_err(|why| {
                let place = directory.display();
                ConfigError::invalid(&format!("no time zones in --zoneinfo {place}: {why}"))
            }),
            ZoneinfoSource::System => {
                let mut found = PLACES.iter().filter_map(|place| Self::read(place.as_ref()).ok());
                Ok(found.next().unwrap_or(embedded))
            }
        }
    }

    /// Reads a directory. Fails when there is no zone in it that reads; passes over single files.
    fn read(directory: &Path) -> io::Result<Self> {
        let (mut zones, mut unread) = (Vec::new(), Vec::new());
        for name in names(directory)? {
            match zone(directory, &name) {
                Ok(zone) => zones.extend(zone),
                Err(why) => unread.push(format!("{name}: {why}")),
            }
        }
        if zones.is_empty() {
            let first = unread.first().map_or("no zone file", String::as_str);
            return Err(io::Error::new(io::ErrorKind::NotFound, first));
        }
        let zones = Zones::new(release(directory), zones);
        Ok(Self { zones, directory: Some(directory.to_owned()), unread })
    }

    /// Says in the log which rules are in use.
    pub fn tell(&self) {
        let (release, source) = (self.zones.release(), self.zones.source());
        let directory = self.directory.as_ref().map(|directory| directory.display());
        tracing::info!(
            release,
            source,
            directory = directory.map(tracing::field::display),
            "rules of time zones"
        );
        let embedded = Zones::embedded_release();
        if is_older(release, embedded) {
            tracing::warn!(
                release,
                embedded,
                "the system's rules of time zones are out of date: renew them, or use --zoneinfo embedded"
            );
        }
        if let Some(first) = self.unread.first() {
            let files = self.unread.len();
            tracing::warn!(files, first, "zone files that do not read: the compiled-in rules hold");
        }
    }
}

/// The files that may be zones, by their names: each part begins with a capital, which keeps out
/// `posix/`, `right/` (which counts leap seconds), `localtime` and the tables.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![(String::new(), 1)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(directory.join(&folder))? {
            let entry = entry?;
            let Some(part) =
                entry.file_name().to_str().filter(|part| is_part(part)).map(str::to_owned)
            else {
                continue;
            };
            let name = if folder.is_empty() { part } else { format!("{folder}/{part}") };
            // Of what a link points to, not of the link.
            match fs::metadata(entry.path()) {
                Ok(what) if what.is_dir() && depth < DEPTH_MAX => folders.push((name, depth + 1)),
                Ok(what) if what.is_file() => names.push(name),
                Ok(_) | Err(_) => {}
            }
            if names.len() + folders.len() > ZONES_MAX {
                return Err(io::Error::other("too many files"));
            }
        }
    }
    Ok(names)
}

fn is_part(part: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
    part.len() <= 32
        && part.bytes().all(known)
        && part.bytes().next().is_some_and(|first| first.is_ascii_uppercase())
}

/// The zone in a file; absent if it is a file of another kind. Fails when it does not read.
fn zone(directory: &Path, name: &str) -> Result<Option<TimeZone>, String> {
    let mut bytes = Vec::new();
    let file = fs::File::open(directory.join(name)).map_err(|why| why.to_string())?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if !bytes.starts_with(b"TZif") {
        return Ok(None);
    }
    TimeZone::from_tzif(name, &bytes).map(Some)
}

/// Which release of the IANA database a directory says it is.
fn release(directory: &Path) -> String {
    let line = |file: &str| {
        let mut text = String::new();
        let file = fs::File::open(directory.join(file)).ok()?;
        file.take(64).read_to_string(&mut text).ok()?;
        text.lines().next().map(str::to_owned)
    };
    let said = line("+VERSION")
        .or_else(|| line("tzdata.zi")?.strip_prefix("# version ").map(str::to_owned));
    let said = said.map(|said| said.trim().to_owned()).filter(|said| {
        (1..=RELEASE_BYTES_MAX).contains(&said.len())
            && said.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    });
    said.unwrap_or_else(|| "unknown".to_owned())
}

/// Whether both are releases, a year and a letter, and the one came before the other.
fn is_older(release: &str, other: &str) -> bool {
    let is_release =
        |text: &str| text.len() >= 5 && text.bytes().take(4).all(|byte| byte.is_ascii_digit());
    is_release(release) && is_release(other) && release < other
}

#[cfg(test)]
mod tests;
