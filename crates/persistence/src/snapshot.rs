//! What a decision looks at, read by one statement: the room, its version, the bookings in the way
//! and the earlier result of an idempotency key cannot be of different moments.

use sea_orm::{DbErr, QueryResult};
use vacancy_domain::{
    Booking, BookingId, Calendar, Day, Hotel, HotelId, Instant, Room, RoomId, Stay,
};

use crate::commit::Answer;
use crate::dialect::takes_a_night;
use crate::entity::{booking, hotel, idempotency_key, room};
use crate::query::{Query, columns, has_id, joined};
use crate::{Store, StoreError};

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
                let home = home.ok_or_else(|| StoreError::corrupt("a booking of no room"))?;
                Some((booking.into_domain()?, home.into_domain()?))
            }
            None => None,
        };
        let calendar = match joined::<room::Model>(first, "target", has_id)? {
            Some(target) => {
                let taken = rows.iter().map(|row| joined::<booking::Model>(row, "o", has_id));
                let taken = taken.filter_map(Result::transpose).map(|row| row?.into_domain());
                Some(Calendar {
                    room: target.into_domain()?,
                    time_zone: hotel::time_zone(&first.try_get::<String>("", "time_zone")?)?,
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
        query.push(" LEFT JOIN bookings AS o ON ");
        match ask.nights {
            Nights::None => {
                query.push("o.room_id = ").push(room).push(" AND 1 = 0");
            }
            Nights::Range(check_in, check_out) => {
                // Each end is the one asked for or the booking's own.
                let check_in = check_in.map(|day| query.day(day));
                let check_in = check_in.as_deref().unwrap_or("b.check_in");
                let check_out = check_out.map(|day| query.day(day));
                let check_out = check_out.as_deref().unwrap_or("b.check_out");
                query.push(&takes_a_night("o", room, check_in, check_out));
            }
            Nights::Ahead => {
                let yesterday = self.dialect.yesterday();
                query.push(&takes_a_night("o", room, yesterday, self.dialect.end_of_time()));
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

    /// ` FROM …`: always one row, with the time and the unexpired result of the key.
    pub(crate) fn push_clock_and_key(&self, query: &mut Query, key: Option<&str>) {
        query.push(&format!(" FROM (SELECT {} AS now) AS clock", self.dialect.now()));
        query.push(" LEFT JOIN idempotency_keys AS k ON k.expires_at > clock.now AND k.key = ");
        query.bind(key);
    }
}

pub(crate) fn earlier(row: &QueryResult) -> Result<Option<StoredAnswer>, StoreError> {
    let key = joined::<idempotency_key::Model>(row, "k", |row, prefix| {
        Ok(row.try_get::<Option<String>>(prefix, "key")?.is_some())
    })?;
    key.map(StoredAnswer::try_from).transpose()
}

pub(crate) fn no_row(what: &str) -> StoreError {
    StoreError::Failed(DbErr::RecordNotFound(format!("the {what} statement always has a row")))
}
