//! A model of the tables that keeps changes as the store does, and the requests that come to it.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;
use vacancy_domain::{
    Amendment, Amount, Booking, BookingChange, BookingId, Calendar, Capacity, Change, Currency,
    Day, Decided, Decision, Event, EventKind, Guest, Guests, HotelDay, HotelId, Instant, Metadata,
    Money, NewBooking, Origin, Refusal, Room, RoomAttributes, RoomChange, RoomId, RoomStatus,
    RoomWrite, Status, Stay, Text, Version, amend, cancel, confirm, expire,
};

pub const ROOMS: usize = 3;

/// Something that a client asks for. Bookings are named by the order in which they were made.
#[derive(Clone, Debug)]
pub enum Operation {
    Book {
        room: usize,
        from: i64,
        nights: i64,
        guests: i64,
        hold_minutes: Option<i64>,
    },
    Confirm(usize),
    Cancel(usize),
    Expire(usize),
    Amend {
        booking: usize,
        room: usize,
        from: i64,
        nights: i64,
        guests: i64,
    },
    /// The same nights in another room: of a guest in the house, those that are left.
    ChangeRooms {
        booking: usize,
        room: usize,
        reprice: bool,
    },
    Edit {
        room: usize,
        closed: bool,
        capacity: i64,
    },
    Delete {
        room: usize,
    },
}

pub fn operations() -> impl Strategy<Value = Operation> {
    let (room, from, nights, guests) = (0..ROOMS, 0..12_i64, 1..5_i64, 1..4_i64);
    let hold = proptest::option::of(1..30_i64);
    let book = (room.clone(), from.clone(), nights.clone(), guests.clone(), hold).prop_map(
        |(room, from, nights, guests, hold_minutes)| Operation::Book {
            room,
            from,
            nights,
            guests,
            hold_minutes,
        },
    );
    let amend = (0..20_usize, room.clone(), from, nights, guests).prop_map(
        |(booking, room, from, nights, guests)| Operation::Amend {
            booking,
            room,
            from,
            nights,
            guests,
        },
    );
    let change_rooms = (0..20_usize, room.clone(), proptest::bool::ANY)
        .prop_map(|(booking, room, reprice)| Operation::ChangeRooms { booking, room, reprice });
    let edit = (room.clone(), proptest::bool::weighted(0.2), 1..4_i64)
        .prop_map(|(room, closed, capacity)| Operation::Edit { room, closed, capacity });
    prop_oneof![
        8 => book,
        3 => (0..20_usize).prop_map(Operation::Confirm),
        3 => (0..20_usize).prop_map(Operation::Cancel),
        1 => (0..20_usize).prop_map(Operation::Expire),
        6 => amend,
        4 => change_rooms,
        2 => edit,
        1 => room.prop_map(|room| Operation::Delete { room }),
    ]
}

/// A decision about a booking, or about a room.
pub enum Outcome {
    Booking(Decision<Booking>),
    Room(Decision<Room>),
    Gone(Decision<()>),
    /// There is no such booking, or no such room any more.
    Nothing,
}

impl Outcome {
    pub fn change(&self) -> Option<&Change> {
        fn of<T>(decision: &Decision<T>) -> Option<&Change> {
            match decision {
                Ok(Decided::Changed(change, _)) => Some(change),
                Ok(Decided::Unchanged(_)) => None,
                Err(refused) => refused.lapsed.as_deref(),
            }
        }
        match self {
            Self::Booking(decision) => of(decision),
            Self::Room(decision) => of(decision),
            Self::Gone(decision) => of(decision),
            Self::Nothing => None,
        }
    }

    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Booking(Err(refused)) | Self::Room(Err(refused)) | Self::Gone(Err(refused)) => {
                Some(&refused.refusal)
            }
            Self::Booking(Ok(_)) | Self::Room(Ok(_)) | Self::Gone(Ok(_)) | Self::Nothing => None,
        }
    }

    pub fn rooms(&self) -> Vec<RoomId> {
        self.change().into_iter().flat_map(|change| &change.rooms).map(|room| room.to.id).collect()
    }
}

/// A hotel as the tables hold it.
#[derive(Clone)]
pub struct House {
    pub now: Instant,
    pub rooms: BTreeMap<RoomId, Room>,
    pub bookings: BTreeMap<BookingId, Booking>,
    pub events: BTreeMap<RoomId, Vec<Event>>,
    /// How many ids were given to bookings, made or not.
    ids: u128,
    order: Vec<BookingId>,
}

