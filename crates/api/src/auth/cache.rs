//! Keys as they were read from the database, for a few seconds: those that exist and those that do
//! not, so that neither a busy client nor a flood of wrong keys asks the database each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vacancy_persistence::{KeyLookup, Store};

use super::access::Grant;
use super::lookups::{Found, Lookups};
use super::scopes::Scopes;

/// How long a key is taken for what it was when it was read: by then a key that another replica has
/// revoked is refused here.
const FRESH: Duration = Duration::from_secs(5);
/// The most keys remembered that exist, and the most that do not.
const ENTRIES_MAX: usize = 10_000;
/// How far apart the statements begin that read keys which are not known to exist. However many are sent,
/// they are 20 a second, of at most 1,000 keys each; a client whose key is new waits so much longer at
/// most. Keys that are known to exist do not wait: there are only so many of them.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Debug)]
pub struct KeyCache {
    entries: Mutex<Entries>,
    known: Arc<Lookups>,
    unknown: Arc<Lookups>,
}

#[derive(Debug, Default)]
struct Entries {
    /// Keys that exist. Those that are not fresh stay while there is room, as known to exist.
    known: HashMap<String, Cached>,
    /// Ids that were no key's when they were read.
    unknown: HashMap<String, Instant>,
    /// How often a key was forgotten.
    changes: u64,
    /// When room was made among the known ones.
    pruned: Option<Instant>,
}

/// A key as it was read a while ago.
#[derive(Clone, Debug)]
pub struct Cached {
    /// The key and the database's time then.
    pub lookup: Arc<KeyLookup>,
    /// What it grants; nothing if its scopes do not read.
    pub grant: Option<Grant>,
    read_at: Instant,
}

impl Cached {
    fn of(lookup: KeyLookup, read_at: Instant) -> Self {
        let key = &lookup.key;
        let grant = Scopes::parse(&key.scopes).ok().map(|scopes| Grant {
            credential: key.id.as_str().into(),
            principal: key.principal.as_str().into(),
            scopes,
            hotels: key.hotels.as_ref().map(|hotels| Arc::new(hotels.iter().copied().collect())),
            expires_at: key.expires_at,
        });
        Self { lookup: Arc::new(lookup), grant, read_at }
    }

    /// How long ago it was read.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.read_at.elapsed()
    }
}

impl Default for KeyCache {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            known: Lookups::every(Duration::ZERO),
            unknown: Lookups::every(UNKNOWN_PAUSE),
        }
    }
}

impl KeyCache {
    /// The key of this id, at most five seconds old, and whether it was read for this request. Fails,
    /// with why, when the database cannot be asked.
    pub async fn get(&self, store: &Store, id: &str) -> Result<Option<(Cached, bool)>, Arc<str>> {
        let (lookups, changes) = {
            let entries = self.lock();
            if entries.unknown.get(id).is_some_and(|at| at.elapsed() < FRESH) {
                return Ok(None);
            }
            let known = entries.known.get(id);
            if let Some(fresh) = known.filter(|it| it.age() < FRESH) {
                return Ok(Some((fresh.clone(), false)));
            }
            (if known.is_some() { &self.known } else { &self.unknown }, entries.changes)
        };
        let found = lookups.find(store, id).await?;
        Ok(self.lock().keep(id, found, changes))
    }

    /// Forgets a key that was changed, so that the change takes effect at once in this process.
    pub fn forget(&self, id: &str) {
        let mut entries = self.lock();
        entries.changes += 1;
        entries.known.remove(id);
        entries.unknown.remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Maps of what was read are as good after a panic elsewhere as before.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Remembers what was found, and says whether this is the first to come with it. What was read
    /// while a key was changed is used once and not remembered: it may be what the key was before.
    fn keep(&mut self, id: &str, found: Found, changes: u64) -> Option<(Cached, bool)> {
        let Found { at, lookup } = found;
        let Some(lookup) = lookup else {
            self.known.remove(id);
            if self.changes == changes {
                self.keep_unknown(id, at);
            }
            return None;
        };
        if let Some(kept) = self.known.get(id).filter(|kept| kept.read_at >= at) {
            return Some((kept.clone(), false));
        }
        let cached = Cached::of(lookup, at);
        if self.changes == changes && self.has_room_for(id) {
            self.unknown.remove(id);
            self.known.insert(id.to_owned(), cached.clone());
        }
        Some((cached, true))
    }

    fn has_room_for(&mut self, id: &str) -> bool {
        if self.known.len() < ENTRIES_MAX || self.known.contains_key(id) {
            return true;
        }
        // Looking through all of them for each request would cost more than reading the key.
        if self.pruned.is_none_or(|at| at.elapsed() > FRESH) {
            self.pruned = Some(Instant::now());
            self.known.retain(|_, cached| cached.age() < FRESH);
        }
        self.known.len() < ENTRIES_MAX
    }

    fn keep_unknown(&mut self, id: &str, at: Instant) {
        if self.unknown.len() >= ENTRIES_MAX {
            // Those of a flood are all of the last seconds: to start anew costs each a look at most.
            self.unknown.clear();
        }
        self.unknown.insert(id.to_owned(), at);
    }
}

#[cfg(test)]
mod tests;
