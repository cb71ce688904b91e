//! The decisions about bookings: from one snapshot to a change or a refusal.

use crate::change::{BookingChange, Change, Decision, EventKind};
use crate::room::RoomDraft;
use crate::{
    Booking, BookingId, Day, Guest, Instant, Invalid, Refusal, Room, RoomStatus, RoomWrite, Status,
    Stay, TimeZone, Version,
};

/// What a decision about a room's nights looks at, all read in one snapshot.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The room, with the version the decision will be committed against.
    pub room: Room,
    /// Its hotel's time zone.
    pub time_zone: TimeZone,
    /// The database's time of the snapshot.
    pub now: Instant,
    /// The bookings stored as held or confirmed that overlap the nights asked about.
    pub taken: Vec<Booking>,
}

/// A stay somebody wants.
#[derive(Clone, Debug)]
pub struct NewBooking {
    /// The identity it will have, made once for all attempts.
    pub id: BookingId,
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: i64,
    /// The nights.
    pub stay: Stay,
    /// How long to hold it unconfirmed; absent books it at once.
    pub hold: Option<chrono::TimeDelta>,
}

/// A booking's particulars as they shall be. Those that are the same stay as they are.
#[derive(Clone, Debug)]
pub struct Amendment {
    /// Who stays.
    pub guest: Guest,
    /// How many people.
    pub guests: i64,
    /// The nights.
    pub stay: Stay,
}

impl Calendar {
    /// Books or holds a stay. Lapsed holds in its way are expired first, in the same change.
    #[must_use]
    pub fn book(&self, wanted: NewBooking) -> Decision<Booking> {
        if let Err(refusal) = self.check_arrival(wanted.stay) {
            return Decision::Refused(refusal, None);
        }
        if let Err(refusal) = check_capacity(&self.room, wanted.guests) {
            return Decision::Refused(refusal, None);
        }
        let mut draft = RoomDraft::new(&self.room, self.now);
        let mut bookings = self.expire_lapsed(&mut draft, wanted.stay, None);
        if let Err(refusal) = self.check_for_sale(wanted.stay, None) {
            return refused(refusal, draft, bookings);
        }
        let (kind, status) = match wanted.hold {
            Some(hold) => (EventKind::Held, Status::Held { until: self.now + hold }),
            None => (EventKind::Booked, Status::Confirmed),
        };
        let mut booking = Booking {
            id: wanted.id,
            room: self.room.id,
            hotel: self.room.hotel,
            guest: wanted.guest,
            guests: wanted.guests,
            stay: wanted.stay,
            status,
            total: self.price(wanted.stay),
            version: Version::FIRST,
            room_version: Version::FIRST,
            created_at: self.now,
            updated_at: self.now,
        };
        draft.sell(booking.sold());
        booking.room_version = draft.step(kind, Some(booking.id), booking.event_data(None));
        bookings.push(BookingChange::Insert(booking.clone()));
        Decision::Accepted(change(vec![draft], bookings), booking)
    }

    /// Deletes the room, unless a booking occupies a night from today on. `taken` must hold every
    /// booking stored as held or confirmed that checks out after yesterday.
    #[must_use]
    pub fn delete_room(&self) -> Decision<()> {
        let today = self.time_zone.today(self.now);
        let ahead = self.taken.iter().filter(|booking| booking.stay.check_out() > today);
        let mut draft = RoomDraft::new(&self.room, self.now);
        let mut expired = Vec::new();
        let mut occupying = 0;
        for booking in ahead {
            if booking.has_lapsed(self.now) {
                expired.push(expire_in(&mut draft, booking));
            } else {
                occupying += 1;
            }
        }
        if occupying > 0 {
            return refused(Refusal::RoomInUse { bookings: occupying }, draft, expired);
        }
        draft.write = RoomWrite::Delete;
        draft.room.deleted_at = Some(self.now);
        draft.step(EventKind::RoomDeleted, None, crate::EventData::Nothing);
        Decision::Accepted(change(vec![draft], expired), ())
    }

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

    /// Whether one may still arrive for the stay.
    fn check_arrival(&self, stay: Stay) -> Result<(), Refusal> {
        stay.check_bookable(self.time_zone.today(self.now)).map_err(Refusal::Invalid)
    }