impl House {
    pub fn new() -> Self {
        let now = start();
        let (rooms, bookings, events) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut house = Self { now, rooms, bookings, events, ids: 0, order: Vec::new() };
        for number in 0..ROOMS {
            let created = Outcome::Room(Ok(created(number, now)));
            assert!(house.keep(&created));
        }
        house
    }

    /// The change that creates the first room.
    pub fn created() -> Change {
        let Decided::Changed(change, _) = created(0, start()) else { panic!("it is new") };
        change
    }

    /// What the snapshot shows: the bookings stored as held or confirmed that overlap.
    pub fn calendar(&self, room: &Room, from: Day, to: Day) -> Calendar {
        let taken = self.bookings.values().filter(|booking| {
            booking.room == room.id
                && is_stored_as_occupying(booking)
                && booking.stay.check_in() < to
                && booking.stay.check_out() > from
        });
        Calendar {
            room: room.clone(),
            day: HotelDay::default(),
            now: self.now,
            taken: taken.cloned().collect(),
        }
    }

    pub fn decide(&mut self, operation: &Operation) -> Outcome {
        let alive =
            |room: usize| self.rooms.get(&room_id(room)).filter(|room| room.deleted_at.is_none());
        match operation {
            Operation::Book { room, from, nights, guests, hold_minutes } => {
                let Some(room) = alive(*room) else { return Outcome::Nothing };
                let stay = stay(*from, *nights);
                let calendar = self.calendar(room, stay.check_in(), stay.check_out());
                self.ids += 1;
                let wanted = NewBooking {
                    id: BookingId(Uuid::from_u128(self.ids)),
                    guest: Guest { name: text("Ada"), email: None },
                    guests: people(*guests),
                    stay,
                    origin: Origin::default(),
                    metadata: Metadata::default(),
                    hold: hold_minutes.map(TimeDelta::minutes),
                    made_by: None,
                };
                Outcome::Booking(calendar.book(wanted))
            }
            Operation::Confirm(booking) => self.command(*booking, confirm),
            Operation::Cancel(booking) => self.command(*booking, cancel),
            Operation::Expire(booking) => self.command(*booking, expire),
            Operation::Amend { booking, room, from, nights, guests } => {
                let (stay, guests) = (stay(*from, *nights), people(*guests));
                self.amend(*booking, *room, |it| Amendment { stay, guests, ..it })
            }
            Operation::ChangeRooms { booking, room, reprice } => {
                self.amend(*booking, *room, |it| Amendment { reprice: *reprice, ..it })
            }
            Operation::Edit { room, closed, capacity } => {
                let Some(room) = alive(*room) else { return Outcome::Nothing };
                let status = if *closed { RoomStatus::Closed } else { RoomStatus::Open };
                let attributes = RoomAttributes {
                    status,
                    capacity: Capacity::new(*capacity).expect("a capacity"),
                    ..room.attributes.clone()
                };
                Outcome::Room(room.edit(attributes, self.now))
            }
            Operation::Delete { room } => {
                let Some(room) = alive(*room) else { return Outcome::Nothing };
                let yesterday = self.now.date_naive() - TimeDelta::days(1);
                Outcome::Gone(self.calendar(room, yesterday, Day::MAX).delete_room())
            }
        }
    }

    /// Decides about a booking as it is, but for `room` and what is `changed`.
    fn amend(
        &mut self,
        booking: usize,
        room: usize,
        changed: impl FnOnce(Amendment) -> Amendment,
    ) -> Outcome {
        self.ids += 1;
        let Some(booking) = self.booking(booking) else { return Outcome::Nothing };
        let amendment = changed(Amendment {
            guest: booking.guest.clone(),
            guests: booking.guests,
            stay: booking.stay,
            origin: booking.origin.clone(),
            metadata: booking.metadata.clone(),
            reprice: true,
            hold: None,
            slept: BookingId(Uuid::from_u128(self.ids)),
        });
        let (home, target) = (&self.rooms[&booking.room], &self.rooms[&room_id(room)]);
        let stay = amendment.stay;
        let target = self.calendar(target, stay.check_in(), stay.check_out());
        let decided = amend(booking, home, &target, amendment);
        if let Ok(Decided::Changed(change, to)) = &decided {
            check_nights_slept(booking, to, change, self.now.date_naive());
        }
        Outcome::Booking(decided)
    }

