//! Reading what is there: single resources, and lists by keyset, which cost the same on every page.

use sea_orm::DbErr;
use serde_json::Value as Json;
use vacancy_domain::{
    Booking, BookingId, Day, Hotel, HotelId, Instant, Room, RoomId, Stay, Version,
};

use crate::entity::{booking, hotel, room, room_event};
use crate::query::Query;
use crate::{Store, StoreError};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
}

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
    /// Least booked first: the recommendation.
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

/// Sorts behind every currency, because upper-case letters come before it in "C" collation.
const NO_CURRENCY: &str = "~";

/// Which bookings, and from where on. Their order is check-in, then id.
#[derive(Clone, Debug, Default)]
pub struct BookingFilter {
    /// Only this hotel's.
    pub hotel: Option<HotelId>,
    /// Only this room's.
    pub room: Option<RoomId>,
    /// Only these hotels'.
    pub hotels: Option<Vec<HotelId>>,
    /// Only those made by this principal.
    pub made_by: Option<String>,
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

/// One event as the history tells it.
#[derive(Clone, Debug)]
pub struct HistoryEvent {
    /// The room's version that it produced.
    pub version: Version,
    /// What happened, by name.
    pub kind: String,
    /// To which booking.
    pub booking: Option<BookingId>,
    /// When.
    pub at: Instant,
    /// The particulars.
    pub data: Json,
    /// The principal, if requests needed a credential.
    pub actor: Option<String>,
}

impl Store {
    /// Hotels that are not deleted, perhaps only some of them, in order of creation.
    pub async fn hotels(
        &self,
        city: Option<&str>,
        only: Option<&[HotelId]>,
        after: Option<HotelId>,
        limit: u64,
    ) -> Result<Page<Hotel>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT * FROM hotels WHERE deleted_at IS NULL");
        if let Some(city) = city {
            query.push(" AND city = ").bind(city);
        }
        and_of(&mut query, "id", only);
        if let Some(after) = after {
            query.push(" AND id > ").bind(after.0);
        }
        query.push(" ORDER BY id LIMIT ").bind(limit + 1);
        self.page(query, limit, hotel::Model::into_domain).await
    }

    /// Rooms that are not deleted, in the order asked for.
    pub async fn rooms(&self, filter: &RoomFilter) -> Result<Page<Room>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT r.* FROM rooms AS r");
        if filter.city.is_some() {
            query.push(" JOIN hotels AS h ON h.id = r.hotel_id");
        }
        query.push(" WHERE r.deleted_at IS NULL");
        if let Some(hotel) = filter.hotel {
            query.push(" AND r.hotel_id = ").bind(hotel.0);
        }
        and_of(&mut query, "r.hotel_id", filter.hotels.as_deref());
        if let Some(city) = &filter.city {
            query.push(" AND h.city = ").bind(city.as_str());
        }
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
        let order = match filter.sort {
            RoomSort::Number => "r.number, r.id".to_owned(),
            RoomSort::TimesBooked => "r.times_booked, r.id".to_owned(),
            RoomSort::NightlyRate => format!(
                "COALESCE(r.rate_currency, '{NO_CURRENCY}'), COALESCE(r.rate_amount, 0), r.id"
            ),
        };
        if let Some(after) = &filter.after {
            query.push(&format!(" AND ({order}) > ("));
            match after {
                RoomPosition::Number(number, id) => {
                    query.bind(number.as_str()).push(", ").bind(id.0);
                }
                RoomPosition::TimesBooked(times, id) => {
                    query.bind(*times).push(", ").bind(id.0);
                }
                RoomPosition::NightlyRate(rate, id) => {
                    let rate = rate.as_ref().map(|(currency, amount)| (currency.as_str(), *amount));
                    let (currency, amount) = rate.unwrap_or((NO_CURRENCY, 0));
                    query.bind(currency).push(", ").bind(amount).push(", ").bind(id.0);
                }
            }
            query.push(")");
        }
        query.push(&format!(" ORDER BY {order} LIMIT ")).bind(filter.limit + 1);
        self.page(query, filter.limit, room::Model::into_domain).await
    }

    /// Bookings by check-in, then id.
    pub async fn bookings(&self, filter: &BookingFilter) -> Result<Page<Booking>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT * FROM bookings WHERE 1 = 1");
        if let Some(room) = filter.room {
            query.push(" AND room_id = ").bind(room.0);
        }
        if let Some(hotel) = filter.hotel {
            query.push(" AND hotel_id = ").bind(hotel.0);
        }
        and_of(&mut query, "hotel_id", filter.hotels.as_deref());
        if let Some(made_by) = &filter.made_by {
            query.push(" AND made_by = ").bind(made_by.as_str());
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").bind(status);
        }
        if let Some(from) = filter.from {
            let (open, close) = self.dialect.earliest_overlapping();
            query.push(" AND check_out > ").bind(from).push(" AND check_in >= ").push(open);
            query.push("CAST(").bind(from).push(" AS ").push(self.dialect.date_type());
            query.push(")").push(&close);
        }
        if let Some(to) = filter.to {
            query.push(" AND check_in < ").bind(to);
        }
        if let Some((day, id)) = filter.after {
            query.push(" AND (check_in, id) > (").bind(day).push(", ").bind(id.0).push(")");
        }
        query.push(" ORDER BY check_in, id LIMIT ").bind(filter.limit + 1);
        self.page(query, filter.limit, booking::Model::into_domain).await
    }

    /// The history of a room after `after`, oldest first.
    pub async fn events(
        &self,
        room: RoomId,
        after: i64,
        limit: u64,
    ) -> Result<Page<HistoryEvent>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT * FROM room_events WHERE room_id = ");
        query.bind(room.0).push(" AND version > ").bind(after);
        query.push(" ORDER BY version LIMIT ").bind(limit + 1);
        self.page(query, limit, |row: room_event::Model| {
            Ok(HistoryEvent {
                version: Version(row.version),
                kind: row.kind,
                booking: row.booking_id.map(BookingId),
                at: row.at,
                data: row.data,
                actor: row.actor,
            })
        })
        .await
    }

    /// Reads one row more than asked for, to know whether there are more.
    async fn page<M: sea_orm::FromQueryResult, T>(
        &self,
        query: Query,
        limit: u64,
        read: fn(M) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let mut rows: Vec<M> = query.models(&self.reader).await?;
        let wanted = usize::try_from(limit)
            .map_err(|_| StoreError::Failed(DbErr::Custom("a page beyond memory".into())))?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Ok(Page { items: rows.into_iter().map(read).collect::<Result<_, _>>()?, more })
    }
}

/// ` AND …`: only what belongs to one of the hotels, if they are named.
fn and_of(query: &mut Query, column: &str, hotels: Option<&[HotelId]>) {
    let Some(hotels) = hotels else { return };
    // None at all: an empty list of values is no SQL.
    query.push(" AND ").push(column).push(" IN (NULL");
    for hotel in hotels {
        query.push(", ").bind(hotel.0);
    }
    query.push(")");
}