    /// Whether the room is open and nothing but `except` occupies a night of `stay`.
    fn check_for_sale(&self, stay: Stay, except: Option<BookingId>) -> Result<(), Refusal> {
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

    fn expire_lapsed(
        &self,
        draft: &mut RoomDraft,
        stay: Stay,
        except: Option<BookingId>,
    ) -> Vec<BookingChange> {
        let lapsed = self.overlapping(stay, except).filter(|other| other.has_lapsed(self.now));
        lapsed.map(|hold| expire_in(draft, hold)).collect()
    }

    fn overlapping(
        &self,
        stay: Stay,
        except: Option<BookingId>,
    ) -> impl Iterator<Item = &Booking> + '_ {
        let others = self.taken.iter().filter(move |other| Some(other.id) != except);
        others.filter(move |other| other.stay.overlaps(&stay))
    }

    fn price(&self, stay: Stay) -> Option<crate::Money> {
        self.room.attributes.nightly_rate.as_ref().map(|rate| rate.times(stay.nights()))
    }
}

/// Confirms a hold that has not lapsed. `room` is the one the booking is in.
#[must_use]
pub fn confirm(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    if let Some(refused) = check_alive(booking, room, now, "confirmed") {
        return refused;
    }
    match booking.status {
        Status::Held { .. } => {
            transition(booking, room, now, Status::Confirmed, EventKind::Confirmed)
        }
        Status::Confirmed => Decision::Unchanged(booking.clone()),
        Status::Cancelled => Decision::Refused(booking.cannot_be("confirmed"), None),
        Status::Expired => Decision::Refused(Refusal::HoldExpired, None),
    }
}

/// Cancels a hold that has not lapsed, or a confirmed booking.
#[must_use]
pub fn cancel(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    if let Some(refused) = check_alive(booking, room, now, "cancelled") {
        return refused;
    }
    match booking.status {
        Status::Held { .. } | Status::Confirmed => {
            transition(booking, room, now, Status::Cancelled, EventKind::Cancelled)
        }
        Status::Cancelled => Decision::Unchanged(booking.clone()),
        Status::Expired => Decision::Refused(Refusal::HoldExpired, None),
    }
}

/// Records that a hold has lapsed; anything else is left as it is.
#[must_use]
pub fn expire(booking: &Booking, room: &Room, now: Instant) -> Decision<Booking> {
    if booking.has_lapsed(now) {
        return transition(booking, room, now, Status::Expired, EventKind::Expired);
    }
    Decision::Unchanged(booking.clone())
}

/// Changes a booking's particulars. New nights, or another room (`target.room`), run the whole
/// decision again with the booking itself left out, and price it anew.
///
/// `room` is the one the booking is in; `target` is the calendar of the one it shall be in, over
/// the nights it shall have.
#[must_use]
pub fn amend(
    booking: &Booking,
    room: &Room,
    target: &Calendar,
    amendment: Amendment,
) -> Decision<Booking> {
    let now = target.now;
    if let Some(refused) = check_alive(booking, room, now, "edited") {
        return refused;
    }
    match booking.status {
        Status::Held { .. } | Status::Confirmed => {}
        Status::Cancelled => return Decision::Refused(booking.cannot_be("edited"), None),
        Status::Expired => return Decision::Refused(Refusal::HoldExpired, None),
    }
    let Amendment { guest, guests, stay } = amendment;
    let mut to = Booking { guest, guests, stay, room: target.room.id, ..booking.clone() };
    if to == *booking {
        return Decision::Unchanged(to);
    }
    to.version = booking.version.next();
    to.updated_at = now;
    if to.room == booking.room && to.stay == booking.stay {
        return edit_particulars(booking, room, to);
    }
    relocate(booking, room, target, to)
}

