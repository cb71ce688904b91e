//! The lists of bookings: all, of a hotel, of a room.
//!
//! Every index begins with the status, so that a rare one is found among a million of a common one.
//! A list of all statuses reads a page's worth of each and merges them, and so does one of a few
//! hotels. Bookings with one reference are few: they are found by it and sorted. Those of
//! guests whose name begins in some way are as many as there are: all of them are looked through.

use vacancy_domain::{
    Booking, BookingId, Day, GuestPrefix, HotelId, NIGHTS_MAX, Reference, RoomId, Source,
};

use super::page::{Page, hotels_of, one_of};
use crate::dialect::{Dialect, stored_as_occupying};
use crate::entity::booking;
use crate::query::{Query, own_columns};
use crate::{Store, StoreError};

/// The most hotels whose bookings are read apart: of more, all that fit are sorted.
const HOTELS_APART_MAX: usize = 16;
const STATUSES: [&str; 4] = ["held", "confirmed", "cancelled", "expired"];

/// Which bookings, and from where on. Their order is check-in, then id.
#[derive(Clone, Debug, Default)]
pub struct BookingFilter {
    /// Only this hotel's.
    pub hotel: Option<HotelId>,
    /// Only this room's.
    pub room: Option<RoomId>,
    /// Only these hotels', each named once.
    pub hotels: Option<Vec<HotelId>>,
    /// Only those made by this principal.
    pub made_by: Option<String>,
    /// Only those whose guest's name or address begins so. It takes a hotel, or nothing is at hand to
    /// find them by.
    pub guest: Option<GuestPrefix>,
    /// Only those of this source.
    pub source: Option<Source>,
    /// Only those with this reference.
    pub reference: Option<Reference>,
    /// Only in the status of this name.
    pub status: Option<&'static str>,
    /// Only those with a night on or after this day.
    pub from: Option<Day>,
    /// Only those with a night before this day.
    pub to: Option<Day>,
    /// After this place.
    pub after: Option<(Day, BookingId)>,
    /// The most to return.
    pub limit: u64,
}

impl Store {
    /// Bookings by check-in, then id.
    pub async fn bookings(&self, filter: &BookingFilter) -> Result<Page<Booking>, StoreError> {
        let query = self.bookings_query(filter);
        self.page(query, filter.limit, booking::Model::into_domain).await
    }

