//! The root key: a file with one key, by which a new installation gets its first others.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use subtle::ConstantTimeEq;

use super::key_text::KeyText;

/// The permissions a file with the key may have: reading and writing, by its owner.
const MODE_MAX: u32 = 0o600;
/// The most bytes read of the file: a key and the end of its line have less.
const FILE_BYTES_MAX: u64 = 256;

/// The root key, of which only the id and the hash are kept.
#[derive(Clone)]
pub struct RootKey {
    id: String,
    hash: [u8; 32],
}

impl RootKey {
    /// Reads the file. Fails with what is wrong with it, in words that follow its name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|why| why.to_string())?;
        let metadata = file.metadata().map_err(|why| why.to_string())?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & !MODE_MAX != 0 {
            return Err(format!("it has mode {mode:04o}, and others may read it: chmod 600"));
        }
        let mut text = String::new();
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        read.map_err(|_| "it cannot be read as text".to_owned())?;
        let key = KeyText::parse(text.strip_suffix('\n').unwrap_or(&text));
        let key = key.ok_or("it holds no key; vacancy keys generate makes one")?;
        Ok(Self::of(&key))
    }

    /// The key of this text.
    #[must_use]
    pub fn of(key: &KeyText) -> Self {
        Self { id: key.id().to_owned(), hash: key.hash() }
    }

    /// Whether `key` is it; takes the same time wherever they differ.
    #[must_use]
    pub fn is(&self, key: &KeyText) -> bool {
        (self.id.as_bytes().ct_eq(key.id().as_bytes()) & self.hash.ct_eq(&key.hash())).into()
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootKey({})", self.id)
    }
}
