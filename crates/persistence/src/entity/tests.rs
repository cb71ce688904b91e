//! A row that does not read as this service writes it is reported so that an operator can find it.

use sea_orm::prelude::{DateTimeUtc, Uuid};
use vacancy_domain::Zones;

use super::{booking, hotel, room};
use crate::StoreError;

const ID: Uuid = Uuid::from_u128(7);

#[test]
fn a_corrupt_booking_is_reported_with_table_column_and_id() {
    check_booking("guest_name", |row| row.guest_name = String::new());
    check_booking("guest_email", |row| row.guest_email = Some("Ada".into()));
    check_booking("guests", |row| row.guests = 0);
    check_booking("check_out", |row| row.check_out = row.check_in);
    check_booking("status", |row| row.status = "gone".into());
    check_booking("status", |row| row.status = "held".into());
    check_booking("status", |row| row.hold_expires_at = Some(now()));
    check_booking("source", |row| row.source = Some("A B".into()));
    check_booking("reference", |row| row.reference = Some(String::new()));
    check_booking("metadata", |row| row.metadata = Some(serde_json::json!({ "a": 1 })));
    check_booking("total_amount", |row| row.total_amount = Some(-1));
    check_booking("total_amount", |row| row.total_amount = Some(i64::MAX));
    check_booking("total_amount", |row| row.total_amount = None);
    check_booking("total_currency", |row| row.total_currency = Some("euro".into()));
    check_booking("total_currency", |row| row.total_currency = None);
}

#[test]
fn a_corrupt_room_is_reported_with_table_column_and_id() {
    check_room("number", |row| row.number = String::new());
    check_room("kind", |row| row.kind = "a\0b".into());
    check_room("capacity", |row| row.capacity = 0);
    check_room("capacity", |row| row.capacity = 101);
    check_room("rate_amount", |row| row.rate_amount = Some(-1));
    check_room("rate_amount", |row| row.rate_amount = None);
    check_room("rate_currency", |row| row.rate_currency = None);
    check_room("status", |row| row.status = "burnt".into());
}

#[test]
fn a_corrupt_hotel_is_reported_with_table_column_and_id() {
    check_hotel("name", |row| row.name = String::new());
    check_hotel("city", |row| row.city = String::new());
    check_hotel("country", |row| row.country = Some("nl".into()));
    check_hotel("time_zone", |row| row.time_zone = "Middle-earth/Shire".into());
    check_hotel("day_ends", |row| row.day_ends = -1);
    check_hotel("day_ends", |row| row.day_ends = 721);
}

#[test]
fn the_value_itself_is_not_repeated() {
    let row = booking::Model { guest_email: Some("Ada Lovelace".into()), ..booking() };
    let error = row.into_domain().expect_err("no address").to_string();
    assert!(error.contains("bookings.guest_email") && error.contains(&ID.to_string()), "{error}");
    assert!(!error.contains("Lovelace"), "{error}");
}

#[track_caller]
fn check_booking(column: &str, broken: fn(&mut booking::Model)) {
    assert!(booking().into_domain().is_ok());
    let mut row = booking();
    broken(&mut row);
    check_corrupt(row.into_domain(), "bookings", column);
}

#[track_caller]
fn check_room(column: &str, broken: fn(&mut room::Model)) {
    assert!(room().into_domain().is_ok());
    let mut row = room();
    broken(&mut row);
    check_corrupt(row.into_domain(), "rooms", column);
}

#[track_caller]
fn check_hotel(column: &str, broken: fn(&mut hotel::Model)) {
    assert!(hotel().into_domain(&Zones::default()).is_ok());
    let mut row = hotel();
    broken(&mut row);
    check_corrupt(row.into_domain(&Zones::default()), "hotels", column);
}

#[track_caller]
fn check_corrupt<T: std::fmt::Debug>(read: Result<T, StoreError>, of: &str, named: &str) {
    match read {
        Err(StoreError::Corrupt { table, column, id, why }) => {
            assert_eq!((table, column, id), (of, named, ID.to_string()));
            assert!(!why.is_empty());
        }
        other => panic!("{of}.{named}: {other:?}"),
    }
}

fn booking() -> booking::Model {
    booking::Model {
        room_id: Uuid::nil(),
        id: ID,
        hotel_id: Uuid::nil(),
        guest_name: "Ada".into(),
        guest_email: Some("ada@example.org".into()),
        guests: 2,
        check_in: "2026-12-05".parse().expect("a day"),
        check_out: "2026-12-08".parse().expect("a day"),
        status: "confirmed".into(),
        hold_expires_at: None,
        total_amount: Some(30_000),
        total_currency: Some("EUR".into()),
        made_by: None,
        source: None,
        reference: None,
        continues: None,
        continued_by: None,
        metadata: None,
        version: 1,
        room_version: 2,
        created_at: now(),
        updated_at: now(),
    }
}

fn room() -> room::Model {
    room::Model {
        id: ID,
        hotel_id: Uuid::nil(),
        number: "101".into(),
        kind: "double".into(),
        capacity: 2,
        rate_amount: Some(10_000),
        rate_currency: Some("EUR".into()),
        status: "open".into(),
        times_booked: 0,
        version: 1,
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn hotel() -> hotel::Model {
    hotel::Model {
        id: ID,
        name: "Rialto".into(),
        city: "Venice".into(),
        country: Some("IT".into()),
        time_zone: "Europe/Rome".into(),
        day_ends: 240,
        version: 1,
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    }
}

fn now() -> DateTimeUtc {
    "2026-12-01T12:00:00Z".parse().expect("an instant")
}
