//! What one commit keeps: the decisions of one request, or of several about the same rooms.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;
use vacancy_domain::{Change, Event, Instant, RoomId, Version};

use crate::gate::CommitGate;
use crate::keys::Record;

/// How long after it was sent a commit may begin. A statement that the network delivers later writes
/// nothing, so an unknown outcome is settled once this has passed.
pub(crate) const FENCE: Duration = Duration::from_millis(500);

/// One request's share of a write.
#[derive(Clone, Debug)]
pub struct Part {
    /// What was decided, on the state that the parts before it leave.
    pub change: Change,
    /// Names the request in the events.
    pub request: Arc<str>,
    /// The principal, if requests need a credential.
    pub actor: Option<Arc<str>>,
    /// The client's key and the answer to keep under it.
    pub record: Option<Record>,
    /// Closed when the request was given up.
    pub gate: Arc<CommitGate>,
}

/// Everything one transaction writes.
#[derive(Debug)]
pub struct Write {
    /// The requests, in the order in which they were decided.
    pub(crate) parts: Vec<Part>,
    /// All their changes as one.
    pub(crate) change: Change,
    /// The snapshot's time.
    pub(crate) at: Instant,
    /// Names this write in the events it appends.
    pub(crate) id: Uuid,
    made: tokio::time::Instant,
    /// How long after it was sent it may begin.
    patience: Duration,
    /// Until when it may begin, by the database's clock; set when it is sent.
    fence: Mutex<Option<Instant>>,
}

/// Where a write shows, if it was committed.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    pub(crate) room: RoomId,
    pub(crate) version: Version,
    pub(crate) write: Uuid,
    pub(crate) fence: Instant,
}

/// What has become of a write whose outcome was unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was committed.
    Committed,
    /// It was not, and cannot be any more.
    NotCommitted,
    /// It may still be under way.
    Open,
}

impl Write {
    /// See [`Store::write`](crate::Store::write). It may begin within `patience` after it was sent.
    pub(crate) fn new(parts: Vec<Part>, at: Instant, patience: Duration) -> Self {
        let mut changes = parts.iter().map(|part| part.change.clone());
        let mut change = changes.next().unwrap_or_default();
        changes.for_each(|later| change.then(later));
        let (made, fence) = (tokio::time::Instant::now(), Mutex::default());
        Self { parts, change, at, id: Uuid::now_v7(), made, patience, fence }
    }

    /// By what to find out whether it was committed; absent when no room is written.
    #[must_use]
    pub fn receipt(&self) -> Option<Receipt> {
        let first = self.change.rooms.first()?;
        Some(Receipt {
            room: first.to.id,
            version: first.from.next(),
            write: self.id,
            fence: self.fence(),
        })
    }

    /// From when it is first asked for since it was made or [reopened](Self::reopen). The time since
    /// the snapshot is measured here, which takes no clock that agrees with the database's.
    pub(crate) fn fence(&self) -> Instant {
        let mut fence = self.fence.lock().unwrap_or_else(PoisonError::into_inner);
        *fence.get_or_insert_with(|| self.at + self.made.elapsed() + self.patience)
    }

    /// The keys to keep, each with its answer.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.parts.iter().filter_map(|part| part.record.as_ref())
    }

    /// The events to append, each with the request it belongs to.
    pub(crate) fn events(&self) -> impl Iterator<Item = (RoomId, &Event, &Part)> {
        self.parts.iter().flat_map(|part| {
            part.change.rooms.iter().flat_map(move |room| {
                room.events.iter().map(move |event| (room.to.id, event, part))
            })
        })
    }

    /// Passes the gate of every part, or of none: false means that one was given up.
    pub(crate) fn enter(&self) -> bool {
        let entered = self.parts.iter().take_while(|part| part.gate.enter()).count();
        if entered < self.parts.len() {
            self.parts[..entered].iter().for_each(|part| part.gate.reopen());
        }
        entered == self.parts.len()
    }

    /// Opens the gates again, when nothing was committed nor can be any more: it may be sent once more.
    pub(crate) fn reopen(&self) {
        *self.fence.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.parts.iter().for_each(|part| part.gate.reopen());
    }
}
