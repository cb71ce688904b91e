//! What the claims of a token grant.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use vacancy_domain::HotelId;

use super::issuer::JwtOptions;
use crate::auth::access::Grant;
use crate::auth::scopes::Scopes;

/// The longest `sub`, in bytes.
const SUBJECT_BYTES_MAX: usize = 255;
/// The most hotels a token may name.
const HOTELS_MAX: usize = 1_000;

/// What a token of the issuer `alias` grants. None when a claim is not what it must be: one that
/// limits must not be passed over.
pub fn grant(options: &JwtOptions, alias: &str, claims: &Map<String, Value>) -> Option<Grant> {
    let subject = claims.get("sub")?.as_str()?;
    let plain = !subject.is_empty() && !subject.chars().any(char::is_control);
    if !plain || subject.len() > SUBJECT_BYTES_MAX {
        return None;
    }
    let mut names = Vec::new();
    for claim in [options.scope_claim.as_str(), "scp"] {
        if let Some(value) = claims.get(claim) {
            names.extend(words(value)?);
        }
    }
    let hotels = claims.get(&options.hotels_claim).filter(|hotels| !hotels.is_null());
    let hotels = match hotels {
        Some(value) => {
            let ids = words(value)?;
            let ids = ids.iter().map(|id| id.parse().ok().map(HotelId));
            let ids = ids.collect::<Option<BTreeSet<_>>>()?;
            Some(Arc::new(ids)).filter(|ids| ids.len() <= HOTELS_MAX).map(Some)?
        }
        None => None,
    };
    let expires_at = claims.get("exp").and_then(Value::as_i64);
    let expires_at = expires_at.and_then(|at| DateTime::<Utc>::from_timestamp(at, 0));
    let principal: Arc<str> = format!("jwt:{alias}:{subject}").into();
    let (credential, scopes) = (principal.clone(), Scopes::known(&names));
    Some(Grant { credential, principal, scopes, hotels, expires_at })
}

/// The words of a text, or the texts of a list.
fn words(value: &Value) -> Option<Vec<String>> {
    if let Some(text) = value.as_str() {
        return Some(text.split_whitespace().map(str::to_owned).collect());
    }
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}
