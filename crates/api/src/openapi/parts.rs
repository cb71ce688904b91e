//! Parts that operations have in common.

use serde_json::{Value, json};

use crate::http::problem::MEDIA_TYPE;

/// A response with a problem document.
pub(super) fn refusal(description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "X-Request-Id": header("The request's id") },
        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// A header of an answer.
pub(super) fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}
