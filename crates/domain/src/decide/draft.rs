//! A room on its way from the version decided on to the one to commit, with its bookings.

use crate::booking::{Booking, Status};
use crate::change::{BookingChange, Change, RoomChange, RoomWrite};
use crate::decision::Refused;
use crate::event::{Event, EventData, EventKind};
use crate::ids::{BookingId, RoomId};
use crate::refusal::Refusal;
use crate::room::Room;
use crate::time::Instant;
use crate::version::Version;

/// What one room's part of a change will be. Every step is one version and one event.
pub(super) struct Draft {
    room: RoomChange,
    bookings: Vec<BookingChange>,
}

impl Draft {
    /// Nothing written yet; what will be is written at `now`.
    pub(super) fn new(room: &Room, now: Instant) -> Self {
        let from = room.version;
        let to = Room { updated_at: now, ..room.clone() };
        let room = RoomChange { from, write: RoomWrite::Advance, sold: 0, to, events: Vec::new() };
        Self { room, bookings: Vec::new() }
    }

    /// The room as it will be.
    pub(super) fn room(&self) -> &Room {
        &self.room.to
    }

    /// Writes more of the room's row than its counters.
    pub(super) fn rewrite(&mut self, write: RoomWrite, edit: impl FnOnce(&mut Room)) {
        self.room.write = write;
        edit(&mut self.room.to);
    }

    /// Counts confirmed bookings gained or lost.
    pub(super) fn sell(&mut self, sold: i64) {
        self.room.sold += sold;
        self.room.to.times_booked += sold;
    }

    /// One write to the room: the next version, and the event that explains it.
    pub(super) fn step(
        &mut self,
        kind: EventKind,
        booking: Option<BookingId>,
        data: EventData,
    ) -> Version {
        let room = &mut self.room.to;
        room.version = room.version.next();
        let (version, at) = (room.version, room.updated_at);
        self.room.events.push(Event { version, kind, booking, at, data });
        version
    }

    /// A step about a booking that is in the room afterwards; `other_room` is where it comes from.
    pub(super) fn record(
        &mut self,
        kind: EventKind,
        booking: &mut Booking,
        other_room: Option<RoomId>,
    ) {
        booking.room_version = self.step(kind, Some(booking.id), particulars(booking, other_room));
    }

    /// Adds a new booking.
    pub(super) fn insert(&mut self, new: Booking) {
        self.bookings.push(BookingChange::Insert(new));
    }

    /// Puts `to` in the place of `booking`.
    pub(super) fn replace(&mut self, booking: &Booking, to: Booking) {
        let (room, from) = (booking.room, booking.version);
        self.bookings.push(BookingChange::Replace { room, from, to });
    }

    /// Brings a booking of this room into another state.
    pub(super) fn turn(&mut self, booking: &Booking, status: Status, kind: EventKind) -> Booking {
        let (version, updated_at) = (booking.version.next(), self.room.to.updated_at);
        let mut to = Booking { status, version, updated_at, ..booking.clone() };
        self.sell(to.sold() - booking.sold());
        self.record(kind, &mut to, None);
        self.replace(booking, to.clone());
        to
    }

    /// Records holds of this room as expired, in the order of their nights: a history must not depend
    /// on the order in which rows were read.
    pub(super) fn expire_all<'a>(&mut self, holds: impl Iterator<Item = &'a Booking>) {
        let mut holds: Vec<_> = holds.collect();
        holds.sort_unstable_by_key(|hold| hold.stay);
        for hold in holds {
            self.expire(hold);
        }
    }

    /// Records a hold as expired.
    pub(super) fn expire(&mut self, hold: &Booking) {
        self.turn(hold, Status::Expired, EventKind::Expired);
    }

    /// A refusal that keeps the record of the lapsed holds met so far, if any.
    pub(super) fn refuse(self, refusal: Refusal) -> Refused {
        let met = !self.bookings.is_empty();
        Refused { refusal, lapsed: met.then(|| Box::new(self.finish())) }
    }

    /// The change, of this room alone.
    pub(super) fn finish(self) -> Change {
        Change { hotel: None, rooms: vec![self.room], bookings: self.bookings }
    }

    /// One change of two rooms, in ascending id: all writers take rooms in this order, so that they
    /// queue and never deadlock. A booking that moves is written where it goes to, and must have left
    /// before nights that were its own are written as another's: those of `arrival` come first.
    pub(super) fn finish_with(self, arrival: Self) -> Change {
        let mut rooms = vec![self.room, arrival.room];
        rooms.sort_by_key(|room| room.to.id);
        Change { hotel: None, rooms, bookings: [arrival.bookings, self.bookings].concat() }
    }
}

/// What a room's history records of a booking; `other_room` is the other end of a move.
pub(super) fn particulars(booking: &Booking, other_room: Option<RoomId>) -> EventData {
    EventData::Booking {
        stay: booking.stay,
        guests: booking.guests,
        total: booking.total,
        hold_expires_at: booking.status.held_until(),
        other_room,
    }
}
