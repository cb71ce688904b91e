//! The database keeps the last word: its own guard against overlaps, the tables and their
//! migration, and the audit that proves from the rows what must hold.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ConnectionTrait, DbErr};
use uuid::Uuid;
use vacancy_domain::{
    Amendment, Booking, BookingId, Calendar, Capacity, Change, Day, Decided, Decision, Guest,
    Guests, Hotel, HotelAttributes, HotelDay, HotelId, Metadata, NewBooking, Origin, Room,
    RoomAttributes, RoomChange, RoomId, RoomStatus, RoomWrite, Stay, Text, amend,
};
use vacancy_persistence::{
    Answer, CommitGate, ConnectError, Part, Record, RequestKey, SchemaState, Store, StoreError,
    StoreOptions,
};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

const HOTEL: HotelId = HotelId(Uuid::from_u128(1));
const ROOM: RoomId = RoomId(Uuid::from_u128(2));
const OTHER_ROOM: RoomId = RoomId(Uuid::from_u128(3));

on_both_databases! {
    /// A writer that goes past the service, in whatever way, is stopped by the table itself.
    async fn no_writer_can_make_two_bookings_overlap(db: Database) {
        db.is_left_unsound("its bookings are written past the service, without events");
        let house = House::build(&db).await;
        let nights = |from: i64, to: i64| (house.day(from), house.day(to));
        let mut id = 0;
        let mut insert = |room: RoomId, (check_in, check_out): (Day, Day), status: &str| {
            id += 1;
            let hold = if status == "held" { house.db.kind().now() } else { "NULL" };
            let kind = house.db.kind();
            let (room, booking) = (kind.uuid(room.0), kind.uuid(Uuid::from_u128(1_000 + id)));
            let (hotel, now) = (kind.uuid(HOTEL.0), kind.now());
            format!(
                "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in,
                     check_out, status, hold_expires_at, version, room_version, created_at, updated_at)
                 VALUES ({room}, {booking}, {hotel}, 'Ada', 1, '{check_in}', '{check_out}',
                     '{status}', {hold}, 1, 1, {now}, {now})"
            )
        };
        let taken = nights(5, 8);
        house.done(&insert(ROOM, taken, "confirmed")).await;
        for (from, to) in [(5, 8), (4, 6), (7, 9), (6, 7), (1, 20), (0, 365)] {
            house.refused(&insert(ROOM, nights(from, to), "confirmed")).await;
            house.refused(&insert(ROOM, nights(from, to), "held")).await;
        }
        for ((from, to), status) in
            [((1, 5), "confirmed"), ((8, 9), "held"), ((5, 8), "cancelled"), ((1, 9), "expired")]
        {
            house.done(&insert(ROOM, nights(from, to), status)).await;
        }
        house.done(&insert(OTHER_ROOM, taken, "confirmed")).await;
        // A lapsed hold is in the way too until it is recorded as expired: time is not the table's.
        house.refused(&insert(ROOM, nights(8, 10), "confirmed")).await;

        // Every way a row comes to occupy nights that it did not.
        let (room, other) = (house.db.kind().uuid(ROOM.0), house.db.kind().uuid(OTHER_ROOM.0));
        let (check_in, check_out) = nights(4, 6);
        for (change, which) in [
            ("status = 'confirmed'".to_owned(), "status = 'cancelled'".to_owned()),
            ("status = 'confirmed'".to_owned(), "status = 'expired'".to_owned()),
            (format!("room_id = {room}"), format!("room_id = {other}")),
            (
                format!("room_id = {room}, check_in = '{check_in}', check_out = '{check_out}'"),
                format!("room_id = {other}"),
            ),
        ] {
            house.refused(&format!("UPDATE bookings SET {change} WHERE {which}")).await;
        }
        let (_, longer) = nights(0, 9);
        house.refused(&format!(
            "UPDATE bookings SET check_out = '{longer}' WHERE status = 'confirmed' AND room_id = {room}
             AND check_in = '{}'", taken.0
        )).await;
        // What does not overlap may change.
        house.done(&format!("UPDATE bookings SET guests = 2 WHERE room_id = {room}")).await;
        // And the tables hold no stay that queries would look too short back for.
        for (from, to) in [(20, 20), (21, 20), (20, 386)] {
            let error = house.failed(&insert(ROOM, nights(from, to), "confirmed")).await;
            assert!(error.to_string().contains("bookings_nights"), "{error}");
        }
    }

    /// A decision that is wrong because it ignores the room's version: the guard says so, the
    /// store knows its word, and nothing of the transaction stays.
    async fn the_guards_word_is_known(db: Database) {
        db.is_left_unsound("one of its bookings is written past the service, without an event");
        let house = House::build(&db).await;
        let (first, second) = (house.stay(0, 2), house.stay(5, 7));
        let booking = house.book(first).await;

        let calendar = house.calendar(second).await;
        let Ok(Decided::Changed(change, _)) = calendar.book(new_booking(second)) else {
            panic!("the nights are free")
        };
        house.sneak_in(&booking, second).await;
        house.check_guarded(&change).await;

        let calendar = house.calendar(house.stay(1, 6)).await;
        let free = Calendar {
            taken: calendar.taken.into_iter().filter(|it| it.id == booking.id).collect(),
            ..calendar
        };
        let amendment =
            Amendment { guest: booking.guest.clone(), guests: one(), stay: house.stay(1, 6), origin: booking.origin.clone(),
                metadata: booking.metadata.clone(), reprice: true, hold: None, slept: BookingId(Uuid::nil()) };
        let Ok(Decided::Changed(change, _)) = amend(&booking, &free.room, &free, amendment) else {
            panic!("without the lawless booking the nights would be free")
        };
        house.check_guarded(&change).await;
    }

    async fn the_tables_relate_to_the_binary(db: Database) {
        let store = connect(&db).await;
        assert_eq!(store.schema_state().await.expect("it is read"), SchemaState::Behind(1));
        store.migrate().await.expect("an empty database can be migrated");
        assert_eq!(store.schema_state().await.expect("it is read"), SchemaState::Current);
        store.migrate().await.expect("there is nothing left to do");
        db.sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)")
            .await;
        let newer = SchemaState::Newer("m9999_later".to_owned());
        assert_eq!(store.schema_state().await.expect("it is read"), newer);
        let refused = store.migrate().await;
        assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
        assert_eq!(store.schema_state().await.expect("it is read"), newer, "nothing was touched");
    }

    /// No key of the tables forbids it, since everything of a room begins with the room.
    async fn the_audit_finds_a_booking_in_two_rooms(db: Database) {
        db.is_left_unsound("breaking rows is what it does");
        let house = House::build(&db).await;
        let booking = house.book(house.stay(0, 2)).await;
        let (id, other) = (house.db.kind().uuid(booking.id.0), house.db.kind().uuid(OTHER_ROOM.0));
        house
            .done(&format!(
                "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in,
                     check_out, status, version, room_version, created_at, updated_at)
                 SELECT {other}, id, hotel_id, guest_name, guests, check_in, check_out,
                     'cancelled', version, room_version, created_at, updated_at
                 FROM bookings WHERE id = {id}"
            ))
            .await;
        let violations = house.audit().await;
        let twice = format!("booking {}: in 2 rooms at once", booking.id);
        assert!(violations.contains(&twice), "{violations:?}");
    }

    /// The audit finds every kind of broken row, and nothing in sound ones.
    async fn the_audit_finds_what_is_broken(db: Database) {
        db.is_left_unsound("breaking rows is what it does");
        let house = House::build(&db).await;
        let booking = house.book(house.stay(0, 2)).await;
        house.book(house.stay(5, 7)).await;
        assert_eq!(house.audit().await, Vec::<String>::new());
        let room = house.db.kind().uuid(ROOM.0);
        let id = house.db.kind().uuid(booking.id.0);
        let name = ROOM.to_string();
        for (broken, mended, says) in [
            (
                format!("UPDATE rooms SET times_booked = 3 WHERE id = {room}"),
                format!("UPDATE rooms SET times_booked = 2 WHERE id = {room}"),
                "times_booked is 3, confirmed bookings are 2",
            ),
            (
                format!("UPDATE bookings SET status = 'cancelled' WHERE id = {id}"),
                format!("UPDATE bookings SET status = 'confirmed' WHERE id = {id}"),
                "times_booked is 2, confirmed bookings are 1",
            ),
            (
                format!("UPDATE rooms SET version = 4 WHERE id = {room}"),
                format!("UPDATE rooms SET version = 3 WHERE id = {room}"),
                "version is 4, events are 3 from 1 to 3",
            ),
            (
                format!(
                    "UPDATE room_events SET version = 9 WHERE room_id = {room} AND version = 1"
                ),
                format!(
                    "UPDATE room_events SET version = 1 WHERE room_id = {room} AND version = 9"
                ),
                "version is 3, events are 3 from 2 to 9",
            ),
            (
                format!("UPDATE bookings SET room_version = 1 WHERE id = {id}"),
                format!("UPDATE bookings SET room_version = 2 WHERE id = {id}"),
                "its last write is version 1",
            ),
            (
                format!("UPDATE bookings SET continues = id WHERE id = {id}"),
                format!("UPDATE bookings SET continues = NULL WHERE id = {id}"),
                "which is no stay that went on before it",
            ),
            (
                format!("UPDATE bookings SET continued_by = id WHERE id = {id}"),
                format!("UPDATE bookings SET continued_by = NULL WHERE id = {id}"),
                "which continues none",
            ),
        ] {
            db.sql(&broken).await;
            let violations = house.audit().await;
            assert_eq!(violations.len(), 1, "{broken}: {violations:?}");
            assert!(violations[0].contains(says), "{broken}: {violations:?}");
            assert!(violations[0].contains(&name), "an operator can find it: {violations:?}");
            db.sql(&mended).await;
            assert_eq!(house.audit().await, Vec::<String>::new(), "{mended}");
        }
        // The next two the tables themselves forbid; so those are broken first.
        let (unguarded, unbound) = match db.kind() {
            Kind::Sqlite => (
                "DROP TRIGGER bookings_do_not_overlap_insert;
                 DROP TRIGGER bookings_do_not_overlap_update;",
                "PRAGMA foreign_keys = OFF;",
            ),
            Kind::Postgres => (
                "ALTER TABLE bookings DROP CONSTRAINT bookings_do_not_overlap;",
                "ALTER TABLE bookings DROP CONSTRAINT bookings_room_id_fkey;",
            ),
        };
        let (check_in, check_out) = (house.day(1), house.day(6));
        db.sql(&format!(
            "{unguarded} UPDATE bookings SET check_in = '{check_in}', check_out = '{check_out}'
             WHERE id = {id};"
        ))
        .await;
        let violations = house.audit().await;
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].contains("overlap from"), "{violations:?}");
        assert!(violations[0].contains(&booking.id.to_string()), "{violations:?}");
        let (check_in, check_out) = (house.day(0), house.day(2));
        let nowhere = house.db.kind().uuid(Uuid::max());
        db.sql(&format!(
            "{unbound} UPDATE bookings SET room_id = {nowhere}, check_in = '{check_in}',
             check_out = '{check_out}' WHERE id = {id};"
        ))
        .await;
        let violations = house.audit().await.join("\n");
        assert!(violations.contains("which does not exist"), "{violations}");
        assert!(violations.contains("times_booked is 2, confirmed bookings are 1"), "{violations}");
    }
}

