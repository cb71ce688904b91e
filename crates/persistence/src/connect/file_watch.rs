//! Whether the SQLite file that is open is still the one that its name leads to.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::options::ConnectError;
use crate::StoreError;

/// A file, whatever it is called: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl From<Metadata> for Identity {
    fn from(metadata: Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// The open database and its log. What is committed to files that no name leads to any more is gone
/// with the process, however well it is committed.
#[derive(Debug)]
pub(crate) struct FileWatch {
    files: [(PathBuf, Identity); 2],
    detached: AtomicBool,
}

impl FileWatch {
    /// Remembers the file that `opened` describes and its log, which must both be open and stay so.
    /// `path` is the database's name as it was given. Fails when it leads elsewhere by now.
    pub(super) fn over(path: &Path, opened: Metadata) -> Result<Self, ConnectError> {
        let unreachable = |why: io::Error| ConnectError::Unreachable {
            place: path.display().to_string(),
            why: why.to_string(),
        };
        let mut log = path.canonicalize().map_err(unreachable)?.into_os_string();
        log.push("-wal");
        let log = PathBuf::from(log);
        let log_opened = Identity::from(log.metadata().map_err(unreachable)?);
        let files = [(path.to_path_buf(), Identity::from(opened)), (log, log_opened)];
        let watch = Self { files, detached: AtomicBool::new(false) };
        watch.check().map_err(|why| ConnectError::Unreachable {
            place: path.display().to_string(),
            why: why.to_string(),
        })?;
        Ok(watch)
    }

    /// Compares names and open files; costs two calls of `stat(2)`. Fails, once and for all, when one
    /// is missing or another.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if !self.is_detached() {
            for (path, opened) in &self.files {
                match path.metadata().map(Identity::from) {
                    Ok(found) if found == *opened => {}
                    Ok(_) => self.detach(path, "was replaced"),
                    Err(why) if why.kind() == io::ErrorKind::NotFound => {
                        self.detach(path, "was removed");
                    }
                    Err(why) => {
                        return Err(StoreError::unavailable(format!("{}: {why}", path.display())));
                    }
                }
            }
        }
        if self.is_detached() {
            let why = "the database's file was removed or replaced while it was open";
            return Err(StoreError::unavailable(why));
        }
        Ok(())
    }

    /// Whether a check has failed for good.
    pub(crate) fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    fn detach(&self, path: &Path, what: &str) {
        if !self.detached.swap(true, Ordering::AcqRel) {
            let file = path.display();
            tracing::error!(
                %file,
                "the database's file {what} while it was open: nothing is written any more; put the \
                 right file back and start again"
            );
        }
    }
}
