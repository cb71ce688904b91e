//! The hotels and rooms that are booked, written straight into the tables: rows as the service
//! leaves them after creating each.

use vacancy_testkit::database::{Database, Kind};

use crate::sql::Sql;

/// The families of ids.
pub const HOTELS: u16 = 1;
/// Rooms for bookings over all of them.
pub const ROOMS: u16 = 2;
/// Rooms for the service to book one at a time.
pub const HOT_ROOMS: u16 = 3;
/// Rooms for the reference to book one at a time.
pub const REFERENCE_ROOMS: u16 = 4;
/// Rooms of one hotel that are all taken.
pub const SOLD_OUT_ROOMS: u16 = 5;

/// So many rooms share a hotel.
pub const ROOMS_IN_A_HOTEL: i64 = 100;
/// So many hotels share a city.
const HOTELS_IN_A_CITY: i64 = 5;

/// Hotels from `first` on; the n-th is in the city `City n/5`.
pub fn hotels(sql: &Sql, first: i64, count: i64) -> String {
    let number = format!("({first} + n)");
    let id = sql.id(HOTELS, &number);
    let city = format!("'City ' || {number} / {HOTELS_IN_A_CITY}");
    let name = format!("'Hotel ' || {number}");
    let now = sql.in_hours(0);
    let known = [
        ("id", id.as_str()),
        ("name", &name),
        ("city", &city),
        ("time_zone", "'UTC'"),
        ("version", "1"),
        ("created_at", &now),
        ("updated_at", &now),
    ];
    format!("{} FROM {};", sql.insert("hotels", &known), sql.series(count))
}

/// Rooms of a family in the hotels from `first_hotel` on, `in_a_hotel` in each.
pub fn rooms(sql: &Sql, family: u16, count: i64, first_hotel: i64, in_a_hotel: i64) -> String {
    let id = sql.id(family, "n");
    let hotel = sql.id(HOTELS, &format!("{first_hotel} + n / {in_a_hotel}"));
    let number = format!("'{family}-' || n");
    let now = sql.in_hours(0);
    let room = [
        ("id", id.as_str()),
        ("hotel_id", &hotel),
        ("number", &number),
        ("kind", "'double'"),
        ("capacity", "2"),
        ("status", "'open'"),
        ("times_booked", "0"),
        ("version", "1"),
        ("created_at", &now),
        ("updated_at", &now),
    ];
    let event = [
        ("room_id", id.as_str()),
        ("version", "1"),
        ("kind", "'room_created'"),
        ("at", &now),
        ("data", "'{}'"),
    ];
    let series = sql.series(count);
    let (room, event) = (sql.insert("rooms", &room), sql.insert("room_events", &event));
    format!("{room} FROM {series}; {event} FROM {series};")
}

/// The first and the last id of a family, as SQL.
pub fn bounds(sql: &Sql, family: u16) -> String {
    format!("BETWEEN {} AND {}", sql.id(family, "0"), sql.id(family, "281474976710655"))
}

/// Runs statements in one transaction and then lets PostgreSQL look at what is there now.
pub async fn load(database: &Database, statements: &str) {
    database.sql(&format!("BEGIN; {statements} COMMIT;")).await;
    if database.kind() == Kind::Postgres {
        database.sql("VACUUM ANALYZE").await;
    }
}
