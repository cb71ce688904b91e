//! The name of a route in the log and in the metrics.

use axum::extract::MatchedPath;

/// The pattern of the path as registered, such as `/v1/rooms/{room_id}`, or `unmatched`: clients
/// must not be able to make up labels.
pub fn label(matched: Option<&MatchedPath>) -> &str {
    matched.map_or("unmatched", MatchedPath::as_str)
}
