//! Reading keys together: while one statement reads some, the requests that need others wait, and the
//! next one reads all of theirs. However many keys are asked for, few statements ask for them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use vacancy_persistence::{KeyLookup, Store};

/// The most ids that one statement reads. More that wait at once are not read.
const IDS_MAX: usize = 1_000;

/// Reads keys, one statement after the other.
#[derive(Debug)]
pub struct Lookups {
    /// How long after the beginning of one statement the next may begin.
    pause: Duration,
    /// Those that the next statement reads.
    next: Mutex<Option<Batch>>,
    /// When the last statement began; held as long as one runs.
    last: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Batch {
    ids: HashSet<String>,
    answer: watch::Receiver<Option<Answer>>,
}

type Answer = Result<Arc<Read>, Arc<str>>;

/// What one statement has read.
#[derive(Debug)]
struct Read {
    at: std::time::Instant,
    keys: HashMap<String, KeyLookup>,
}

/// A key as it was read, or that there was none.
#[derive(Debug)]
pub struct Found {
    /// When the statement began that has read it.
    pub at: std::time::Instant,
    /// The key.
    pub lookup: Option<KeyLookup>,
}

impl Lookups {
    /// Statements begin at least `pause` apart; the first after a longer while begins at once.
    #[must_use]
    pub fn every(pause: Duration) -> Arc<Self> {
        let (next, last) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { pause, next, last })
    }

    /// The key of this id, read after this was asked. Fails, with why, when the database cannot be
    /// asked, or when too many others are asked for.
    pub async fn find(self: &Arc<Self>, store: &Store, id: &str) -> Result<Found, Arc<str>> {
        let mut answer = self.join(store, id)?;
        let answer = answer.wait_for(Option::is_some).await;
        // It is dropped without an answer only by a panic, which the runtime has logged.
        let answer = answer.map_err(|_| "the lookup of a key ended without an answer")?;
        let read = answer.as_ref().ok_or("there is no answer")?.as_ref().map_err(Clone::clone)?;
        Ok(Found { at: read.at, lookup: read.keys.get(id).cloned() })
    }

    fn join(
        self: &Arc<Self>,
        store: &Store,
        id: &str,
    ) -> Result<watch::Receiver<Option<Answer>>, Arc<str>> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = next.get_or_insert_with(|| {
            let (told, answer) = watch::channel(None);
            // A task of its own: a request that is given up takes the others nothing away.
            tokio::spawn(self.clone().read(store.clone(), told));
            Batch { ids: HashSet::new(), answer }
        });
        if batch.ids.len() >= IDS_MAX && !batch.ids.contains(id) {
            return Err("too many keys that are not known are asked for".into());
        }
        batch.ids.insert(id.to_owned());
        Ok(batch.answer.clone())
    }

    /// Reads the next batch when it is its turn.
    async fn read(self: Arc<Self>, store: Store, told: watch::Sender<Option<Answer>>) {
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            sleep_until(last + self.pause).await;
        }
        *last = Some(Instant::now());
        let batch = self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ids: Vec<_> = batch.into_iter().flat_map(|batch| batch.ids).collect();
        let at = std::time::Instant::now();
        let answer = match store.api_keys_of(&ids).await {
            Ok(keys) => {
                let keys = keys.into_iter().map(|found| (found.key.id.clone(), found)).collect();
                Ok(Arc::new(Read { at, keys }))
            }
            Err(why) => Err(why.to_string().into()),
        };
        // No request waits any more if all of them were given up.
        told.send_replace(Some(answer));
    }
}