/// Replicas that start at the same moment on an empty database: one migrates, the others wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_replicas_migrate_an_empty_postgres_at_once() {
    for _ in 0..4 {
        let Some(db) = Database::create(Kind::Postgres).await else { return };
        let mut stores = Vec::new();
        for _ in 0..8 {
            stores.push(connect(&db).await);
        }
        let migrating = stores.into_iter().map(|store| {
            tokio::spawn(async move {
                let migrated = store.migrate().await;
                (migrated, store.schema_state().await)
            })
        });
        for one in migrating.collect::<Vec<_>>() {
            let (migrated, state) = one.await.expect("it does not panic");
            assert!(migrated.is_ok(), "{migrated:?}");
            assert_eq!(state.expect("it is read"), SchemaState::Current);
        }
        assert_eq!(db.count("SELECT COUNT(*) FROM seaql_migrations").await, 1);
        assert_eq!(db.count("SELECT COUNT(*) FROM rooms").await, 0);
    }
}

/// A store on tables with one hotel and two rooms, and a way around it.
struct House<'a> {
    db: &'a Database,
    store: Store,
    today: Day,
}

fn is_new(room: &RoomChange) -> bool {
    room.write == RoomWrite::Insert
}

impl<'a> House<'a> {
    async fn build(db: &'a Database) -> Self {
        let store = connect(db).await;
        store.migrate().await.expect("an empty database can be migrated");
        let now = store.hotel_snapshot(None, None).await.expect("it is read").now;
        let attributes = HotelAttributes {
            name: text("Rialto"),
            city: text("Venice"),
            country: None,
            day: HotelDay::default(),
        };
        let house = Self { db, store, today: now.date_naive() };
        house.keep(Hotel::create(HOTEL, attributes, now)).await;
        for (room, number) in [(ROOM, "101"), (OTHER_ROOM, "102")] {
            house.keep(Room::create(room, HOTEL, room_called(number), now)).await;
        }
        house
    }

