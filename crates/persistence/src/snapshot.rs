//! What decisions look at, read by one statement: rooms, their versions, the bookings in the way and
//! the earlier results of idempotency keys cannot be of different moments.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use sea_orm::sqlx::query;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{DbErr, QueryResult};
use serde::Deserialize;
use uuid::Uuid;
use vacancy_domain::{
    Booking, BookingId, Calendar, Day, HotelDay, HotelId, Instant, RoomId, Stay, Version, Zones,
};

use crate::StoreError;
use crate::entity::{booking, hotel, room};
use crate::hot::Link;
use crate::keys::{Answer, StoredAnswer};
use crate::rows::{Columns, expand};

static POSTGRES: LazyLock<String> =
    LazyLock::new(|| expand(include_str!("sql/snapshot_postgres.sql")));
pub(crate) static SQLITE: LazyLock<String> =
    LazyLock::new(|| expand(include_str!("sql/snapshot_sqlite.sql")));

/// What one or several decisions look at.
#[derive(Clone, Debug, Default)]
pub struct SnapshotQuery {
    /// Requests' keys, whose earlier results come along.
    pub keys: Vec<String>,
    /// Rooms, deleted or not.
    pub rooms: Vec<RoomId>,
    /// Bookings in those rooms.
    pub bookings: Vec<BookingId>,
    /// Nights of those rooms, whose bookings come along.
    pub nights: Vec<NightsQuery>,
}

impl SnapshotQuery {
    /// Whether it may be read together with others: it asks for the nights of stays, and not for all
    /// that are to come.
    pub(crate) fn may_share(&self) -> bool {
        self.nights.iter().all(|nights| nights.booking.is_some() || nights.check_out.is_some())
    }
}

/// Nights of a room that a decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NightsQuery {
    /// The room.
    pub room: RoomId,
    /// The first night; absent: the booking's.
    pub check_in: Option<Day>,
    /// The day after the last night; absent: the booking's.
    pub check_out: Option<Day>,
    /// The booking whose days stand for the absent ones. Where that is absent too, the nights begin
    /// yesterday, which is before today wherever the hotel is, and do not end.
    pub booking: Option<BookingId>,
}

impl NightsQuery {
    /// The nights of a stay.
    #[must_use]
    pub fn of(room: RoomId, stay: Stay) -> Self {
        let (check_in, check_out) = (Some(stay.check_in()), Some(stay.check_out()));
        Self { room, check_in, check_out, booking: None }
    }

    /// All nights from now on.
    #[must_use]
    pub fn ahead(room: RoomId) -> Self {
        Self { room, check_in: None, check_out: None, booking: None }
    }
}

/// One moment's picture.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The database's time.
    pub now: Instant,
    /// What keys were answered before.
    pub used: HashMap<String, StoredAnswer>,
    /// The rooms that exist, each with the bookings stored as held or confirmed in the nights asked
    /// about.
    pub calendars: BTreeMap<RoomId, Calendar>,
    /// The bookings named that are in one of those rooms.
    pub bookings: HashMap<BookingId, Booking>,
}

/// What comes in a row before the hotel's day, the time and the keys, and before the room.
const COLUMNS_BEFORE_DAY: usize = 2;
const COLUMNS_BEFORE_ROOM: usize = 4;

impl Snapshot {
    /// What `ask` sees in the rows of a statement for it and perhaps others.
    pub(crate) fn read(
        rows: &[QueryResult],
        ask: &SnapshotQuery,
        zones: &Zones,
    ) -> Result<Self, StoreError> {
        let first = rows.first().ok_or_else(|| {
            let why = "the snapshot statement always has a row".to_owned();
            StoreError::from(DbErr::RecordNotFound(why))
        })?;
        let mut columns = Columns::new(first);
        let now = columns.take()?;
        let used = if ask.keys.is_empty() { None } else { columns.take()? };
        let used = used.map_or_else(|| Ok(HashMap::new()), |used| read_used(used, &ask.keys))?;
        let (calendars, bookings) = (BTreeMap::new(), HashMap::new());
        let mut snapshot = Self { now, used, calendars, bookings };
        for row in rows {
            let mut columns = Columns::after(row, COLUMNS_BEFORE_ROOM);
            let room: Option<Uuid> = columns.peek()?;
            if !room.is_some_and(|room| ask.rooms.contains(&RoomId(room))) {
                continue;
            }
            let (Some(room), booking) = (columns.room()?, columns.booking()?) else { continue };
            let mut columns = Columns::after(row, COLUMNS_BEFORE_DAY);
            let (zone, ends): (String, i64) = (columns.take()?, columns.take()?);
            let hotel = HotelId(room.hotel_id);
            let day = || hotel::day(zones, hotel, (&zone, ends));
            snapshot.add(room, day, booking)?;
        }
        Ok(snapshot)
    }

