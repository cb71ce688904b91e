//! The hot path, carried out once: single resources, snapshots, commits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{
    Amendment, Booking, BookingId, Change, Day, Decided, Decision, Guest, Guests, HotelId,
    Metadata, NewBooking, Origin, RoomId, Stay, Text, amend, cancel, confirm,
};

use super::notices::Reported;
use super::rows::{BOOKING, HOTEL, OTHER_ROOM, ROOM};
use crate::{
    Answer, NightsQuery, Part, Record, RequestKey, Session, Snapshot, SnapshotQuery, Store,
};

/// Everything the hot path does, each with the plans it was carried out by.
pub struct Hot<'a> {
    store: &'a Store,
    reported: &'a Reported,
    plans: Vec<(&'static str, Value)>,
}

/// Carries everything out.
pub async fn all(store: &Store, reported: &Reported, today: Day) -> Vec<(&'static str, Value)> {
    let mut hot = Hot { store, reported, plans: Vec::new() };
    hot.single(today).await;
    hot.book_and_cancel(today).await;
    hot.move_there_and_back(today).await;
    hot.edit_the_room().await;
    hot.keep_an_answer().await;
    hot.plans
}

impl Hot<'_> {
    /// Files what was reported since the last call: the plans of as many `statements`.
    fn file(&mut self, what: &'static str, statements: usize) {
        let plans = self.reported.take();
        assert_eq!(plans.len(), statements, "{what}: {plans:#?}");
        self.plans.extend(plans.into_iter().map(|plan| (what, plan)));
    }

    async fn single(&mut self, today: Day) {
        let (room, booking) = (RoomId(ROOM), BookingId(BOOKING));
        self.reported.take();
        assert!(self.store.booking(booking).await.expect("it is read").is_some());
        self.file("one booking", 1);
        assert!(self.store.place_of(booking).await.expect("it is read").is_some());
        self.file("a booking's room", 1);
        assert!(self.store.room(room).await.expect("it is read").is_some());
        self.file("one room", 1);
        assert!(self.store.hotel(HotelId(HOTEL)).await.expect("it is read").is_some());
        self.file("one hotel", 1);
        let until = today + chrono::Days::new(43);
        assert!(self.store.calendar(room, today, until).await.expect("it is read").is_some());
        self.file("availability", 1);
    }

    /// A hold, which is confirmed, which is cancelled; each on nights of another snapshot.
    async fn book_and_cancel(&mut self, today: Day) {
        let stay = stay(today, 20);
        let (session, seen) = self.look(&about(ROOM, stay), false).await;
        let held = Some(chrono::TimeDelta::hours(1));
        let wanted = NewBooking { id: BookingId(Uuid::now_v7()), hold: held, ..wanted(stay) };
        let booked = seen.calendars[&RoomId(ROOM)].book(wanted);
        let booking = self.commit(session, &seen, booked, "hold", 1).await;
        let (session, seen) = self.look(&of(&booking, ROOM), false).await;
        let room = &seen.calendars[&RoomId(ROOM)].room;
        let confirmed = confirm(&seen.bookings[&booking.id], room, seen.now);
        let booking = self.commit(session, &seen, confirmed, "confirm", 1).await;
        // As a last attempt does it.
        let (session, seen) = self.look(&of(&booking, ROOM), true).await;
        let room = &seen.calendars[&RoomId(ROOM)].room;
        let cancelled = cancel(&seen.bookings[&booking.id], room, seen.now);
        self.commit(session, &seen, cancelled, "cancel under lock", 1).await;
    }

    async fn move_there_and_back(&mut self, today: Day) {
        for (from, to) in [(ROOM, OTHER_ROOM), (OTHER_ROOM, ROOM)] {
            let nights = NightsQuery {
                room: RoomId(to),
                check_in: None,
                check_out: None,
                booking: Some(BookingId(BOOKING)),
            };
            let ask = SnapshotQuery {
                rooms: vec![RoomId(from), RoomId(to)],
                bookings: vec![BookingId(BOOKING)],
                nights: vec![nights],
                ..SnapshotQuery::default()
            };
            let (session, seen) = self.look(&ask, false).await;
            let booking = &seen.bookings[&BookingId(BOOKING)];
            let mut target = seen.calendars[&RoomId(to)].clone();
            target.taken.retain(|taken| taken.id != booking.id);
            let days = if from == ROOM { 27 } else { 35 };
            let amendment = Amendment {
                origin: booking.origin.clone(),
                metadata: booking.metadata.clone(),
                hold: None,
                slept: BookingId(Uuid::nil()),
                reprice: true,
                guest: booking.guest.clone(),
                guests: booking.guests,
                stay: stay(today, days),
            };
            let room = &seen.calendars[&RoomId(from)].room;
            let moved = amend(booking, room, &target, amendment);
            self.commit(session, &seen, moved, "move", 1).await;
        }
    }

    async fn edit_the_room(&mut self) {
        let ahead = SnapshotQuery {
            rooms: vec![RoomId(OTHER_ROOM)],
            nights: vec![NightsQuery::ahead(RoomId(OTHER_ROOM))],
            ..SnapshotQuery::default()
        };
        let (session, seen) = self.look(&ahead, false).await;
        let room = &seen.calendars[&RoomId(OTHER_ROOM)].room;
        let mut attributes = room.attributes.clone();
        attributes.kind = Text::parse(&format!("kind {}", room.version.0)).expect("a text");
        let edited = room.edit(attributes, seen.now);
        self.commit(session, &seen, edited, "edit a room", 1).await;
    }

    /// Of a request that had nothing to write; and what became of it.
    async fn keep_an_answer(&mut self) {
        let (session, seen) = self.look(&SnapshotQuery::default(), false).await;
        let write = Arc::new(self.store.write(vec![part(Change::default())], seen.now));
        session.commit(write).await.expect("no other writes");
        self.file("keep an answer", 1);
    }

    async fn look(&mut self, ask: &SnapshotQuery, locks: bool) -> (Session, Snapshot) {
        let mut session = self.store.session().expect("the file is there");
        if locks {
            session = session.lock(&ask.rooms).await.expect("no other writes");
            self.file("lock", 1);
        }
        let seen = session.snapshot(ask).await.expect("it is read");
        self.file("snapshot", 1);
        (session, seen)
    }

    async fn commit<T: Clone>(
        &mut self,
        session: Session,
        seen: &Snapshot,
        decision: Decision<T>,
        what: &'static str,
        statements: usize,
    ) -> T {
        let Ok(Decided::Changed(change, after)) = decision else {
            panic!("{what} changes nothing")
        };
        let write = Arc::new(self.store.write(vec![part(change)], seen.now));
        let receipt = write.receipt().expect("a room is written");
        session.commit(write).await.expect("no other writes");
        self.file(what, statements);
        let fate = self.store.fate(&receipt).await.expect("it is found out");
        assert_eq!(fate, crate::Fate::Committed, "{what}");
        self.file("find out", 2);
        after
    }
}

