//! What a route is called in the log and in the metrics.

use axum::extract::MatchedPath;

/// The pattern of the path, as it was registered; one name for all paths that match none.
pub fn label(matched: Option<&MatchedPath>) -> &str {
    matched.map_or("unmatched", MatchedPath::as_str)
}
