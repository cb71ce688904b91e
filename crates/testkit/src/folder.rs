//! A folder of its own under the system's temporary one, that no other user may read.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static MADE: AtomicU32 = AtomicU32::new(0);

/// An empty folder (mode 0700) that vanishes, with all that is in it, when this value does.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one; `purpose` becomes part of its name.
    pub fn new(purpose: &str) -> Self {
        let path = new_path(purpose);
        DirBuilder::new().mode(0o700).create(&path).unwrap_or_else(|error| {
            panic!("cannot make the folder {}: {error}", path.display());
        });
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("{} stays behind: {error}", self.path.display());
        }
    }
}

/// A path that nothing is at and no other call returns.
pub(crate) fn new_path(purpose: &str) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("vacancy-{purpose}-{}-{number}-{now:x}", std::process::id());
    std::env::temp_dir().join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_goes_with_its_value() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new("self-test");
        let path = folder.path().to_owned();
        std::fs::write(path.join("file"), "x").expect("the folder can be written to");
        let mode = std::fs::metadata(&path).expect("the folder exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
    }
}