    fn add(
        &mut self,
        room: room::Model,
        day: impl FnOnce() -> Result<HotelDay, StoreError>,
        booking: Option<booking::Model>,
    ) -> Result<(), StoreError> {
        let id = RoomId(room.id);
        if !self.calendars.contains_key(&id) {
            let (room, day) = (room.into_domain()?, day()?);
            let calendar = Calendar { room, day, now: self.now, taken: Vec::new() };
            self.calendars.insert(id, calendar);
        }
        let Some(booking) = booking else { return Ok(()) };
        let booking = booking.into_domain()?;
        if let Some(calendar) = self.calendars.get_mut(&id)
            && booking.status.is_stored_as_taking()
            && !calendar.taken.iter().any(|other| other.id == booking.id)
        {
            calendar.taken.push(booking.clone());
        }
        self.bookings.insert(booking.id, booking);
        Ok(())
    }
}

/// A row of `idempotency_keys` as the statement packs it.
#[derive(Deserialize)]
struct UsedKey {
    key: String,
    fingerprint: String,
    status: u16,
    version: Option<i64>,
    location: Option<String>,
    body: Option<String>,
}

/// Those of `keys` among them.
fn read_used(
    mut used: serde_json::Value,
    keys: &[String],
) -> Result<HashMap<String, StoredAnswer>, StoreError> {
    let corrupt =
        |key: &str, why: &str| StoreError::corrupt("idempotency_keys", "fingerprint", key, why);
    if let Some(used) = used.as_array_mut() {
        used.retain(|used| keys.iter().any(|key| used["key"] == *key.as_str()));
    }
    let used: Vec<UsedKey> =
        serde_json::from_value(used).map_err(|why| corrupt("", &why.to_string()))?;
    let answers = used.into_iter().map(|used| {
        let fingerprint = read_hex(&used.fingerprint);
        let fingerprint = fingerprint.ok_or_else(|| corrupt(&used.key, "not hexadecimal"))?;
        let UsedKey { key, status, version, location, body, .. } = used;
        let answer = Answer { status, version: version.map(Version), location, body };
        Ok((key, StoredAnswer { fingerprint, answer }))
    });
    answers.collect()
}

fn read_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

/// The rows of all `asks`.
pub(crate) async fn postgres_rows(
    link: &mut Link,
    asks: &[SnapshotQuery],
) -> Result<Vec<QueryResult>, StoreError> {
    let keys: Vec<_> = asks.iter().flat_map(|ask| &ask.keys).map(String::as_str).collect();
    let rooms: Vec<_> = asks.iter().flat_map(|ask| &ask.rooms).map(|room| room.0).collect();
    let bookings: Vec<_> = asks.iter().flat_map(|ask| &ask.bookings).map(|it| it.0).collect();
    let nights: Vec<_> = asks.iter().flat_map(|ask| &ask.nights).collect();
    let statement = query(POSTGRES.as_str())
        .bind(keys)
        .bind(rooms)
        .bind(bookings)
        .bind(nights.iter().map(|nights| nights.room.0).collect::<Vec<_>>())
        .bind(nights.iter().map(|nights| nights.check_in).collect::<Vec<_>>())
        .bind(nights.iter().map(|nights| nights.check_out).collect::<Vec<_>>())
        .bind(nights.iter().map(|nights| nights.booking.map(|it| it.0)).collect::<Vec<_>>());
    let rows = statement.fetch_all(link.start()).await;
    let rows = link.settle(rows)?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

pub(crate) async fn sqlite_rows(
    connection: &mut SqliteConnection,
    ask: &SnapshotQuery,
) -> Result<Vec<QueryResult>, StoreError> {
    let hex = |id: Uuid| id.simple().to_string();
    let rooms: Vec<_> = ask.rooms.iter().map(|room| hex(room.0)).collect();
    let bookings: Vec<_> = ask.bookings.iter().map(|booking| hex(booking.0)).collect();
    let nights = ask.nights.iter().map(|nights| {
        let NightsQuery { room, check_in, check_out, booking } = nights;
        serde_json::json!([hex(room.0), check_in, check_out, booking.map(|it| hex(it.0))])
    });
    let rows = query(SQLITE.as_str())
        .bind(serde_json::json!(ask.keys).to_string())
        .bind(serde_json::json!(rooms).to_string())
        .bind(serde_json::json!(bookings).to_string())
        .bind(serde_json::Value::Array(nights.collect()).to_string())
        .fetch_all(connection)
        .await
        .map_err(StoreError::of)?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}
