//! What a decision about a room's nights looks at, and what it asks of it.

use super::draft::Draft;
use crate::booking::Booking;
use crate::capacity::Guests;
use crate::change::{BookingChange, Change};
use crate::ids::BookingId;
use crate::invalid::Invalid;
use crate::money::Total;
use crate::refusal::Refusal;
use crate::room::{Room, RoomStatus};
use crate::stay::Stay;
use crate::time::{Day, HotelDay, Instant};

/// What a decision about a room's nights looks at, all read in one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The room, with the version the decision will be committed against.
    pub room: Room,
    /// What says which day it is at its hotel.
    pub day: HotelDay,
    /// The database's time of the snapshot.
    pub now: Instant,
    /// The bookings stored as held or confirmed that overlap the nights asked about.
    pub taken: Vec<Booking>,
}

impl Calendar {
    /// The nights of `[from, to)` that can be had, as maximal ranges.
    #[must_use]
    pub fn free(&self, from: Day, to: Day) -> Vec<(Day, Day)> {
        match self.room.attributes.status {
            RoomStatus::Closed => Vec::new(),
            RoomStatus::Open => {
                let taken = self.taken.iter().filter(|booking| booking.occupies(self.now));
                let taken: Vec<_> = taken.map(|booking| booking.stay).collect();
                Stay::gaps(from, to, &taken)
            }
        }
    }

    /// Brings the calendar to where a commit of `change` leaves it, so that the next request can be
    /// decided before that commit. Other rooms' part of the change matters only in so far as a
    /// booking comes from or goes to them.
    pub fn apply(&mut self, change: &Change) {
        if let Some(room) = change.rooms.iter().find(|room| room.to.id == self.room.id) {
            self.room = room.to.clone();
        }
        for to in change.bookings.iter().map(BookingChange::to) {
            self.taken.retain(|other| other.id != to.id);
            if to.room == self.room.id && to.status.is_stored_as_taking() {
                self.taken.push(to.clone());
            }
        }
    }

    /// What day it is at the hotel.
    #[must_use]
    pub fn today(&self) -> Day {
        self.day.today(self.now)
    }

    /// Whether one may still arrive for the stay.
    pub(super) fn check_arrival(&self, stay: Stay) -> Result<(), Invalid> {
        stay.check_bookable(self.today())
    }

    /// Whether the room is open and nothing but `except` occupies a night of `stay`.
    pub(super) fn check_for_sale(
        &self,
        stay: Stay,
        except: Option<BookingId>,
    ) -> Result<(), Refusal> {
        if self.room.is_deleted() || self.room.attributes.status == RoomStatus::Closed {
            return Err(Refusal::RoomClosed);
        }
        let in_the_way = self.overlapping(stay, except).filter(|other| other.occupies(self.now));
        let mut conflicts: Vec<_> = in_the_way.map(|other| other.stay).collect();
        if conflicts.is_empty() {
            return Ok(());
        }
        conflicts.sort_unstable();
        Err(Refusal::RoomUnavailable { room: self.room.id, conflicts })
    }

    /// Expires the lapsed holds in the way of `stay`, in the order of their nights.
    pub(super) fn expire_lapsed(&self, draft: &mut Draft, stay: Stay, except: Option<BookingId>) {
        let lapsed = self.overlapping(stay, except).filter(|other| other.has_lapsed(self.now));
        draft.expire_all(lapsed);
    }

    /// What the stay costs, if the room has a rate.
    pub(super) fn price(&self, stay: Stay) -> Option<Total> {
        self.room.attributes.nightly_rate.map(|rate| rate.for_stay(stay))
    }

    fn overlapping(
        &self,
        stay: Stay,
        except: Option<BookingId>,
    ) -> impl Iterator<Item = &Booking> + '_ {
        let others = self.taken.iter().filter(move |other| Some(other.id) != except);
        others.filter(move |other| other.stay.overlaps(&stay))
    }
}

/// Whether the room takes so many guests.
pub(super) fn check_capacity(room: &Room, guests: Guests) -> Result<(), Refusal> {
    let capacity = room.attributes.capacity;
    if capacity.takes(guests) {
        Ok(())
    } else {
        Err(Refusal::CapacityExceeded { guests, capacity })
    }
}
