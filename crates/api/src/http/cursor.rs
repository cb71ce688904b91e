//! Cursors: the place where a page ended, opaque to clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::problem::Problem;

/// Writes a place as a cursor.
pub fn encode<T: Serialize>(place: &T) -> Result<String, Problem> {
    let json = serde_json::to_vec(place);
    let json = json.map_err(Problem::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// Reads a cursor back. Fails with 400 `invalid_cursor` when it is not of this kind of list.
pub fn decode<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Problem::InvalidCursor)?;
    serde_json::from_slice(&json).map_err(|_| Problem::InvalidCursor)
}
