//! A hotel whose rooms are written through the store alone.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;
use vacancy_domain::{
    Booking, BookingId, Calendar, Decided, Decision, Guest, Guests, Metadata, NewBooking, Origin,
    RoomId, Stay, Text, cancel,
};
use vacancy_persistence::{
    Answer, CommitGate, NightsQuery, Part, Record, RequestKey, SnapshotQuery, Store, StoreError,
    StoreOptions,
};
use vacancy_testkit::database::Database;

pub const ROOM: RoomId = RoomId(Uuid::from_u128(2));
pub const OTHER_ROOM: RoomId = RoomId(Uuid::from_u128(3));

/// A store on tables with one hotel and two rooms.
pub struct House<'a> {
    pub db: &'a Database,
    pub store: Store,
}

impl<'a> House<'a> {
    pub async fn build(db: &'a Database) -> Self {
        Self::build_with(db, Duration::from_secs(10)).await
    }

    pub async fn build_with(db: &'a Database, statement_timeout: Duration) -> Self {
        let options = StoreOptions {
            url: db.url().to_owned(),
            connections: 8,
            statement_timeout,
            exclusive: true,
        };
        let store = Store::connect(&options).await.expect("the test's database can be opened");
        store.migrate().await.expect("an empty database can be migrated");
        let house = Self { db, store };
        let (hotel, now) = (house.db.kind().uuid(Uuid::from_u128(1)), house.db.kind().now());
        db.sql(&format!(
            "INSERT INTO hotels (id, name, city, time_zone, version, created_at, updated_at)
             VALUES ({hotel}, 'Rialto', 'Venice', 'UTC', 1, {now}, {now})"
        ))
        .await;
        for number in [0, 1] {
            house.room(number).await;
        }
        house
    }

    /// Makes a room, the more the higher the number.
    pub async fn room(&self, number: u128) -> RoomId {
        let room = RoomId(Uuid::from_u128(number + 2));
        let (id, hotel, now) = (
            self.db.kind().uuid(room.0),
            self.db.kind().uuid(Uuid::from_u128(1)),
            self.db.kind().now(),
        );
        let ignore = "ON CONFLICT DO NOTHING";
        self.db
            .sql(&format!(
                "INSERT INTO rooms (id, hotel_id, number, kind, capacity, status, times_booked,
                     version, created_at, updated_at)
                 VALUES ({id}, {hotel}, '{number}', 'double', 2, 'open', 0, 1, {now}, {now}) {ignore};
                 INSERT INTO room_events (room_id, version, kind, at, data, write_id)
                 VALUES ({id}, 1, 'room_created', {now}, '{{}}', {id}) {ignore};"
            ))
            .await;
        room
    }

    pub async fn calendar(&self, room: RoomId) -> Calendar {
        let ask = SnapshotQuery {
            rooms: vec![room],
            nights: vec![NightsQuery::ahead(room)],
            ..SnapshotQuery::default()
        };
        let mut session = self.store.session().expect("the file is there");
        let mut snapshot = session.snapshot(&ask).await.expect("it is read");
        session.end().await;
        snapshot.calendars.remove(&room).expect("the room is there")
    }

    pub fn stay(calendar: &Calendar, from: i64, to: i64) -> Stay {
        let day = |ahead| calendar.now.date_naive() + TimeDelta::days(30 + ahead);
        Stay::new(day(from), day(to)).expect("a stay")
    }

    pub fn part(calendar: &Calendar, from: i64, to: i64) -> Part {
        part(calendar.book(new_booking(Self::stay(calendar, from, to))))
    }

    pub async fn book(&self, from: i64, to: i64) -> Booking {
        let part = Self::part(&self.calendar(ROOM).await, from, to);
        let booking = part.change.bookings[0].to().clone();
        self.commit(vec![part]).await.expect("no other write came in between");
        booking
    }

    pub async fn hold(&self, from: i64, to: i64) -> Booking {
        let calendar = self.calendar(ROOM).await;
        let mut new = new_booking(Self::stay(&calendar, from, to));
        new.hold = Some(TimeDelta::minutes(10));
        let part = part(calendar.book(new));
        let booking = part.change.bookings[0].to().clone();
        self.commit(vec![part]).await.expect("no other write came in between");
        booking
    }

    pub async fn cancellation(&self, booking: &Booking) -> Part {
        let calendar = self.calendar(booking.room).await;
        part(cancel(booking, &calendar.room, calendar.now))
    }

    /// As if decided just now, or a slow machine would come to the fence.
    pub async fn commit(&self, parts: Vec<Part>) -> Result<(), StoreError> {
        let at = self.calendar(ROOM).await.now;
        let session = self.store.session().expect("the file is there");
        session.commit(Arc::new(self.store.write(parts, at))).await
    }

    /// The commit fails in the way expected, and no table has changed.
    pub async fn fails(&self, parts: Vec<Part>, expected: impl Fn(&StoreError) -> bool) {
        let before = self.rows().await;
        let error = self.commit(parts).await.expect_err("it comes too late");
        assert!(expected(&error), "{error:?}");
        assert_eq!(self.rows().await, before, "{error:?}");
    }

    /// What every table holds, in numbers.
    pub async fn rows(&self) -> Vec<i64> {
        let mut rows = Vec::new();
        for count in [
            "COALESCE(SUM(version * times_booked + version), 0) FROM rooms",
            "COALESCE(SUM(version), 0) FROM bookings",
            "COUNT(*) FROM room_events",
            "COUNT(*) FROM idempotency_keys",
        ] {
            let (sum, table) = count.split_once(" FROM ").expect("a table");
            rows.push(self.db.count(&format!("SELECT CAST({sum} AS bigint) FROM {table}")).await);
        }
        rows
    }
}

pub fn part<T: std::fmt::Debug>(decision: Decision<T>) -> Part {
    let Ok(Decided::Changed(change, _)) = decision else { panic!("it was refused: {decision:?}") };
    let gate = Arc::new(CommitGate::default());
    Part { change, request: "test".into(), actor: None, record: None, gate }
}

pub fn record(text: &str) -> Record {
    let time_to_live = Duration::from_hours(1);
    let key = RequestKey { text: text.to_owned(), fingerprint: [0; 32], time_to_live };
    Record { key, answer: Answer { status: 201, version: None, location: None, body: None } }
}

pub fn new_booking(stay: Stay) -> NewBooking {
    let guest = Guest { name: Text::parse("Ada").expect("a text"), email: None };
    let guests = Guests::new(1).expect("a number of guests");
    NewBooking {
        id: BookingId(Uuid::now_v7()),
        guest,
        guests,
        stay,
        origin: Origin::default(),
        metadata: Metadata::default(),
        hold: None,
        made_by: None,
    }
}