    fn command(
        &self,
        booking: usize,
        command: fn(&Booking, &Room, Instant) -> Decision<Booking>,
    ) -> Outcome {
        let Some(booking) = self.booking(booking) else { return Outcome::Nothing };
        Outcome::Booking(command(booking, &self.rooms[&booking.room], self.now))
    }

    fn booking(&self, place: usize) -> Option<&Booking> {
        self.order.get(place).map(|id| &self.bookings[id])
    }

    /// Keeps a decision, all of it or none. False when another write came in between.
    pub fn keep(&mut self, decided: &Outcome) -> bool {
        let Some(change) = decided.change() else { return true };
        if let Some(refusal) = decided.refusal() {
            check_only_expires(refusal, change, self.now);
        }
        for booking in &change.bookings {
            if let BookingChange::Replace { from, to, .. } = booking {
                assert_eq!(to.version, from.next(), "a decision writes a booking once");
            }
        }
        self.write(change)
    }

    /// Writes a change row by row, as the store does: all of it, or none and false.
    pub fn write(&mut self, change: &Change) -> bool {
        let mut after = self.clone();
        let ids: Vec<_> = change.rooms.iter().map(|room| room.to.id).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "rooms are taken in ascending id");
        for room in &change.rooms {
            if !after.write_room(room) {
                return false;
            }
        }
        for booking in &change.bookings {
            let to = booking.to();
            match booking {
                BookingChange::Insert(_) => {
                    assert!(!after.bookings.contains_key(&to.id));
                    after.order.push(to.id);
                }
                BookingChange::Replace { room, from, .. } => {
                    let is = &after.bookings[&to.id];
                    // The room's version covers its bookings: behind it, these cannot be stale.
                    assert_eq!((is.room, is.version), (*room, *from));
                    assert!(to.version > *from);
                }
            }
            after.bookings.insert(to.id, to.clone());
            // The database's guard looks after every single statement.
            after.check_guard(to);
        }
        *self = after;
        true
    }

    /// The compare-and-set of one room, which writes the columns that its kind of write names.
    fn write_room(&mut self, change: &RoomChange) -> bool {
        let to = &change.to;
        if change.write == RoomWrite::Insert {
            assert!(!self.rooms.contains_key(&to.id));
            self.rooms.insert(to.id, to.clone());
        } else {
            let row = self.rooms.get_mut(&to.id).expect("the room is there");
            if row.version != change.from {
                return false;
            }
            let steps = to.version.0 - change.from.0;
            assert_eq!(steps, i64::try_from(change.events.len()).expect("a few"));
            row.version = to.version;
            row.times_booked += change.sold;
            row.updated_at = to.updated_at;
            if matches!(change.write, RoomWrite::Replace | RoomWrite::Delete) {
                row.attributes = to.attributes.clone();
                row.deleted_at = to.deleted_at;
            }
            assert_eq!(row, to, "{:?} writes all that changed", change.write);
        }
        self.events.entry(to.id).or_default().extend(change.events.iter().cloned());
        true
    }

    fn check_guard(&self, booking: &Booking) {
        if !is_stored_as_occupying(booking) {
            return;
        }
        for other in self.bookings.values().filter(|other| other.id != booking.id) {
            let overlap = other.room == booking.room
                && is_stored_as_occupying(other)
                && other.stay.overlaps(&booking.stay);
            assert!(!overlap, "the guard would fire: {other:?} {booking:?}");
        }
    }

    pub fn check(&self) -> Result<(), TestCaseError> {
        for (id, room) in &self.rooms {
            let own = || self.bookings.values().filter(|booking| booking.room == *id);
            let confirmed = own().filter(|booking| booking.status == Status::Confirmed).count();
            prop_assert_eq!(room.times_booked, i64::try_from(confirmed).expect("a few"));
            for booking in own() {
                let others = own().filter(|other| other.id > booking.id);
                let mut taken =
                    others.filter(|other| other.occupies(self.now) && booking.occupies(self.now));
                let twice = taken.find(|other| other.stay.overlaps(&booking.stay));
                prop_assert!(twice.is_none(), "sold twice: {booking:?} {twice:?}");
                let event = self.events[id]
                    .iter()
                    .find(|event| event.version == booking.room_version)
                    .expect("a booking's last write is in the history");
                prop_assert_eq!(event.booking, Some(booking.id));
                prop_assert!(booking.guests.get() >= 1 && booking.stay.nights() >= 1);
            }
            for slept in own().filter(|booking| booking.continued_by.is_some()) {
                let going_on = &self.bookings[&slept.continued_by.expect("it goes on")];
                prop_assert!(going_on.continues.is_some() && going_on.continued_by.is_none());
                prop_assert!(slept.stay.check_out() <= going_on.stay.check_in());
                prop_assert!(matches!(slept.status, Status::Confirmed | Status::Cancelled));
            }
            let versions: Vec<_> = self.events[id].iter().map(|event| event.version.0).collect();
            let expected: Vec<_> = (Version::FIRST.0..=room.version.0).collect();
            prop_assert_eq!(versions, expected, "gap-free, and no version twice");
            let deleted = self.events[id].iter().position(|it| it.kind == EventKind::RoomDeleted);
            prop_assert_eq!(deleted.is_some(), room.deleted_at.is_some());
            if deleted.is_some() {
                let ahead = |booking: &Booking| booking.stay.check_out() > self.now.date_naive();
                let left = own().filter(|booking| booking.occupies(self.now) && ahead(booking));
                prop_assert_eq!(left.count(), 0, "no booking is left in a deleted room");
            }
        }
        Ok(())
    }
}