    async fn keep<T>(&self, decision: Decision<T>) -> T {
        let Ok(Decided::Changed(change, state)) = decision else { panic!("it was refused") };
        let kept = if change.hotel.is_some() || change.rooms.iter().any(is_new) {
            self.found(&change).await
        } else {
            self.commit(&change).await
        };
        kept.expect("no other write came in between");
        state
    }

    async fn commit(&self, change: &Change) -> Result<(), StoreError> {
        let part = Part {
            change: change.clone(),
            request: "test".into(),
            actor: None,
            record: None,
            gate: Arc::new(CommitGate::default()),
        };
        // As if decided just now, or a slow machine would come to the fence.
        let at = self.store.hotel_snapshot(None, None).await.expect("it is read").now;
        let session = self.store.session().expect("the file is there");
        session.commit(Arc::new(self.store.write(vec![part], at))).await
    }

    /// Keeps a hotel or a room that comes to be.
    async fn found(&self, change: &Change) -> Result<(), StoreError> {
        let now = self.store.hotel_snapshot(None, None).await.expect("it is read").now;
        let key = RequestKey {
            text: Uuid::now_v7().to_string(),
            fingerprint: [0; 32],
            time_to_live: Duration::from_hours(1),
        };
        let answer = Answer { status: 201, version: None, location: None, body: None };
        let (record, gate) = (Record { key, answer }, CommitGate::default());
        self.store.commit_hotel(change, &record, now, ("test", None), &gate).await
    }

