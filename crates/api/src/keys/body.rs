//! What a client sets of a key, as bodies and as what they mean.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use vacancy_domain::{HotelId, Instant, Text};
use vacancy_persistence::ApiKey;

use crate::auth::key_text::KeyText;
use crate::auth::scopes::Scopes;
use crate::http::fields::{FieldErrors, shape};
use crate::http::problem::Problem;
use crate::http::query;

/// The most hotels a key is limited to.
const HOTELS_MAX: usize = 1_000;
/// The longest a key is accepted, in seconds: ten years.
const EXPIRY_SECONDS_MAX: i64 = 10 * 366 * 86_400;
/// The longest name of a principal, in bytes.
const PRINCIPAL_BYTES_MAX: usize = 64;
/// Names that stand for others than keys.
const RESERVED: &[&str] = &["root", "anonymous", "cli"];

/// A new key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// What it is for: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "the website")]
    pub name: String,
    /// The name it stands for: lower-case letters, digits and `._@-`; absent: a name of its own. Keys
    /// that share one share their bookings and their idempotency keys.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9._@-]+$", example = "website")]
    pub principal: Option<String>,
    /// What it may do: of `read`, `book`, `desk`, `admin`, `metrics`.
    #[schema(value_type = Vec<String>, min_items = 1, example = json!(["book"]))]
    pub scopes: String,
    /// The hotels it is limited to: 1 to 1,000 ids; absent: none.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, min_items = 1, max_items = 1000)]
    pub hotels: Option<String>,
    /// For how many seconds it is accepted; absent: until it is revoked.
    #[schema(minimum = 1, maximum = 316_224_000)]
    pub expires_in_seconds: Option<i64>,
}

/// A new key as it is meant.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// What it is for.
    pub name: String,
    /// The name it stands for.
    pub principal: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// The hotels it is limited to.
    pub hotels: Option<Vec<HotelId>>,
    /// How long it is accepted.
    pub expires_in: Option<TimeDelta>,
}

impl KeyRequest {
    /// As the key of this text, made at `now` by `actor`.
    #[must_use]
    pub fn into_key(self, text: &KeyText, now: Instant, actor: &str) -> ApiKey {
        let Self { name, principal, scopes, hotels, expires_in } = self;
        let id = text.id().to_owned();
        ApiKey {
            principal: principal.unwrap_or_else(|| format!("key:{id}")),
            id,
            name,
            scopes: scopes.names().join(" "),
            hotels,
            created_at: now,
            created_by: actor.to_owned(),
            expires_at: expires_in.map(|length| now + length),
            revoked_at: None,
            last_used_at: None,
        }
    }
}

impl KeyBody {
    /// Reads its lists and its other fields; fails with 422.
    pub fn read(mut body: Value) -> Result<KeyRequest, Problem> {
        for field in ["scopes", "hotels"] {
            let Some(value) = body.get_mut(field) else { continue };
            if value.is_null() && field == "hotels" {
                continue;
            }
            let words = value.as_array().and_then(|items| {
                let words = items.iter().map(|item| item.as_str().filter(|it| !it.contains(' ')));
                words.collect::<Option<Vec<_>>>()
            });
            let pointer = format!("/{field}");
            let words =
                words.ok_or_else(|| Problem::invalid(pointer, "must be a list of names"))?;
            *value = Value::String(words.join(" "));
        }
        shape::<Self>(body)?.parse()
    }

    /// Reads every field; fails with 422 and all that is wrong.
    fn parse(self) -> Result<KeyRequest, Problem> {
        let mut errors = FieldErrors::default();
        let name = errors.at("/name", Text::parse(&self.name));
        let principal = errors.at("/principal", self.principal.map(principal).transpose());
        let scopes = errors.at("/scopes", Scopes::parse(&self.scopes));
        let hotels = errors.at("/hotels", self.hotels.as_deref().map(hotels).transpose());
        let expiry = self.expires_in_seconds.map(expiry).transpose();
        let expires_in = errors.at("/expires_in_seconds", expiry);
        let request = || {
            let (name, principal, scopes) = (name?.as_str().to_owned(), principal?, scopes?);
            let (hotels, expires_in) = (hotels?, expires_in?);
            Some(KeyRequest { name, principal, scopes, hotels, expires_in })
        };
        Ok(errors.finish(request())?)
    }
}

/// Reads for how many seconds a key is accepted.
pub fn expiry(seconds: i64) -> Result<TimeDelta, String> {
    match seconds {
        1..=EXPIRY_SECONDS_MAX => Ok(TimeDelta::seconds(seconds)),
        _ => Err(format!("must be 1 to {EXPIRY_SECONDS_MAX}")),
    }
}

fn principal(name: String) -> Result<String, String> {
    let known =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@-".contains(&byte);
    if !(1..=PRINCIPAL_BYTES_MAX).contains(&name.len()) || !name.bytes().all(known) {
        let most = PRINCIPAL_BYTES_MAX;
        return Err(format!("must be 1 to {most} lower-case letters, digits and ._@-"));
    }
    if RESERVED.contains(&name.as_str()) { Err("is reserved".to_owned()) } else { Ok(name) }
}

fn hotels(ids: &str) -> Result<Vec<HotelId>, String> {
    let ids = ids.split_whitespace().map(|id| query::uuid(id).map(HotelId));
    let ids: Option<BTreeSet<_>> = ids.collect();
    let ids = ids.filter(|ids| (1..=HOTELS_MAX).contains(&ids.len()));
    let ids = ids.ok_or_else(|| format!("must be 1 to {HOTELS_MAX} ids of hotels"))?;
    Ok(ids.into_iter().collect())
}
