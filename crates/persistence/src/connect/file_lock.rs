//! One process writes one SQLite file.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::options::ConnectError;

/// An advisory lock on `FILE.lock`, which the operating system drops with the process.
pub(super) fn lock_beside(file: &Path) -> Result<File, ConnectError> {
    // Two names of one file must meet at one lock.
    let real = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let mut name = real.clone().into_os_string();
    name.push(".lock");
    let path = PathBuf::from(name);
    let unreachable = |why: std::io::Error| ConnectError::Unreachable {
        place: path.display().to_string(),
        why: why.to_string(),
    };
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(unreachable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ConnectError::InUse(real)),
        Err(TryLockError::Error(why)) => Err(unreachable(why)),
    }
}
