//! A write to rooms as a value: what it looks at and what it decides. It does no I/O, so that the
//! executor can read and commit for several at once.

use std::fmt::Debug;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant as Moment;
use uuid::Uuid;
use vacancy_domain::{
    Booking, BookingChange, BookingId, Calendar, Change, Claim, Day, Guests, Instant, Refusal,
    Refused, RoomId, Stay, Version,
};
use vacancy_persistence::{Answer, CommitGate, NightsQuery, Snapshot, StoredAnswer};

use super::end::{Attempted, Wanted};
use crate::about::About;
use crate::auth::access::Access;
use crate::http::problem::Problem;
use crate::http::request::WriteContext;
use crate::metrics;

/// One write to a room, or to two.
pub trait Operation: Debug + Send + Sync + 'static {
    /// What it is.
    fn about(&self) -> &'static About;

    /// What it counts as until the decision knows better.
    fn counts_as(&self) -> metrics::Operation;

    /// What it looks at.
    fn looks_at(&self) -> Look;

    /// What its preconditions are compared with. Fails with 404 when there is no such thing.
    fn subject(&self, seen: &Seen) -> Result<Subject, Problem>;

    /// Decides, on a picture that holds what it looks at and meets its preconditions.
    fn decide(&self, seen: &Seen, turn: &mut Turn) -> Result<Ruling, Stop>;
}

/// What a write looks at.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The room it is about. Absent: the booking's.
    pub room: Option<RoomId>,
    /// The booking it is about.
    pub booking: Option<BookingId>,
    /// A room that a booking may move to.
    pub target: Option<RoomId>,
    /// Nights whose bookings it looks at.
    pub nights: Nights,
    /// Whether it is decided and committed by itself: it gives nights up and takes others, which in
    /// one statement with its like the database's guard could see in the wrong order.
    pub alone: bool,
}

/// Nights of the room a write is about, or of the one it moves to.
#[derive(Clone, Copy, Debug, Default)]
pub enum Nights {
    /// None.
    #[default]
    None,
    /// Those of a stay.
    Of(Stay),
    /// The booking's own, but for the days given.
    OfBooking {
        /// The first night.
        check_in: Option<Day>,
        /// The day after the last night.
        check_out: Option<Day>,
    },
    /// All from now on.
    Ahead,
}

impl Look {
    /// The nights to read in `room`.
    pub(super) fn nights_in(&self, room: RoomId) -> Option<NightsQuery> {
        match self.nights {
            Nights::None => None,
            Nights::Of(stay) => Some(NightsQuery::of(room, stay)),
            Nights::OfBooking { check_in, check_out } => {
                Some(NightsQuery { room, check_in, check_out, booking: self.booking })
            }
            Nights::Ahead => Some(NightsQuery::ahead(room)),
        }
    }
}

/// The picture that decisions are made on: a snapshot, with the changes of the requests that were
/// decided on it before.
#[derive(Debug)]
pub struct Seen(pub(super) Snapshot);

impl Seen {
    /// The database's time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now
    }

    /// What a key was answered before.
    pub(super) fn used(&self, key: &str) -> Option<&StoredAnswer> {
        self.0.used.get(key)
    }

    /// A room's calendar, deleted or not.
    #[must_use]
    pub fn calendar(&self, room: RoomId) -> Option<&Calendar> {
        self.0.calendars.get(&room)
    }

    /// The calendar of a room that is not deleted. Fails with 404.
    pub fn live_calendar(&self, room: RoomId) -> Result<&Calendar, Problem> {
        let calendar = self.calendar(room).filter(|calendar| !calendar.room.is_deleted());
        calendar.ok_or(Problem::NotFound("room"))
    }

    /// A booking and the calendar of its room. Fails with 404.
    pub fn booking(&self, id: BookingId) -> Result<(&Booking, &Calendar), Problem> {
        let booking = self.0.bookings.get(&id);
        let found = booking.and_then(|booking| Some((booking, self.calendar(booking.room)?)));
        found.ok_or(Problem::NotFound("booking"))
    }

    /// Makes it the picture that a commit of `change` would leave.
    pub(super) fn apply(&mut self, change: &Change) {
        for calendar in self.0.calendars.values_mut() {
            calendar.apply(change);
        }
        for booking in change.bookings.iter().map(BookingChange::to) {
            if let Some(known) = self.0.bookings.get_mut(&booking.id) {
                known.clone_from(booking);
            }
        }
    }
}

/// A resource with a version.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// What it is: `room`, for one.
    pub kind: &'static str,
    /// Which one.
    pub id: Uuid,
    /// The version it has.
    pub version: Version,
}

/// One attempt of a request.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its number, from 1.
    pub attempt: u32,
    /// What it counts as.
    pub counts_as: metrics::Operation,
    /// What it may see and do.
    pub access: Access,
}

/// A decision to do what was asked.
#[derive(Debug)]
pub enum Ruling {
    /// Commit this, and answer so.
    Write(Change, Answer),
    /// It is as asked already: answer so.
    Unchanged(Answer),
}

/// A decision not to do what was asked.
#[derive(Clone, Debug)]
pub struct Stop {
    /// The answer.
    pub problem: Problem,
    /// What is committed all the same: lapsed holds met on the way.
    pub lapsed: Option<Box<Change>>,
    /// What the answer may say besides.
    pub wanted: Wanted,
}

impl Stop {
    /// Says for what stay and how many guests other rooms may be offered.
    #[must_use]
    pub fn wanting(mut self, stay: Stay, guests: Guests) -> Self {
        self.wanted.free = Some((stay, guests));
        self
    }

    /// Says which reference another booking may have.
    #[must_use]
    pub fn claiming(mut self, claim: Option<Claim>) -> Self {
        self.wanted.claim = claim.map(Box::new);
        self
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self { problem, lapsed: None, wanted: Wanted::default() }
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        let Refused { refusal, lapsed } = refused;
        Self { lapsed, ..Self::from(refusal) }
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::from(Problem::refused(refusal))
    }
}

/// How a request goes through an attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// Its rooms are locked before they are read: its last attempt waits in line.
    pub locks: bool,
    /// It is decided without company.
    pub alone: bool,
    /// Only its preconditions are looked at.
    pub looks_only: bool,
}

/// One request on its way through an attempt.
#[derive(Debug)]
pub struct Member {
    /// What it is about.
    pub operation: Arc<dyn Operation>,
    /// What it came with.
    pub context: Arc<WriteContext>,
    /// Closed when it is given up.
    pub gate: Arc<CommitGate>,
    /// The number of its attempt, from 1.
    pub attempt: u32,
    /// How it goes through the attempt.
    pub way: Way,
    /// By when it is answered.
    pub deadline: Moment,
    /// Whether its booking was found in one of the rooms just now.
    pub resolved: bool,
    /// Since when it waits.
    pub since: Moment,
    /// Where its end is told.
    pub ended: oneshot::Sender<Attempted>,
}