fn created(number: usize, now: Instant) -> Decided<Room> {
    let amount = Amount::new(10_000).expect("an amount");
    let currency = Currency::parse("EUR").expect("a code");
    let attributes = RoomAttributes {
        number: text(&number.to_string()),
        kind: text("double"),
        capacity: Capacity::new(3).expect("a capacity"),
        nightly_rate: (number > 0).then_some(Money { amount, currency }),
        status: RoomStatus::Open,
    };
    Room::create(room_id(number), HotelId(Uuid::nil()), attributes, now)
        .expect("no rule forbids it")
}

fn start() -> Instant {
    "2026-12-01T12:00:00Z".parse().expect("an instant")
}

/// A stay under way that changes rooms keeps every night, at every price that was agreed.
fn check_nights_slept(booking: &Booking, to: &Booking, change: &Change, today: Day) {
    let under_way = booking.status == Status::Confirmed && booking.stay.check_in() < today;
    let same_arrival = to.stay.check_in() == booking.stay.check_in();
    let new = change.bookings.iter().find_map(|written| match written {
        BookingChange::Insert(new) => Some(new),
        BookingChange::Replace { .. } => None,
    });
    let Some(slept) = new else {
        assert!(to.room == booking.room || !under_way || !same_arrival, "{booking:?} {to:?}");
        return;
    };
    assert!(under_way && slept.room == booking.room && to.room != booking.room);
    assert_eq!((slept.stay.check_in(), slept.stay.check_out()), (booking.stay.check_in(), today));
    assert_eq!((to.stay.check_in(), to.id), (today, booking.id));
    let night = |of: &Booking| of.total.map(|total| total.amount() / of.stay.nights());
    assert_eq!(night(slept), night(booking), "the nights slept cost what was agreed");
    let sold: Vec<_> = change.rooms.iter().map(|room| (room.to.id, room.sold)).collect();
    assert!(sold.contains(&(slept.room, 0)) && sold.contains(&(to.room, 1)), "{sold:?}");
}

/// A refusal writes nothing but the lapsed holds that it met.
fn check_only_expires(refusal: &Refusal, change: &Change, now: Instant) {
    assert!(change.hotel.is_none() && !change.bookings.is_empty(), "{refusal:?}");
    for room in &change.rooms {
        assert_eq!((room.write, room.sold), (RoomWrite::Advance, 0), "{refusal:?}");
        assert!(room.events.iter().all(|event| event.kind == EventKind::Expired), "{refusal:?}");
    }
    for booking in &change.bookings {
        let BookingChange::Replace { to, .. } = booking else { panic!("{refusal:?}: {booking:?}") };
        assert_eq!((to.status, to.updated_at), (Status::Expired, now), "{refusal:?}");
    }
    assert_eq!(change.holds_expired(), change.bookings.len() as u64);
}

/// What queries and the guard can see without knowing the time.
fn is_stored_as_occupying(booking: &Booking) -> bool {
    matches!(booking.status, Status::Held { .. } | Status::Confirmed)
}

pub fn room_id(number: usize) -> RoomId {
    RoomId(Uuid::from_u128(1 + number as u128))
}

fn people(guests: i64) -> Guests {
    Guests::new(guests).expect("a number of guests")
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}

fn stay(from: i64, nights: i64) -> Stay {
    let first: Day = "2026-12-10".parse().expect("a day");
    let check_in = first + TimeDelta::days(from);
    Stay::new(check_in, check_in + TimeDelta::days(nights)).expect("1 to 4 nights")
}