    async fn calendar(&self, stay: Stay) -> Calendar {
        let calendar = self.store.calendar(ROOM, stay.check_in(), stay.check_out()).await;
        calendar.expect("it is read").expect("the room is there")
    }

    async fn book(&self, stay: Stay) -> Booking {
        self.keep(self.calendar(stay).await.book(new_booking(stay))).await
    }

    /// A commit that the guard stops is a lost race of its own kind, and leaves nothing.
    async fn check_guarded(&self, change: &Change) {
        let rows = "SELECT COUNT(*) FROM bookings";
        let written = "SELECT CAST(SUM(version) AS bigint) FROM rooms";
        let before = (self.db.count(rows).await, self.db.count(written).await);
        let kept = self.commit(change).await;
        assert!(matches!(kept, Err(StoreError::Lost { guard: true })), "{kept:?}");
        assert_eq!((self.db.count(rows).await, self.db.count(written).await), before);
    }

    /// A copy of a booking on other nights, written past the service and its versions.
    async fn sneak_in(&self, booking: &Booking, stay: Stay) {
        let (of, new) = (self.db.kind().uuid(booking.id.0), self.db.kind().uuid(Uuid::now_v7()));
        let (check_in, check_out) = (stay.check_in(), stay.check_out());
        self.done(&format!(
            "INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out,
                 status, version, room_version, created_at, updated_at)
             SELECT room_id, {new}, hotel_id, guest_name, guests, '{check_in}', '{check_out}',
                 status, version, room_version, created_at, updated_at
             FROM bookings WHERE id = {of}"
        ))
        .await;
    }

    async fn run(&self, sql: &str) -> Result<(), DbErr> {
        let connection = self.db.connect().await;
        let done = connection.execute_unprepared(sql).await.map(|_| ());
        connection.close().await.expect("closing a pool cannot fail");
        done
    }

    async fn done(&self, sql: &str) {
        self.run(sql).await.unwrap_or_else(|error| panic!("{error} in: {sql}"));
    }

    async fn failed(&self, sql: &str) -> DbErr {
        self.run(sql).await.err().unwrap_or_else(|| panic!("it was let through: {sql}"))
    }

    /// Refused by the guard and by nothing else.
    async fn refused(&self, sql: &str) {
        let error = self.failed(sql).await;
        assert!(error.to_string().contains("bookings_do_not_overlap"), "{error} in: {sql}");
        let known = StoreError::from(error);
        assert!(matches!(known, StoreError::Lost { guard: true }), "{known:?} in: {sql}");
    }

    async fn audit(&self) -> Vec<String> {
        self.store.audit().await.expect("it is read")
    }

    fn day(&self, ahead: i64) -> Day {
        self.today + TimeDelta::days(30 + ahead)
    }

    fn stay(&self, from: i64, to: i64) -> Stay {
        Stay::new(self.day(from), self.day(to)).expect("a stay")
    }
}

