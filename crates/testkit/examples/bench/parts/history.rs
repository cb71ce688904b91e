//! Hotels with a past, written straight into the tables: past, cancelled and expired bookings, each
//! with the events that led to it, so that the audit finds nothing.

use crate::rooms::{self, HOTELS, ROOMS, SOLD_OUT_ROOMS};
use crate::sql::Sql;

/// Rooms that have a past, in hotels of 100.
pub const ROOMS_WITH_PAST: i64 = 2_000;
/// Hotels of theirs.
pub const HOTELS_WITH_PAST: i64 = ROOMS_WITH_PAST / rooms::ROOMS_IN_A_HOTEL;
/// Rooms of the one hotel that has no past and is sold out.
pub const SOLD_OUT: i64 = 2_050;
/// The night, in days from today, for which every room is taken.
pub const TAKEN_NIGHT: u32 = 30;
/// Rooms with a hold of the night after that.
const HOLDS: i64 = 20;

/// Ids of bookings.
const TAKEN: u16 = 8;
const HELD: u16 = 9;
const PAST: u16 = 10;

/// Bookings of one room come in fours: two past, one cancelled, one expired. They take six versions.
const OF_A_GROUP: i64 = 4;
const VERSIONS_OF_A_GROUP: i64 = 6;

/// One of the four: its status, its first night as days from today, and the events that led to it
/// as steps of the room's version. `g` is the number of its group.
struct Role {
    status: &'static str,
    first_night: &'static str,
    events: &'static [(i64, &'static str)],
}

const ROLES: [Role; OF_A_GROUP as usize] = [
    Role { status: "confirmed", first_night: "-2 - 2 * g", events: &[(1, "booked")] },
    Role { status: "confirmed", first_night: "-3 - 2 * g", events: &[(2, "booked")] },
    Role {
        status: "cancelled",
        first_night: "g * 7 % 300 - 150",
        events: &[(3, "booked"), (4, "cancelled")],
    },
    Role {
        status: "expired",
        first_night: "g * 11 % 300 - 150",
        events: &[(5, "held"), (6, "expired")],
    },
];

/// What is there at every step: hotels, rooms, one night for which all are taken, and a few holds.
pub fn present(sql: &Sql) -> String {
    let taken = |family| booked(sql, family, TAKEN, "confirmed", TAKEN_NIGHT, 2, i64::MAX);
    let holds = booked(sql, ROOMS, HELD, "held", TAKEN_NIGHT + 1, 3, HOLDS);
    [
        rooms::hotels(sql, 0, HOTELS_WITH_PAST + 1),
        rooms::rooms(sql, ROOMS, ROOMS_WITH_PAST, 0, rooms::ROOMS_IN_A_HOTEL),
        rooms::rooms(sql, SOLD_OUT_ROOMS, SOLD_OUT, HOTELS_WITH_PAST, SOLD_OUT),
        taken(ROOMS),
        taken(SOLD_OUT_ROOMS),
        holds,
    ]
    .concat()
}

/// One booking in each of the first `count` rooms of a family, as the write that makes `version`.
fn booked(
    sql: &Sql,
    family: u16,
    ids: u16,
    status: &str,
    night: u32,
    version: i64,
    count: i64,
) -> String {
    let count = count.min(if family == ROOMS { ROOMS_WITH_PAST } else { SOLD_OUT });
    let held = status == "held";
    // Families lie 2^20 apart within one kind of booking.
    let id = sql.id(ids, &format!("(n + {family} * 1048576)"));
    let (check_in, check_out) = (sql.day(&night.to_string()), sql.day(&(night + 1).to_string()));
    let (now, until) = (sql.in_hours(0), if held { sql.in_hours(20) } else { "NULL".to_owned() });
    let (quoted, version) = (format!("'{status}'"), version.to_string());
    let booking = sql.insert(
        "bookings",
        &booking(&id, &check_in, &check_out, &quoted, &until, "1", &version, &now),
    );
    let event = sql.insert(
        "room_events",
        &event(&id, &version, if held { "'held'" } else { "'booked'" }, &now),
    );
    let room = sql.id(family, "n");
    let from = format!("FROM {} JOIN rooms AS r ON r.id = {room}", sql.series(count));
    let sold = i64::from(!held);
    let last = sql.id(family, &(count - 1).to_string());
    let first = sql.id(family, "0");
    format!(
        "{booking} {from}; {event} {from};
         UPDATE rooms SET version = version + 1, times_booked = times_booked + {sold}
         WHERE id BETWEEN {first} AND {last};"
    )
}

