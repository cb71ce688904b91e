//! Two changes as one: a later one decided on the state that an earlier one leaves.

use crate::booking::Booking;
use crate::change::{BookingChange, Change, RoomChange, RoomWrite};
use crate::event::EventKind;
use crate::ids::BookingId;

impl Change {
    /// Whether [`Change::then`] may add `later`. Rows are written one after the other, each under the
    /// tables' guard against overlaps. A stored booking that was relocated here and is relocated
    /// again by `later` may have no place in that order: two that swap their nights by way of a
    /// third range have none. Such a change waits for the next transaction.
    #[must_use]
    pub fn can_take(&self, later: &Self) -> bool {
        let replaced = self.bookings.iter().filter_map(|change| match change {
            BookingChange::Replace { to, .. } => Some(to.id),
            BookingChange::Insert(_) => None,
        });
        let mut relocated = replaced.filter(|id| self.relocates(*id));
        self.hotel.is_none() && later.hotel.is_none() && !relocated.any(|id| later.relocates(id))
    }

    /// Adds a later change that was decided on the state this one leaves, so that one transaction
    /// writes both. Ask [`Change::can_take`] first; changes of hotels are never merged.
    ///
    /// A room keeps the version that the first was decided on and gets the state of the last; its
    /// events follow one another. So does a booking, and one that is new and then changed is
    /// inserted as it is in the end. Bookings that give up their nights for good come first.
    pub fn then(&mut self, later: Self) {
        debug_assert!(self.can_take(&later), "{self:?} cannot take {later:?}");
        let relocated: Vec<_> =
            later.bookings.iter().map(|change| later.relocates(change.to().id)).collect();
        for room in later.rooms {
            match self.rooms.iter_mut().find(|earlier| earlier.to.id == room.to.id) {
                Some(earlier) => earlier.then(room),
                None => self.rooms.push(room),
            }
        }
        self.rooms.sort_by_key(|room| room.to.id);
        for (booking, relocated) in later.bookings.into_iter().zip(relocated) {
            self.then_booking(booking, relocated);
        }
        self.bookings.sort_by_key(|change| change.to().status.is_stored_as_taking());
    }

    /// A booking that is relocated is written where the later change had it, because only there its
    /// new nights are sure to be free; otherwise where the earlier one had it, because what was
    /// written in between may rely on nights it left.
    fn then_booking(&mut self, later: BookingChange, relocated: bool) {
        let place = self.bookings.iter().position(|change| change.to().id == later.to().id);
        let Some(place) = place else { return self.bookings.push(later) };
        let to = match later {
            BookingChange::Insert(to) | BookingChange::Replace { to, .. } => to,
        };
        self.bookings[place].end_as(to);
        if relocated {
            self.bookings[place..].rotate_left(1);
        }
    }

    /// Whether the booking has other nights or another room after it.
    fn relocates(&self, booking: BookingId) -> bool {
        let mut events = self.rooms.iter().flat_map(|room| &room.events);
        events.any(|event| {
            event.booking == Some(booking)
                && matches!(event.kind, EventKind::Rescheduled | EventKind::MovedIn)
        })
    }
}

impl RoomChange {
    fn then(&mut self, later: Self) {
        debug_assert_eq!(self.to.version, later.from, "decided on what the earlier one leaves");
        self.write = stronger(self.write, later.write);
        self.sold += later.sold;
        self.to = later.to;
        self.events.extend(later.events);
    }
}

impl BookingChange {
    fn end_as(&mut self, last: Booking) {
        match self {
            Self::Insert(to) | Self::Replace { to, .. } => *to = last,
        }
    }
}

/// The write that covers both.
fn stronger(one: RoomWrite, other: RoomWrite) -> RoomWrite {
    let strength = |write| match write {
        RoomWrite::Advance => 0,
        RoomWrite::Replace => 1,
        RoomWrite::Delete => 2,
        RoomWrite::Insert => 3,
    };
    if strength(other) > strength(one) { other } else { one }
}
