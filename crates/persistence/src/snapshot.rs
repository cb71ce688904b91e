//! What a decision looks at, read by one statement: the room, its version, the bookings in the way
//! and the earlier result of an idempotency key cannot be of different moments.

use sea_orm::{DbErr, QueryResult};
use vacancy_domain::{
    Booking, BookingId, Calendar, Day, Hotel, HotelId, Instant, Room, RoomId, Stay,
};

use crate::commit::Answer;
use crate::dialect::occupies;
use crate::entity::{booking, hotel, idempotency_key, room};
use crate::query::{Query, columns, has_id, joined};
use crate::{Store, StoreError};

/// The most rooms an automatic choice tries in one attempt.
const CANDIDATES_MAX: u64 = 32;

/// What to read for a decision about a room or about a booking.
#[derive(Clone, Debug, Default)]
pub struct SnapshotQuery<'a> {
    /// The request's key, whose earlier result comes along.
    pub key: Option<&'a str>,
    /// The booking it is about, with its room.
    pub booking: Option<BookingId>,
    /// The room whose calendar is wanted. Absent: the booking's.
    pub room: Option<RoomId>,
    /// Which nights of that calendar.
    pub nights: Nights,
}

/// Which nights of a room's calendar a decision looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nights {
    /// None: the decision is not about nights.
    #[default]
    None,
    /// `[check_in, check_out)`, where an absent end is the booking's own.
    Range(Option<Day>, Option<Day>),
    /// From yesterday on, which is before today wherever the hotel is.
    Ahead,
}

impl From<Stay> for Nights {
    fn from(stay: Stay) -> Self {
        Self::Range(Some(stay.check_in()), Some(stay.check_out()))
    }
}

/// One moment's picture for a decision about a room or a booking.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the key was answered before.
    pub earlier: Option<StoredAnswer>,
    /// The database's time.
    pub now: Instant,
    /// The booking asked about, with the room it is in.
    pub booking: Option<(Booking, Room)>,
    /// The calendar asked about. The room may be a deleted one.
    pub calendar: Option<Calendar>,
}

/// One moment's picture for a decision about a hotel.
#[derive(Clone, Debug)]
pub struct HotelSnapshot {
    /// What the key was answered before.
    pub earlier: Option<StoredAnswer>,
    /// The database's time.
    pub now: Instant,
    /// The hotel, unless it does not exist or is deleted.
    pub hotel: Option<Hotel>,
    /// Whether it has rooms that are not deleted.
    pub has_rooms: bool,
}

/// Where an automatic booking may try.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// What the key was answered before.
    pub earlier: Option<StoredAnswer>,
    /// What day it is at the hotel; absent when there is no such hotel.
    pub today: Option<Day>,
    /// Rooms free for the stay at this moment, least booked first, ties in random order.
    pub rooms: Vec<RoomId>,
}

/// What a request with some key was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Of the request that was answered, to tell a retry from another request under the same key.
    pub fingerprint: Vec<u8>,
    /// The answer, word for word.
    pub answer: Answer,
}

impl Store {
    /// Reads what a decision about a room or a booking needs, in one statement.
    pub async fn snapshot(&self, ask: &SnapshotQuery<'_>) -> Result<Snapshot, StoreError> {
        let rows = self.snapshot_query(ask).all(&self.reader).await?;
        let first = rows.first().ok_or_else(|| no_row("snapshot"))?;
        let now = first.try_get("", "now")?;
        let booking = match joined::<booking::Model>(first, "b", has_id)? {
            Some(booking) => {
                let home = joined::<room::Model>(first, "home", has_id)?;
                let home = home.ok_or_else(|| {
                    StoreError::corrupt("bookings", "room_id", booking.id, "there is no such room")
                })?;
                Some((booking.into_domain()?, home.into_domain()?))
            }
            None => None,
        };
        let calendar = match joined::<room::Model>(first, "target", has_id)? {
            Some(target) => {
                let taken = rows.iter().map(|row| joined::<booking::Model>(row, "o", has_id));
                let taken = taken.filter_map(Result::transpose).map(|row| row?.into_domain());
                let room = target.into_domain()?;
                let time_zone: String = first.try_get("", "time_zone")?;
                Some(Calendar {
                    time_zone: hotel::time_zone(room.hotel, &time_zone)?,
                    room,
                    now,
                    taken: taken.collect::<Result<_, StoreError>>()?,
                })
            }
            None => None,
        };
        Ok(Snapshot { earlier: earlier(first)?, now, booking, calendar })
    }