/// A link may be there before the file it leads to. Both are one file, and one process's.
#[tokio::test]
async fn a_link_to_a_file_that_is_not_there_yet_shares_its_lock() {
    let folder = Folder::new("link");
    let (file, link) = (folder.path().join("real.db"), folder.path().join("link.db"));
    std::os::unix::fs::symlink(&file, &link).expect("a new folder can be written");
    let open = async |path: &Path| {
        let options = StoreOptions {
            url: format!("sqlite://{}?mode=rwc", path.display()),
            connections: 1,
            statement_timeout: Duration::from_secs(10),
            exclusive: true,
        };
        Store::connect(&options).await
    };
    let first = open(&link).await.expect("no other process has it");
    for path in [&link, &file] {
        let second = open(path).await;
        assert!(matches!(second, Err(ConnectError::InUse(_))), "{}: {second:?}", path.display());
    }
    first.close().await;
    drop(first);
    // A process that another test is about to start may have the lock until it runs its program.
    let again = eventually("no process has it any more", PATIENCE, || async {
        match open(&file).await {
            Err(ConnectError::InUse(_)) => None,
            opened => Some(opened.expect("it can be opened")),
        }
    });
    again.await.close().await;
}

async fn connect(db: &Database) -> Store {
    let options = StoreOptions {
        url: db.url().to_owned(),
        connections: 2,
        statement_timeout: Duration::from_secs(10),
        exclusive: true,
    };
    Store::connect(&options).await.expect("the test's database can be opened")
}

fn new_booking(stay: Stay) -> NewBooking {
    let guest = Guest { name: text("Ada"), email: None };
    NewBooking {
        id: BookingId(Uuid::now_v7()),
        guest,
        guests: one(),
        stay,
        origin: Origin::default(),
        metadata: Metadata::default(),
        hold: None,
        made_by: None,
    }
}

fn room_called(number: &str) -> RoomAttributes {
    RoomAttributes {
        number: text(number),
        kind: text("double"),
        capacity: Capacity::new(2).expect("a capacity"),
        nightly_rate: None,
        status: RoomStatus::Open,
    }
}

fn one() -> Guests {
    Guests::new(1).expect("a number of guests")
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}
