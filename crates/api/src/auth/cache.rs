//! Keys as they were read from the database, for a few seconds: those that exist and those that do
//! not, so that neither a busy client nor a flood of wrong keys asks the database each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use vacancy_persistence::{KeyLookup, Store, StoreError};

/// How long a key is taken for what it was when it was read: by then a key that another replica has
/// revoked is refused here.
const FRESH: Duration = Duration::from_secs(5);
/// The most keys remembered.
const ENTRIES_MAX: usize = 10_000;
/// How many keys are looked up at once: a flood of ever new ones must leave connections to others.
const LOOKUPS_MAX: usize = 2;

/// See the module.
#[derive(Debug)]
pub struct KeyCache {
    entries: Mutex<HashMap<String, Entry>>,
    lookups: Semaphore,
}

#[derive(Clone, Debug)]
struct Entry {
    read_at: Instant,
    found: Option<Arc<KeyLookup>>,
}

/// A key as it was read a while ago.
#[derive(Clone, Debug)]
pub struct Cached {
    /// The key and the database's time then.
    pub lookup: Arc<KeyLookup>,
    /// How long ago that was.
    pub age: Duration,
    /// Whether it was read for this request.
    pub read_now: bool,
}

impl Default for KeyCache {
    fn default() -> Self {
        Self { entries: Mutex::default(), lookups: Semaphore::new(LOOKUPS_MAX) }
    }
}

impl KeyCache {
    /// The key of this id, at most five seconds old. Fails when the database cannot be asked.
    pub async fn get(&self, store: &Store, id: &str) -> Result<Option<Cached>, StoreError> {
        if let Some(entry) = self.fresh(id) {
            return Ok(entry.cached(false));
        }
        // It is never closed.
        let _permit = self.lookups.acquire().await.ok();
        // Another request may have asked for the same key meanwhile.
        if let Some(entry) = self.fresh(id) {
            return Ok(entry.cached(false));
        }
        let found = store.api_key(id).await?.map(Arc::new);
        let entry = Entry { read_at: Instant::now(), found };
        self.insert(id, entry.clone());
        Ok(entry.cached(true))
    }

    /// Forgets a key that was changed, so that the change takes effect at once in this process.
    pub fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn fresh(&self, id: &str) -> Option<Entry> {
        self.lock().get(id).filter(|entry| entry.read_at.elapsed() < FRESH).cloned()
    }

    fn insert(&self, id: &str, entry: Entry) {
        let mut entries = self.lock();
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, entry| entry.read_at.elapsed() < FRESH);
        }
        if entries.len() >= ENTRIES_MAX {
            // Those that exist are worth more than those that do not.
            entries.retain(|_, entry| entry.found.is_some());
        }
        if entries.len() < ENTRIES_MAX {
            entries.insert(id.to_owned(), entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // A map of what was read is as good after a panic elsewhere as before.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn cached(self, read_now: bool) -> Option<Cached> {
        let age = self.read_at.elapsed();
        self.found.map(|lookup| Cached { lookup, age, read_now })
    }
}