    fn snapshot_query(&self, ask: &SnapshotQuery<'_>) -> Query {
        let mut query = Query::new(self.dialect, "SELECT clock.now AS now, ");
        query.push(&columns::<idempotency_key::Column>("k"));
        query.push(", h.time_zone AS time_zone, ").push(&columns::<booking::Column>("b"));
        query.push(", ").push(&columns::<room::Column>("home"));
        query.push(", ").push(&columns::<room::Column>("target"));
        query.push(", ").push(&columns::<booking::Column>("o"));
        self.push_clock_and_key(&mut query, ask.key);
        query.push(" LEFT JOIN bookings AS b ON b.id = ").bind(ask.booking.map(|id| id.0));
        query.push(" LEFT JOIN rooms AS home ON home.id = b.room_id");
        let room = ask.room.map(|room| query.value(room.0));
        let room = room.as_deref().unwrap_or("b.room_id");
        query.push(" LEFT JOIN rooms AS target ON target.id = ").push(room);
        query.push(" LEFT JOIN hotels AS h ON h.id = target.hotel_id");
        query.push(" LEFT JOIN bookings AS o ON o.room_id = ").push(room);
        query.push(" AND o.status IN ('held', 'confirmed') AND ");
        match ask.nights {
            Nights::None => {
                query.push("1 = 0");
            }
            Nights::Range(check_in, check_out) => {
                // Each end is the one asked for or the booking's own.
                let check_in = check_in.map(|day| query.day(day));
                let check_in = check_in.as_deref().unwrap_or("b.check_in");
                let check_out = check_out.map(|day| query.day(day));
                let check_out = check_out.as_deref().unwrap_or("b.check_out");
                query.push(&self.dialect.overlaps("o", check_in, check_out));
            }
            Nights::Ahead => {
                let yesterday = self.dialect.yesterday();
                query.push(&self.dialect.overlaps("o", yesterday, self.dialect.end_of_time()));
            }
        }
        query
    }

