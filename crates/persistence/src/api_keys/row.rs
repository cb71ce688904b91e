//! API keys as they are stored. A key's secret is never here: only its SHA-256.

use sea_orm::{DbErr, QueryResult};
use uuid::Uuid;
use vacancy_domain::{HotelId, Instant};

use crate::StoreError;

pub(super) const COLUMNS: &str = "id, principal, name, scopes, hotels, created_at, created_by, expires_at, \
                       revoked_at, last_used_at";

/// An API key as stored, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The public half of its text, 12 characters.
    pub id: String,
    /// The name it stands for, which several keys may share.
    pub principal: String,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What it may do: names with blanks between them.
    pub scopes: String,
    /// The hotels it is limited to; absent: none.
    pub hotels: Option<Vec<HotelId>>,
    /// When it was made.
    pub created_at: Instant,
    /// The principal that made it.
    pub created_by: String,
    /// From when on it is not accepted.
    pub expires_at: Option<Instant>,
    /// Since when it is not accepted.
    pub revoked_at: Option<Instant>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Instant>,
}

/// A key, found by its id, to be compared with what a request carries.
#[derive(Clone, Debug)]
pub struct KeyLookup {
    /// The key, perhaps expired or revoked.
    pub key: ApiKey,
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// The database's time.
    pub now: Instant,
}

/// What to change of a key; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct KeyEdit {
    /// The name.
    pub name: Option<String>,
    /// The expiry; `Some(None)` removes it.
    pub expires_at: Option<Option<Instant>>,
}

/// The ids of hotels as one text, with blanks between them.
pub(super) fn joined(hotels: Option<&[HotelId]>) -> Option<String> {
    let ids = hotels?.iter().map(|hotel| hotel.0.to_string());
    Some(ids.collect::<Vec<_>>().join(" "))
}

/// The key in a row with [`COLUMNS`].
pub(super) fn read(row: &QueryResult) -> Result<ApiKey, StoreError> {
    let id: String = row.try_get("", "id")?;
    let hotels: Option<String> = row.try_get("", "hotels")?;
    let hotels = hotels.map(|ids| {
        let ids = ids.split_whitespace().map(|id| Uuid::parse_str(id).map(HotelId));
        ids.collect::<Result<Vec<_>, _>>()
    });
    let hotels = hotels.transpose();
    let hotels =
        hotels.map_err(|why| StoreError::corrupt("api_keys", "hotels", &id, why.to_string()))?;
    let key = || -> Result<ApiKey, DbErr> {
        Ok(ApiKey {
            principal: row.try_get("", "principal")?,
            name: row.try_get("", "name")?,
            scopes: row.try_get("", "scopes")?,
            hotels,
            created_at: row.try_get("", "created_at")?,
            created_by: row.try_get("", "created_by")?,
            expires_at: row.try_get("", "expires_at")?,
            revoked_at: row.try_get("", "revoked_at")?,
            last_used_at: row.try_get("", "last_used_at")?,
            id,
        })
    };
    Ok(key()?)
}

/// The key in a row with [`COLUMNS`], the hash of its secret and the time.
pub(super) fn lookup(row: &QueryResult) -> Result<KeyLookup, StoreError> {
    let (secret_hash, now) = (row.try_get("", "secret_hash")?, row.try_get("", "now")?);
    Ok(KeyLookup { key: read(row)?, secret_hash, now })
}
