//! The list of rooms, and the search for free ones.
//!
//! A page is sought among the next [`ROOMS_EXAMINED_MAX`] rooms of the order, so that it costs the
//! same when almost no room has what is asked for. When they do not fill it, the next page begins
//! behind the last of them.

use sea_orm::{DbErr, FromQueryResult};
use vacancy_domain::{HotelId, Room, RoomId, Stay};

use super::page::{hotels_of, one_of};
use crate::entity::room;
use crate::query::{Query, own_columns};
use crate::{Store, StoreError};

/// The most rooms that one page of a list looks at.
pub const ROOMS_EXAMINED_MAX: u64 = 1_000;

/// Which rooms, and from where on.
#[derive(Clone, Debug)]
pub struct RoomFilter {
    /// Only this hotel's.
    pub hotel: Option<HotelId>,
    /// Only these hotels'.
    pub hotels: Option<Vec<HotelId>>,
    /// Only of hotels in this city.
    pub city: Option<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those that take so many guests.
    pub guests: Option<i64>,
    /// Only those open and free for this stay.
    pub stay: Option<Stay>,
    /// In which order, and after which place in it.
    pub sort: RoomSort,
    /// After this place; it is of the same order.
    pub after: Option<RoomPosition>,
    /// The most to return.
    pub limit: u64,
}

/// The orders that rooms can be listed in. The id settles ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RoomSort {
    /// By the number on the door.
    #[default]
    Number,
    /// Least booked first: the recommendation. It takes a hotel or a city, or [`Store::rooms`] sorts
    /// all rooms there are.
    TimesBooked,
    /// By currency, then amount; rooms without a rate come last.
    NightlyRate,
}

/// The place of a room in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomPosition {
    /// In [`RoomSort::Number`].
    Number(String, RoomId),
    /// In [`RoomSort::TimesBooked`].
    TimesBooked(i64, RoomId),
    /// In [`RoomSort::NightlyRate`]: currency, amount.
    NightlyRate(Option<(String, i64)>, RoomId),
}

impl RoomPosition {
    /// Where `room` stands in the order `sort`.
    #[must_use]
    pub fn of(room: &Room, sort: RoomSort) -> Self {
        let attributes = &room.attributes;
        match sort {
            RoomSort::Number => Self::Number(attributes.number.as_str().to_owned(), room.id),
            RoomSort::TimesBooked => Self::TimesBooked(room.times_booked, room.id),
            RoomSort::NightlyRate => {
                let rate = attributes.nightly_rate.as_ref();
                let rate = rate.map(|rate| (rate.currency.as_str().to_owned(), rate.amount.get()));
                Self::NightlyRate(rate, room.id)
            }
        }
    }
}

/// One page of rooms.
#[derive(Clone, Debug)]
pub struct RoomPage {
    /// At most as many as were asked for; fewer, perhaps none, when few of those that were examined
    /// have what is asked for.
    pub items: Vec<Room>,
    /// After which place the next page begins; absent when all rooms were examined.
    pub next: Option<RoomPosition>,
}

/// Sorts behind every currency, because upper-case letters come before it in "C" collation. The
/// index `rooms_nightly_rate` says the same.
const NO_CURRENCY: &str = "~";

/// Ends a subquery of rooms whose order no index has. Its LIMIT keeps PostgreSQL from reading all
/// rooms there are in order instead of sorting these.
const SEPARATE: &str = " LIMIT 1000000000) AS r WHERE 1 = 1";

/// A row of the statement: a room of the page, or the last one examined.
struct Examined {
    is_item: bool,
    room: room::Model,
}

impl FromQueryResult for Examined {
    fn from_query_result(row: &sea_orm::QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            is_item: row.try_get::<i32>(prefix, "is_item")? == 1,
            room: room::Model::from_query_result(row, prefix)?,
        })
    }
}

impl Store {
    /// Rooms that are not deleted, in the order asked for.
    pub async fn rooms(&self, filter: &RoomFilter) -> Result<RoomPage, StoreError> {
        let rows: Vec<Examined> = self.rooms_query(filter).models(&self.reader).await?;
        let (mut items, mut last) = (Vec::new(), None);
        for Examined { is_item, room } in rows {
            let room = room.into_domain()?;
            if is_item {
                items.push(room);
            } else {
                last = Some(room);
            }
        }
        let wanted = usize::try_from(filter.limit)
            .map_err(|_| StoreError::Failed(DbErr::Custom("a page beyond memory".into())))?;
        let next = if items.len() > wanted {
            items.truncate(wanted);
            items.last()
        } else {
            last.as_ref()
        };
        let next = next.map(|room| RoomPosition::of(room, filter.sort));
        Ok(RoomPage { items, next })
    }