    /// Reads what a decision about a hotel, or about a new one (`None`), needs, in one statement.
    pub async fn hotel_snapshot(
        &self,
        key: Option<&str>,
        hotel: Option<HotelId>,
    ) -> Result<HotelSnapshot, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT clock.now AS now, ");
        query.push(&columns::<idempotency_key::Column>("k"));
        query.push(", ").push(&columns::<hotel::Column>("h"));
        query.push(", EXISTS (SELECT 1 FROM rooms AS r WHERE r.hotel_id = h.id");
        query.push(" AND r.deleted_at IS NULL) AS has_rooms");
        self.push_clock_and_key(&mut query, key);
        query.push(" LEFT JOIN hotels AS h ON h.deleted_at IS NULL AND h.id = ");
        query.bind(hotel.map(|id| id.0));
        let row = query.one(&self.reader).await?.ok_or_else(|| no_row("hotel snapshot"))?;
        let hotel = joined::<hotel::Model>(&row, "h", has_id)?;
        Ok(HotelSnapshot {
            earlier: earlier(&row)?,
            now: row.try_get("", "now")?,
            hotel: hotel.map(hotel::Model::into_domain).transpose()?,
            has_rooms: row.try_get("", "has_rooms")?,
        })
    }

    /// Where in `hotel` a party of `guests` may stay, perhaps only in rooms of `kind`. Each room
    /// must be decided on its own snapshot afterwards: this only says where to try.
    pub async fn candidates(
        &self,
        key: Option<&str>,
        hotel: HotelId,
        stay: Stay,
        guests: i64,
        kind: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT ");
        query.push(&columns::<idempotency_key::Column>("k"));
        query.push(", clock.now AS now, h.time_zone AS time_zone, r.id AS r_id");
        self.push_clock_and_key(&mut query, key);
        query.push(" LEFT JOIN hotels AS h ON h.deleted_at IS NULL AND h.id = ").bind(hotel.0);
        query.push(" LEFT JOIN rooms AS r ON r.hotel_id = h.id AND r.id IN (SELECT id FROM (");
        query.push("SELECT r.id FROM rooms AS r WHERE r.hotel_id = ").bind(hotel.0);
        self.where_sellable(&mut query, stay, guests);
        if let Some(kind) = kind {
            query.push(" AND r.kind = ").bind(kind);
        }
        query.push(" ORDER BY r.times_booked, random() LIMIT ").bind(CANDIDATES_MAX);
        query.push(") AS free) ORDER BY r.times_booked, random()");
        let rows = query.all(&self.reader).await?;
        let first = rows.first().ok_or_else(|| no_row("candidates"))?;
        let ids = rows.iter().map(|row| row.try_get::<Option<uuid::Uuid>>("r_", "id"));
        let ids = ids.filter_map(Result::transpose).map(|id| id.map(RoomId));
        let time_zone: Option<String> = first.try_get("", "time_zone")?;
        let time_zone = time_zone.as_deref();
        let time_zone = time_zone.map(|name| hotel::time_zone(hotel, name)).transpose()?;
        let now = first.try_get("", "now")?;
        Ok(Candidates {
            earlier: earlier(first)?,
            today: time_zone.map(|time_zone| time_zone.today(now)),
            rooms: ids.collect::<Result<_, DbErr>>()?,
        })
    }

    /// Up to `limit` rooms of the hotel of `room` that could be booked instead, least booked first.
    pub async fn alternatives(
        &self,
        room: RoomId,
        stay: Stay,
        guests: i64,
        limit: u64,
    ) -> Result<Vec<RoomId>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT r.id AS id FROM rooms AS r");
        query.push(" WHERE r.hotel_id = (SELECT hotel_id FROM rooms WHERE id = ").bind(room.0);
        query.push(") AND r.id <> ").bind(room.0);
        self.where_sellable(&mut query, stay, guests);
        query.push(" ORDER BY r.times_booked, r.id LIMIT ").bind(limit);
        let rows = query.all(&self.reader).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id").map(RoomId));
        Ok(ids.collect::<Result<_, DbErr>>()?)
    }

    /// ` AND …`: the rooms called `r` that are open, large enough and free for `stay`.
    fn where_sellable(&self, query: &mut Query, stay: Stay, guests: i64) {
        query.push(" AND r.deleted_at IS NULL AND r.status = 'open' AND r.capacity >= ");
        query.bind(guests);
        self.and_free(query, stay);
    }

    /// ` AND NOT EXISTS …`: the rooms called `r` with no occupied night in `stay`.
    pub(crate) fn and_free(&self, query: &mut Query, stay: Stay) {
        let (check_in, check_out) = (query.day(stay.check_in()), query.day(stay.check_out()));
        query.push(" AND NOT EXISTS (SELECT 1 FROM bookings AS o WHERE o.room_id = r.id AND ");
        query.push(&occupies("o", self.dialect.now())).push(" AND ");
        query.push(&self.dialect.overlaps("o", &check_in, &check_out));
        // OFFSET keeps PostgreSQL from turning the rooms of a wide search into one join with all
        // bookings there ever were: a few of each room's own are looked at, in the index.
        query.push(" LIMIT 1 OFFSET 0)");
    }

    /// ` FROM …`: always one row, with the time and the unexpired result of the key.
    fn push_clock_and_key(&self, query: &mut Query, key: Option<&str>) {
        query.push(&format!(" FROM (SELECT {} AS now) AS clock", self.dialect.now()));
        query.push(" LEFT JOIN idempotency_keys AS k ON k.expires_at > clock.now AND k.key = ");
        query.bind(key);
    }
}

fn earlier(row: &QueryResult) -> Result<Option<StoredAnswer>, StoreError> {
    let key = joined::<idempotency_key::Model>(row, "k", |row, prefix| {
        Ok(row.try_get::<Option<String>>(prefix, "key")?.is_some())
    })?;
    key.map(StoredAnswer::try_from).transpose()
}

fn no_row(what: &str) -> StoreError {
    StoreError::Failed(DbErr::RecordNotFound(format!("the {what} statement always has a row")))
}