/// Adds bookings to the past of every room until `to` groups are there; `from` are there already.
/// Nothing may write meanwhile.
pub fn past(sql: &Sql, from: i64, to: i64) -> String {
    let groups = to - from;
    let count = groups * ROOMS_WITH_PAST;
    let source = format!(
        "FROM (SELECT n % {ROOMS_WITH_PAST} AS room, {from} + n / {ROOMS_WITH_PAST} AS g FROM {}) AS p
         JOIN rooms AS r ON r.id = {}",
        sql.series(count),
        sql.id(ROOMS, "p.room"),
    );
    let now = sql.in_hours(0);
    let mut statements = Vec::new();
    for (number, role) in ROLES.iter().enumerate() {
        let id =
            sql.id(PAST, &format!("((g * {ROOMS_WITH_PAST} + p.room) * {OF_A_GROUP} + {number})"));
        let version =
            |step: i64| format!("r.version + {VERSIONS_OF_A_GROUP} * (g - {from}) + {step}");
        for (step, kind) in role.events {
            let kind = format!("'{kind}'");
            let event = sql.insert("room_events", &event(&id, &version(*step), &kind, &now));
            statements.push(format!("{event} {source};"));
        }
        let (check_in, check_out) =
            (sql.day(role.first_night), sql.day(&format!("{} + 1", role.first_night)));
        let status = format!("'{}'", role.status);
        let writes = role.events.len().to_string();
        let last = version(role.events.last().map_or(0, |(step, _)| *step));
        let booking = booking(&id, &check_in, &check_out, &status, "NULL", &writes, &last, &now);
        statements.push(format!("{} {source};", sql.insert("bookings", &booking)));
    }
    let sold = ROLES.iter().filter(|role| role.status == "confirmed").count() as i64;
    statements.push(format!(
        "UPDATE rooms SET version = version + {}, times_booked = times_booked + {} WHERE id {};",
        VERSIONS_OF_A_GROUP * groups,
        sold * groups,
        rooms::bounds(sql, ROOMS),
    ));
    statements.concat()
}

/// How many groups a room has when all together have that many bookings.
pub fn groups(bookings: i64) -> i64 {
    bookings / ROOMS_WITH_PAST / OF_A_GROUP
}

/// The hotel that is sold out.
pub fn sold_out_hotel() -> String {
    crate::sql::id(HOTELS, HOTELS_WITH_PAST as u64)
}

#[expect(clippy::too_many_arguments, reason = "the columns of a table, in order")]
fn booking<'a>(
    id: &'a str,
    check_in: &'a str,
    check_out: &'a str,
    status: &'a str,
    hold_expires_at: &'a str,
    version: &'a str,
    room_version: &'a str,
    now: &'a str,
) -> [(&'static str, &'a str); 13] {
    [
        ("room_id", "r.id"),
        ("id", id),
        ("hotel_id", "r.hotel_id"),
        ("guest_name", "'Ada Lovelace'"),
        ("guests", "2"),
        ("check_in", check_in),
        ("check_out", check_out),
        ("status", status),
        // A hold has it and nothing else does, so NULL needs its type nowhere.
        ("hold_expires_at", hold_expires_at),
        ("version", version),
        ("room_version", room_version),
        ("created_at", now),
        ("updated_at", now),
    ]
}

fn event<'a>(
    id: &'a str,
    version: &'a str,
    kind: &'a str,
    now: &'a str,
) -> [(&'static str, &'a str); 6] {
    [
        ("room_id", "r.id"),
        ("version", version),
        ("kind", kind),
        ("booking_id", id),
        ("at", now),
        ("data", "'{}'"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_a_group_take_its_versions_one_by_one() {
        let mut steps: Vec<_> =
            ROLES.iter().flat_map(|role| role.events.iter().map(|(step, _)| *step)).collect();
        steps.sort_unstable();
        assert_eq!(steps, (1..=VERSIONS_OF_A_GROUP).collect::<Vec<_>>());
        assert_eq!(groups(1_000_000) * OF_A_GROUP * ROOMS_WITH_PAST, 1_000_000);
    }
}