    /// The rooms found, one more than the page takes, and when they are fewer, the last one examined:
    /// in one statement, or a room could slip between the two.
    fn rooms_query(&self, filter: &RoomFilter) -> Query {
        let (columns, order) = (own_columns::<room::Column>("r"), order(filter.sort));
        let mut query = Query::new(self.dialect, "WITH found AS (");
        query.push(&format!("SELECT {columns} FROM ("));
        let next = next_rooms(&mut query, filter);
        query.push(&next).limit(ROOMS_EXAMINED_MAX).push(") AS r WHERE 1 = 1");
        if let Some(kind) = &filter.kind {
            query.push(" AND r.kind = ").bind(kind.as_str());
        }
        if let Some(guests) = filter.guests {
            query.push(" AND r.capacity >= ").bind(guests);
        }
        if let Some(stay) = filter.stay {
            query.push(" AND r.status = 'open'");
            self.and_free(&mut query, stay);
        }
        let limit = filter.limit;
        query.push(" ORDER BY ").push(&order).limit(limit + 1).push(&format!(
            ")
             SELECT {columns}, r.is_item FROM (
                 SELECT {columns}, 1 AS is_item FROM found AS r
                 UNION ALL
                 SELECT {columns}, 0 AS is_item FROM ({next} LIMIT
                     CASE WHEN (SELECT COUNT(*) FROM found) <= {limit} THEN 1 ELSE 0 END
                     OFFSET {ROOMS_EXAMINED_MAX} - 1) AS r
             ) AS r ORDER BY r.is_item DESC, {order}"
        ));
        query
    }
}

/// The rooms of the place asked for, in order, after the place where the page begins; without a limit.
fn next_rooms(query: &mut Query, filter: &RoomFilter) -> String {
    let (columns, order) = (own_columns::<room::Column>("r"), order(filter.sort));
    let mut sql = format!("SELECT {columns} FROM ");
    let hotels = hotels_of(filter.hotel, filter.hotels.as_deref());
    match (&filter.city, hotels.as_deref()) {
        (Some(city), hotels) => {
            // From the city's hotels to their rooms, never from all rooms to their hotels: CROSS JOIN
            // tells that to SQLite.
            let city = query.value(city.as_str());
            sql.extend([format!(
                "(SELECT {columns} FROM hotels AS h CROSS JOIN rooms AS r WHERE h.city = {city} \
                 AND h.deleted_at IS NULL AND r.hotel_id = h.id AND r.deleted_at IS NULL"
            )]);
            if let Some(hotels) = hotels {
                sql.extend([format!(" AND {}", one_of(query, "h.id", hotels))]);
            }
            sql += SEPARATE;
        }
        (None, Some(hotels)) => {
            let hotel = one_of(query, "r.hotel_id", hotels);
            let rooms = format!("rooms AS r WHERE {hotel} AND r.deleted_at IS NULL");
            // The index has the numbers of one hotel in order.
            let in_order = filter.sort == RoomSort::Number && hotels.len() == 1;
            let rooms =
                if in_order { rooms } else { format!("(SELECT {columns} FROM {rooms}{SEPARATE}") };
            sql += &rooms;
        }
        (None, None) => sql += "rooms AS r WHERE r.deleted_at IS NULL",
    }
    if let Some(after) = &filter.after {
        sql.extend([format!(" AND ({order}) > ({})", place(query, after))]);
    }
    sql + " ORDER BY " + &order
}

fn order(sort: RoomSort) -> String {
    match sort {
        RoomSort::Number => "r.number, r.id".to_owned(),
        RoomSort::TimesBooked => "r.times_booked, r.id".to_owned(),
        RoomSort::NightlyRate => {
            format!("COALESCE(r.rate_currency, '{NO_CURRENCY}'), COALESCE(r.rate_amount, 0), r.id")
        }
    }
}

/// The values of a place, in the order of [`order`].
fn place(query: &mut Query, position: &RoomPosition) -> String {
    match position {
        RoomPosition::Number(number, id) => {
            format!("{}, {}", query.value(number.as_str()), query.value(id.0))
        }
        RoomPosition::TimesBooked(times, id) => {
            format!("{}, {}", query.value(*times), query.value(id.0))
        }
        RoomPosition::NightlyRate(rate, id) => {
            let rate = rate.as_ref().map(|(currency, amount)| (currency.as_str(), *amount));
            let (currency, amount) = rate.unwrap_or((NO_CURRENCY, 0));
            let (currency, amount) = (query.value(currency), query.value(amount));
            format!("{currency}, {amount}, {}", query.value(id.0))
        }
    }
}
