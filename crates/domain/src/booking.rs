//! Bookings and their states.

use crate::{
    BookingId, Email, EventData, HotelId, Instant, Money, Refusal, RoomId, Stay, Text, Version,
};

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
/// `Held → Confirmed | Cancelled | Expired`, `Confirmed → Cancelled`; the rest is final.
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
    /// Its hold lapsed, and somebody who met it has recorded that.
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
    /// How many people, 1 to the room's capacity.
    pub guests: i64,
    /// The nights.
    pub stay: Stay,
    /// Where it is in its life.
    pub status: Status,
    /// Rate times nights when it was booked, or last moved or rescheduled.
    pub total: Option<Money>,
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
        match self.status {
            Status::Held { until } => now < until,
            Status::Confirmed => true,
            Status::Cancelled | Status::Expired => false,
        }
    }

    /// Whether it is a hold whose time is up and that nobody has expired yet.
    #[must_use]
    pub fn has_lapsed(&self, now: Instant) -> bool {
        match self.status {
            Status::Held { until } => until <= now,
            Status::Confirmed | Status::Cancelled | Status::Expired => false,
        }
    }

    /// How many confirmed bookings it counts for: 1 or 0.
    #[must_use]
    pub fn sold(&self) -> i64 {
        i64::from(self.status == Status::Confirmed)
    }

    pub(crate) fn cannot_be(&self, to: &'static str) -> Refusal {
        Refusal::InvalidTransition { from: self.status.name(), to }
    }

    /// What the room's history records of it; `other_room` is the other end of a move.
    pub(crate) fn event_data(&self, other_room: Option<RoomId>) -> EventData {
        EventData::Booking {
            stay: self.stay,
            guests: self.guests,
            total: self.total.clone(),
            hold_expires_at: self.status.held_until(),
            other_room,
        }
    }
}
