//! An API key as JSON, without its secret.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_persistence::ApiKey;

use crate::auth::access::Access;
use crate::auth::scopes::Scopes;
use crate::http::instants::{instant, optional_instant};

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub struct KeyView {
    /// The public half of the key's text.
    #[schema(pattern = "^[0-9a-hjkmnp-tv-z]{12}$")]
    pub id: String,
    /// The name it stands for: its bookings belong to it, and so do those of its other keys.
    pub principal: String,
    /// What it is for.
    pub name: String,
    /// What it may do, with what that includes.
    pub scopes: Vec<String>,
    /// The hotels it is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotels: Option<Vec<Uuid>>,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    /// The principal that made it.
    pub created_by: String,
    /// From when on it is not accepted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_instant")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is not accepted.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_instant")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_instant")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewKey)]
pub struct NewKeyView {
    /// What will be shown of it later.
    #[serde(flatten)]
    pub shown: KeyView,
    /// The key itself, this once; null when the request is repeated.
    #[schema(pattern = "^vac_[0-9a-hjkmnp-tv-z]{12}_[0-9a-hjkmnp-tv-z]{52}$")]
    pub key: Option<String>,
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        let scopes = Scopes::parse(&key.scopes).map(Scopes::names).unwrap_or_default();
        let hotels = key.hotels.as_ref();
        Self {
            id: key.id.clone(),
            principal: key.principal.clone(),
            name: key.name.clone(),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            hotels: hotels.map(|hotels| hotels.iter().map(|hotel| hotel.0).collect()),
            created_at: key.created_at,
            created_by: key.created_by.clone(),
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// The key, if what is let in so may administer it: a key for other hotels is not there for it.
pub fn visible(access: &Access, key: Option<ApiKey>) -> Option<ApiKey> {
    key.filter(|key| access.covers(key.hotels.as_deref()))
}
