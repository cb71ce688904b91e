//! One process writes one SQLite file, by whatever name it is called.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::options::ConnectError;

/// What keeps other processes from a SQLite file, until the operating system drops it with the
/// process: an advisory lock on `FILE.lock`, which older releases know too, and one on the file
/// itself, which holds for every name of it. The latter is a lock of `flock(2)`, which does not meet
/// the byte ranges that SQLite locks with `fcntl(2)`.
///
/// Closing *any* descriptor of the file drops all of SQLite's own locks in this process. So the file
/// is opened before SQLite opens it, and dropped after SQLite has closed it.
#[derive(Debug)]
pub(crate) struct FileLock {
    pub(super) file: File,
    _beside: File,
}

impl FileLock {
    /// Locks the file at `path`, which is made first if `create` says so and nothing is there.
    pub(super) fn take(path: &Path, create: bool) -> Result<Self, ConnectError> {
        let unreachable = |why: std::io::Error| unreachable(path, &why);
        // Before the lock beside, whose name is that of the file that is really there. An empty file
        // is an empty database.
        let made = if create && !path.exists() {
            let made = File::options().create(true).truncate(false).write(true).open(path);
            Some(made.map_err(unreachable)?)
        } else {
            None
        };
        let real = path.canonicalize().map_err(unreachable)?;
        let names = real.metadata().map_err(unreachable)?.nlink();
        if names > 1 {
            return Err(ConnectError::SeveralNames { file: real, names });
        }
        let beside = lock_beside(&real)?;
        let file = match made {
            Some(file) => file,
            // For writing, although a lock needs only reading: SQLite would open a file that is
            // read-only all the same, and leave a log beside it that is read-only too.
            None => File::options().read(true).write(true).open(&real).map_err(|why| {
                ConnectError::Unreachable {
                    place: path.display().to_string(),
                    why: format!("it cannot be written: {why}"),
                }
            })?,
        };
        lock(&file, &real)?;
        Ok(Self { file, _beside: beside })
    }
}

fn lock_beside(real: &Path) -> Result<File, ConnectError> {
    let mut name = real.to_path_buf().into_os_string();
    name.push(".lock");
    let path = PathBuf::from(name);
    let beside = File::options().create(true).truncate(false).write(true).open(&path);
    let beside = beside.map_err(|why| unreachable(&path, &why))?;
    lock(&beside, real)?;
    Ok(beside)
}

fn lock(file: &File, real: &Path) -> Result<(), ConnectError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ConnectError::InUse(real.to_path_buf())),
        Err(TryLockError::Error(why)) => Err(unreachable(real, &why)),
    }
}

fn unreachable(place: &Path, why: &std::io::Error) -> ConnectError {
    ConnectError::Unreachable { place: place.display().to_string(), why: why.to_string() }
}
