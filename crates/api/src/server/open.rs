//! The open connections: which of them wait for a request, and since when.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::framing::Shown;

/// All open connections of a server.
#[derive(Debug)]
pub(super) struct OpenConnections {
    waiting: Mutex<Waiting>,
    changed: Notify,
    /// Bytes of heads that have begun and not ended.
    head_bytes: AtomicUsize,
    head_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// How many are open and have not been asked to close.
    live: usize,
    last: u64,
    /// The connections that wait for a request or for its head's end, the longest first.
    by_age: BTreeMap<u64, CancellationToken>,
}

/// One open connection. What hyper reads, and whether a request of it is at work.
#[derive(Debug)]
pub(super) struct OpenConnection {
    all: Arc<OpenConnections>,
    /// Its place among those that wait; 0 while a request is at work.
    place: AtomicU64,
    close: CancellationToken,
    bytes_read: AtomicU64,
    head_bytes: AtomicUsize,
    is_ambiguous: AtomicBool,
    is_last: AtomicBool,
    /// Whether it was accepted beyond the limit, for probes only.
    pub(super) is_beyond_limit: bool,
}

impl OpenConnections {
    /// None are open; `head_bytes_max` is for the unfinished heads of all together.
    pub(super) fn new(head_bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            changed: Notify::new(),
            head_bytes: AtomicUsize::new(0),
            head_bytes_max,
        })
    }

    /// A connection that has just been accepted.
    pub(super) fn enter(self: &Arc<Self>, is_beyond_limit: bool) -> Arc<OpenConnection> {
        self.lock().live += 1;
        Arc::new(OpenConnection {
            all: self.clone(),
            place: AtomicU64::new(0),
            close: CancellationToken::new(),
            bytes_read: AtomicU64::new(0),
            head_bytes: AtomicUsize::new(0),
            is_ambiguous: AtomicBool::new(false),
            is_last: AtomicBool::new(false),
            is_beyond_limit,
        })
    }

    /// Asks the connection that has waited longest to close. Returns whether there was one.
    pub(super) fn close_longest_idle(&self) -> bool {
        let mut waiting = self.lock();
        let Some((_, close)) = waiting.by_age.pop_first() else { return false };
        waiting.live -= 1;
        close.cancel();
        true
    }

    /// How many are open and have not been asked to close.
    pub(super) fn live(&self) -> usize {
        self.lock().live
    }

    /// Whether one of them waits for a request.
    pub(super) fn has_idle(&self) -> bool {
        !self.lock().by_age.is_empty()
    }

    /// Returns once a connection has begun to wait, or has ended.
    pub(super) async fn one_may_make_room(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnection {
    /// It waits for a request from now on, and may be closed to make room.
    pub(super) fn waits(&self) {
        self.release_head();
        let mut waiting = self.all.lock();
        waiting.last += 1;
        let place = waiting.last;
        waiting.by_age.insert(place, self.close.clone());
        let before = self.place.swap(place, Ordering::Relaxed);
        waiting.by_age.remove(&before);
        drop(waiting);
        self.all.changed.notify_one();
    }

    /// The head of a request has been read, and its answer is under way.
    pub(super) fn works(&self) {
        self.leave();
        self.release_head();
    }

    /// Whether a request is at work.
    pub(super) fn is_at_work(&self) -> bool {
        self.place.load(Ordering::Relaxed) == 0
    }

    /// Returns once it has been asked to close.
    pub(super) async fn asked_to_close(&self) {
        self.close.cancelled().await;
    }

    /// How many bytes have come so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Notes what the bytes have shown of the requests in them.
    pub(super) fn shown(&self, shown: Shown) {
        self.is_ambiguous.fetch_or(shown.is_ambiguous, Ordering::Relaxed);
        self.is_last.fetch_or(shown.is_last, Ordering::Relaxed);
    }

    /// Whether a request came whose end is told in two ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.is_ambiguous.load(Ordering::Relaxed)
    }

    /// Whether the connection has to be closed after the answer.
    pub(super) fn is_last(&self) -> bool {
        self.is_beyond_limit || self.is_last.load(Ordering::Relaxed)
    }

    /// So many more bytes have come. Returns whether there is room for them: false when the
    /// unfinished heads of all connections would become too large together. This one's are given
    /// back then, before its client can see that it ends.
    pub(super) fn read(&self, bytes: usize) -> bool {
        self.bytes_read.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.is_at_work() {
            return true;
        }
        let with_them = |used| Some(used + bytes).filter(|used| *used <= self.all.head_bytes_max);
        let has_room = self
            .all
            .head_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, with_them)
            .is_ok();
        if has_room {
            self.head_bytes.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.release_head();
        }
        has_room
    }

    fn leave(&self) {
        let place = self.place.swap(0, Ordering::Relaxed);
        self.all.lock().by_age.remove(&place);
    }

    fn release_head(&self) {
        let bytes = self.head_bytes.swap(0, Ordering::Relaxed);
        self.all.head_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.leave();
        let mut waiting = self.all.lock();
        if !self.close.is_cancelled() {
            waiting.live -= 1;
        }
        drop(waiting);
        self.all.changed.notify_one();
        self.release_head();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_that_waited_longest_closes_first_and_one_at_work_never() {
        let all = OpenConnections::new(1);
        let connections: Vec<_> = (0..4).map(|_| all.enter(false)).collect();
        for connection in &connections {
            connection.waits();
        }
        connections[0].works();
        connections[1].works();
        connections[1].waits();
        drop(all.enter(false));
        let mut closed = Vec::new();
        assert_eq!(all.live(), 4);
        while all.close_longest_idle() {
            let asked = connections
                .iter()
                .position(|connection| connection.close.is_cancelled() && !connection.is_at_work());
            let asked = asked.expect("one is asked");
            closed.push(asked);
            connections[asked].works();
        }
        assert_eq!(closed, [2, 3, 1]);
        assert_eq!(all.live(), 1);
        drop(connections);
        assert_eq!(all.live(), 0);
    }

    #[test]
    fn unfinished_heads_share_a_budget_and_bodies_are_not_of_it() {
        let all = OpenConnections::new(100);
        let (one, other) = (all.enter(false), all.enter(false));
        one.waits();
        other.waits();
        assert!(one.read(60));
        assert!(other.read(40));
        assert!(!other.read(1));
        assert!(one.read(40), "what the one without room had is given back");
        assert!(!other.read(1));
        one.works();
        assert!(one.read(1_000), "of a body");
        assert!(other.read(100));
        drop(other);
        one.waits();
        assert!(one.read(100));
        assert_eq!(one.bytes_read(), 1_200);
    }
}