fn part(change: Change) -> Part {
    let key = RequestKey {
        text: Uuid::now_v7().to_string(),
        fingerprint: [7; 32],
        time_to_live: Duration::from_hours(1),
    };
    let answer = Answer { status: 200, version: None, location: None, body: None };
    let record = Some(Record { key, answer });
    Part { change, request: "a test".into(), actor: None, record, gate: Arc::default() }
}

/// What a booking in `room` looks at.
fn about(room: Uuid, stay: Stay) -> SnapshotQuery {
    SnapshotQuery {
        keys: vec!["k1".to_owned()],
        rooms: vec![RoomId(room)],
        nights: vec![NightsQuery::of(RoomId(room), stay)],
        ..SnapshotQuery::default()
    }
}

/// What a command on `booking` looks at.
fn of(booking: &Booking, room: Uuid) -> SnapshotQuery {
    SnapshotQuery {
        keys: vec!["k2".to_owned()],
        rooms: vec![RoomId(room)],
        bookings: vec![booking.id],
        ..SnapshotQuery::default()
    }
}

fn wanted(stay: Stay) -> NewBooking {
    let guest = Guest { name: Text::parse("Ada").expect("a name"), email: None };
    let guests = Guests::new(1).expect("one is enough");
    let origin = Origin::default();
    NewBooking {
        id: BookingId(Uuid::nil()),
        guest,
        guests,
        stay,
        origin,
        metadata: Metadata::default(),
        hold: None,
        made_by: None,
    }
}

/// Three nights from so many days ahead.
fn stay(today: Day, days: u64) -> Stay {
    let check_in = today + chrono::Days::new(days);
    Stay::new(check_in, check_in + chrono::Days::new(3)).expect("three nights")
}