    fn bookings_query(&self, filter: &BookingFilter) -> Query {
        let columns = own_columns::<booking::Column>("b");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM ("));
        let wanted = filter.limit + 1;
        let mut union = "";
        for hotels in apart(filter) {
            let condition = condition(&mut query, filter, hotels.as_deref());
            for (index, words) in branches(&mut query, filter) {
                let index = if self.dialect == Dialect::Sqlite { index } else { "" };
                query.push(union).push(&format!(
                    "SELECT {columns} FROM (SELECT {columns} FROM bookings AS b{index} WHERE "
                ));
                query.push(&words);
                query.push(&condition);
                query.push(" ORDER BY b.check_in, b.id").limit(wanted).push(") AS b");
                union = " UNION ALL ";
            }
        }
        query.push(") AS b ORDER BY b.check_in, b.id").limit(wanted);
        query
    }
}

/// The hotels of each part of the statement: few go one by one, because an index gives the bookings of
/// one hotel in the list's order.
fn apart(filter: &BookingFilter) -> Vec<Option<Vec<HotelId>>> {
    let in_order = filter.room.is_none() && filter.reference.is_none() && filter.guest.is_none();
    match hotels_of(filter.hotel, filter.hotels.as_deref()) {
        Some(hotels) if in_order && (2..=HOTELS_APART_MAX).contains(&hotels.len()) => {
            hotels.into_iter().map(|hotel| Some(vec![hotel])).collect()
        }
        hotels => vec![hotels],
    }
}

/// What the bookings of every status must meet: ` AND …`. Its values are bound once.
fn condition(query: &mut Query, filter: &BookingFilter, hotels: Option<&[HotelId]>) -> String {
    let mut sql = String::new();
    match (filter.room, hotels) {
        (room, Some(hotels)) if filter.guest.is_some() => {
            sql.extend([format!(" AND {}", one_of(query, "b.hotel_id", hotels))]);
            if let Some(room) = room {
                sql.extend([format!(" AND (b.room_id = {}) IS TRUE", query.value(room.0))]);
            }
        }
        (Some(room), Some(hotels)) => {
            // The hotel is asked of the room once, not of each of its bookings.
            let (room, hotel) = (query.value(room.0), one_of(query, "hotel_id", hotels));
            sql.extend([format!(
                " AND b.room_id = (SELECT id FROM rooms WHERE id = {room} AND {hotel})"
            )]);
        }
        (Some(room), None) => sql.extend([format!(" AND b.room_id = {}", query.value(room.0))]),
        (None, Some(hotels)) => {
            sql.extend([format!(" AND {}", one_of(query, "b.hotel_id", hotels))]);
        }
        (None, None) => {}
    }
    if let Some(made_by) = &filter.made_by {
        sql.extend([format!(" AND b.made_by = {}", query.value(made_by.as_str()))]);
    }
    match (&filter.source, &filter.reference) {
        (source, Some(reference)) => {
            sql.extend([format!(" AND b.reference = {}", query.value(reference.as_str()))]);
            if let Some(source) = source {
                // In the words of the index that begins with the reference.
                let source = query.value(source.as_str());
                sql.extend([format!(" AND COALESCE(b.source, '') = {source}")]);
            }
        }
        (Some(source), None) => {
            sql.extend([format!(" AND b.source = {}", query.value(source.as_str()))]);
        }
        (None, None) => {}
    }
    if let Some(from) = filter.from {
        sql.extend([format!(" AND b.check_out > {}", query.value(from))]);
    }
    // Two lower bounds would be one where the reading begins and one that is checked on the way.
    match (filter.from.map(earliest_check_in), filter.after) {
        (Some(earliest), after) if after.is_none_or(|(day, _)| day < earliest) => {
            sql.extend([format!(" AND b.check_in >= {}", query.value(earliest))]);
        }
        (_, Some((day, id))) => {
            let (day, id) = (query.value(day), query.value(id.0));
            sql.extend([format!(" AND (b.check_in, b.id) > ({day}, {id})")]);
        }
        (_, None) => {}
    }
    if let Some(to) = filter.to {
        sql.extend([format!(" AND b.check_in < {}", query.value(to))]);
    }
    sql
}

/// The parts of the statement that each find some of the bookings: the index that SQLite is told to use,
/// where it would leave it aside for one in the list's order, and in which words.
fn branches(query: &mut Query, filter: &BookingFilter) -> Vec<(&'static str, String)> {
    let asked = STATUSES.iter().filter(|it| filter.status.is_none_or(|only| only == **it));
    let Some(guest) = &filter.guest else {
        return asked
            .map(|status| (by_reference(status, filter), in_status(status, filter)))
            .collect();
    };
    let from = query.value(guest.as_str());
    let to = guest.end().map(|end| query.value(end));
    let begins_so = |column: &str| match &to {
        Some(to) => format!("b.{column} >= {from} AND b.{column} < {to}"),
        None => format!("b.{column} >= {from}"),
    };
    // In words that no index knows, as of the room: PostgreSQL would take one in the list's order, and
    // look through a room's past for a guest.
    let status =
        filter.status.map_or_else(String::new, |it| format!(" AND (b.status = '{it}') IS TRUE"));
    let (name, email) = (begins_so("guest_name_folded"), begins_so("guest_email_folded"));
    vec![
        (" INDEXED BY bookings_guest_name", format!("{name}{status}")),
        // Those that the name has found already are not found again.
        (" INDEXED BY bookings_guest_email", format!("{email} AND ({name}) IS NOT TRUE{status}")),
    ]
}

fn by_reference(status: &str, filter: &BookingFilter) -> &'static str {
    match (&filter.reference, status) {
        (None, _) => "",
        (Some(_), "expired") => " INDEXED BY bookings_reference_expired",
        (Some(_), _) => " INDEXED BY bookings_reference_key",
    }
}

/// The earliest check-in of a stay with a night on or after `from`: as far back as the longest stay
/// reaches.
fn earliest_check_in(from: Day) -> Day {
    from.checked_sub_days(chrono::Days::new(NIGHTS_MAX.unsigned_abs() - 1)).unwrap_or(Day::MIN)
}

/// That a booking has this status, in the words of the index that is to be used. Written out, not
/// bound: a prepared statement must see that a partial index applies.
fn in_status(status: &str, filter: &BookingFilter) -> String {
    if filter.reference.is_some() && status != "expired" {
        return format!("b.status = '{status}' AND b.status <> 'expired'");
    }
    let of_origin = filter.reference.is_some() || filter.source.is_some();
    match (filter.room.is_some() && !of_origin, status) {
        // Held bookings alone have an end (`bookings_hold`).
        (true, "confirmed") => {
            format!("{} AND b.hold_expires_at IS NULL", stored_as_occupying("b"))
        }
        (true, _) => format!("b.status = '{status}' AND b.status <> 'confirmed'"),
        (false, _) => format!("b.status = '{status}'"),
    }
}
