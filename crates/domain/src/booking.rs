//! Bookings and their states.

use crate::capacity::Guests;
use crate::ids::{BookingId, HotelId, RoomId};
use crate::metadata::Metadata;
use crate::money::Total;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::stay::Stay;
use crate::text::{Email, Text};
use crate::time::Instant;
use crate::version::Version;

/// Who stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The name the booking is under.
    pub name: Text,
    /// Where to write to, if given.
    pub email: Option<Email>,
}

/// Where a booking is in its life. Time only permits a transition; the stored state is the truth.
///
/// `Held → Confirmed | Cancelled | Expired`, `Confirmed → Cancelled`; the rest is final. Each
/// transition consumes the old state; one that leads back to the same state changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Occupies its nights until a moment, waiting to be confirmed.
    Held {
        /// From this moment on the hold has lapsed.
        until: Instant,
    },
    /// Occupies its nights.
    Confirmed,
    /// Given up by the guest or the hotel.
    Cancelled,
    /// Its hold lapsed, and a request that met it has recorded that.
    Expired,
}

impl Status {
    /// The name in tables and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// When the hold runs out, for a hold.
    #[must_use]
    pub fn held_until(self) -> Option<Instant> {
        match self {
            Self::Held { until } => Some(until),
            Self::Confirmed | Self::Cancelled | Self::Expired => None,
        }
    }

    /// Whether the nights are taken at `now`.
    #[must_use]
    pub fn occupies(self, now: Instant) -> bool {
        self.is_stored_as_taking() && !self.has_lapsed(now)
    }

    /// Whether the nights are taken as far as the tables can tell, which do not know the time: held,
    /// even if the hold has lapsed, or confirmed.
    #[must_use]
    pub fn is_stored_as_taking(self) -> bool {
        match self {
            Self::Held { .. } | Self::Confirmed => true,
            Self::Cancelled | Self::Expired => false,
        }
    }

    /// Whether it is a hold whose time is up and that no request has expired yet.
    #[must_use]
    pub fn has_lapsed(self, now: Instant) -> bool {
        self.held_until().is_some_and(|until| until <= now)
    }

    /// A hold that has not lapsed becomes confirmed. Fails for one that has, and for what was
    /// cancelled or expired.
    pub fn confirm(self, now: Instant) -> Result<Self, Refusal> {
        self.alive(now, "confirmed").map(|_| Self::Confirmed)
    }

    /// A hold that has not lapsed, or a confirmed booking, becomes cancelled. Fails for a hold that
    /// has lapsed or was expired.
    pub fn cancel(self, now: Instant) -> Result<Self, Refusal> {
        if self == Self::Cancelled {
            return Ok(self);
        }
        self.alive(now, "cancelled").map(|_| Self::Cancelled)
    }

    /// An edit leaves the state as it is. Fails where nothing can be edited any more.
    pub fn edit(self, now: Instant) -> Result<Self, Refusal> {
        self.alive(now, "edited")
    }

    /// A hold that has lapsed becomes expired; anything else stays.
    #[must_use]
    pub fn expire(self, now: Instant) -> Self {
        if self.has_lapsed(now) { Self::Expired } else { self }
    }

    /// Its state does not allow that it is `to`, a participle.
    pub(crate) fn cannot_be(self, to: &'static str) -> Refusal {
        Refusal::InvalidTransition { from: self.name(), to }
    }

    /// The state itself, while it occupies nights; otherwise why it cannot be `to` any more.
    fn alive(self, now: Instant, to: &'static str) -> Result<Self, Refusal> {
        match self {
            Self::Held { until } if until <= now => Err(Refusal::HoldExpired),
            Self::Held { .. } | Self::Confirmed => Ok(self),
            Self::Cancelled => Err(self.cannot_be(to)),
            Self::Expired => Err(Refusal::HoldExpired),
        }
    }
}

/// A booking as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Its identity; a move keeps it.
    pub id: BookingId,
    /// The room it has nights of.
    pub room: RoomId,
    /// That room's hotel.
    pub hotel: HotelId,
    /// Who stays.
    pub guest: Guest,
    /// How many people. They fitted when they were last decided about; the room may be smaller now.
    pub guests: Guests,
    /// The nights.
    pub stay: Stay,
    /// Where it is in its life.
    pub status: Status,
    /// Rate times nights when it was booked, or last moved or rescheduled.
    pub total: Option<Total>,
    /// Where it comes from.
    pub origin: Origin,
    /// The booking of the nights slept before in another room.
    pub continues: Option<BookingId>,
    /// The booking under which the stay went on in another room: this one holds nights slept, and its
    /// nights and its room stay as they are.
    pub continued_by: Option<BookingId>,
    /// What clients note beside it.
    pub metadata: Metadata,
    /// The principal that made it; absent where requests need no credential.
    pub made_by: Option<String>,
    /// Counts its own writes.
    pub version: Version,
    /// The room's version that its last write produced.
    pub room_version: Version,
    /// When it was made.
    pub created_at: Instant,
    /// When this version came to be.
    pub updated_at: Instant,
}

impl Booking {
    /// The occupancy predicate: whether its nights are taken at `now`. Search, availability and
    /// every command use this one; SQL that must filter earlier says the same and no more.
    #[must_use]
    pub fn occupies(&self, now: Instant) -> bool {
        self.status.occupies(now)
    }

    /// Whether it is a hold whose time is up and that no request has expired yet.
    #[must_use]
    pub fn has_lapsed(&self, now: Instant) -> bool {
        self.status.has_lapsed(now)
    }

    /// How many confirmed bookings it counts for: 1 or 0.
    #[must_use]
    pub fn sold(&self) -> i64 {
        i64::from(self.status == Status::Confirmed)
    }
}