/// Other nights, another room, or both: `to` is the booking as it shall be, but for its price and
/// its room's version.
fn relocate(
    booking: &Booking,
    room: &Room,
    target: &Calendar,
    mut to: Booking,
) -> Decision<Booking> {
    if target.room.hotel != booking.hotel || target.room.is_deleted() {
        let elsewhere = Invalid::new("/room_id", "must be a room of the same hotel");
        return Decision::Refused(Refusal::Invalid(elsewhere), None);
    }
    // Who has arrived already may stay longer or change rooms.
    if to.stay.check_in() != booking.stay.check_in()
        && let Err(refusal) = target.check_arrival(to.stay)
    {
        return Decision::Refused(refusal, None);
    }
    if let Err(refusal) = check_capacity(&target.room, to.guests) {
        return Decision::Refused(refusal, None);
    }
    let mut arrival = RoomDraft::new(&target.room, target.now);
    let mut bookings = target.expire_lapsed(&mut arrival, to.stay, Some(to.id));
    if let Err(refusal) = target.check_for_sale(to.stay, Some(to.id)) {
        return refused(refusal, arrival, bookings);
    }
    to.total = target.price(to.stay);
    let mut rooms = Vec::new();
    if to.room == booking.room {
        to.room_version = arrival.step(EventKind::Rescheduled, Some(to.id), to.event_data(None));
    } else {
        let mut departure = RoomDraft::new(room, target.now);
        departure.sell(-booking.sold());
        departure.step(EventKind::MovedOut, Some(to.id), booking.event_data(Some(to.room)));
        rooms.push(departure);
        arrival.sell(to.sold());
        to.room_version =
            arrival.step(EventKind::MovedIn, Some(to.id), to.event_data(Some(booking.room)));
    }
    rooms.push(arrival);
    // All writers take rooms in ascending id, so that they queue and never deadlock.
    rooms.sort_by_key(|draft| draft.room.id);
    bookings.push(replacement(booking, to.clone()));
    Decision::Accepted(change(rooms, bookings), to)
}

/// Guest or number of guests: the nights stay, so nothing but the size of the room matters.
fn edit_particulars(booking: &Booking, room: &Room, mut to: Booking) -> Decision<Booking> {
    // Who stays is no question of size: a room that was made smaller keeps the party it has.
    if to.guests != booking.guests
        && let Err(refusal) = check_capacity(room, to.guests)
    {
        return Decision::Refused(refusal, None);
    }
    let mut draft = RoomDraft::new(room, to.updated_at);
    to.room_version = draft.step(EventKind::BookingEdited, Some(to.id), to.event_data(None));
    let bookings = vec![replacement(booking, to.clone())];
    Decision::Accepted(change(vec![draft], bookings), to)
}

/// What refuses every command and edit alike: a deleted room, a lapsed hold (which is recorded).
fn check_alive(
    booking: &Booking,
    room: &Room,
    now: Instant,
    to: &'static str,
) -> Option<Decision<Booking>> {
    if room.is_deleted() {
        return Some(Decision::Refused(booking.cannot_be(to), None));
    }
    if booking.has_lapsed(now) {
        let mut draft = RoomDraft::new(room, now);
        let expired = vec![expire_in(&mut draft, booking)];
        return Some(refused(Refusal::HoldExpired, draft, expired));
    }
    None
}

fn transition(
    booking: &Booking,
    room: &Room,
    now: Instant,
    status: Status,
    kind: EventKind,
) -> Decision<Booking> {
    let mut draft = RoomDraft::new(room, now);
    let to = step_to(&mut draft, booking, status, kind);
    Decision::Accepted(change(vec![draft], vec![replacement(booking, to.clone())]), to)
}

fn expire_in(draft: &mut RoomDraft, hold: &Booking) -> BookingChange {
    replacement(hold, step_to(draft, hold, Status::Expired, EventKind::Expired))
}

fn step_to(draft: &mut RoomDraft, booking: &Booking, status: Status, kind: EventKind) -> Booking {
    let version = booking.version.next();
    let mut to = Booking { status, version, updated_at: draft.room.updated_at, ..booking.clone() };
    draft.sell(to.sold() - booking.sold());
    to.room_version = draft.step(kind, Some(to.id), to.event_data(None));
    to
}

fn replacement(booking: &Booking, to: Booking) -> BookingChange {
    BookingChange::Replace { room: booking.room, from: booking.version, to }
}

fn check_capacity(room: &Room, guests: i64) -> Result<(), Refusal> {
    let capacity = room.attributes.capacity;
    if guests > capacity { Err(Refusal::CapacityExceeded { guests, capacity }) } else { Ok(()) }
}

/// A refusal that keeps the record of the lapsed holds it met, if any.
fn refused<T>(refusal: Refusal, draft: RoomDraft, expired: Vec<BookingChange>) -> Decision<T> {
    let met = !expired.is_empty();
    Decision::Refused(refusal, met.then(|| change(vec![draft], expired)))
}

fn change(rooms: Vec<RoomDraft>, bookings: Vec<BookingChange>) -> Change {
    let rooms = rooms.into_iter().map(RoomDraft::finish).collect();
    Change { hotel: None, rooms, bookings }
}
