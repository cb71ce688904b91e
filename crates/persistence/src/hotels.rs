//! What a decision about a hotel looks at, read by one statement.

use sea_orm::{DbErr, QueryResult};
use vacancy_domain::{Hotel, HotelId, Instant};

use crate::entity::{hotel, idempotency_key};
use crate::keys::StoredAnswer;
use crate::query::{Query, columns, has_id, joined};
use crate::{Store, StoreError};

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

impl Store {
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
        push_clock_and_key(self, &mut query, key);
        query.push(" LEFT JOIN hotels AS h ON h.deleted_at IS NULL AND h.id = ");
        query.bind(hotel.map(|id| id.0));
        let row = query.one(&self.reader).await?.ok_or_else(|| no_row("hotel snapshot"))?;
        let hotel = joined::<hotel::Model>(&row, "h", has_id)?;
        Ok(HotelSnapshot {
            earlier: earlier(&row)?,
            now: row.try_get("", "now")?,
            hotel: hotel.map(|hotel| hotel.into_domain(&self.zones)).transpose()?,
            has_rooms: row.try_get("", "has_rooms")?,
        })
    }
}

/// ` FROM …`: always one row, with the time and the unexpired result of the key.
pub(crate) fn push_clock_and_key(store: &Store, query: &mut Query, key: Option<&str>) {
    query.push(&format!(" FROM (SELECT {} AS now) AS clock", store.dialect.now()));
    query.push(" LEFT JOIN idempotency_keys AS k ON k.expires_at > clock.now AND k.key = ");
    query.bind(key);
}

pub(crate) fn earlier(row: &QueryResult) -> Result<Option<StoredAnswer>, StoreError> {
    let key = joined::<idempotency_key::Model>(row, "k", |row, prefix| {
        Ok(row.try_get::<Option<String>>(prefix, "key")?.is_some())
    })?;
    key.map(StoredAnswer::try_from).transpose()
}

pub(crate) fn no_row(what: &str) -> StoreError {
    StoreError::from(DbErr::RecordNotFound(format!("the {what} statement always has a row")))
}
