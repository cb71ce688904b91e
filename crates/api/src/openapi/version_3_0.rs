//! The document for tools that read OpenAPI 3.0: the same API, in the words of that version.

use serde_json::{Map, Value, json};

use super::nullable::{not_null, takes_null};

/// Rewrites a document of this service. Only what such a document uses is known here; a test looks
/// for what would be left.
#[must_use]
pub fn rewritten(mut document: Value) -> Value {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let types = schemas.map(|(name, schema)| (name.clone(), schema["type"].clone())).collect();
    rewrite(&mut document, &types);
    document["openapi"] = "3.0.3".into();
    // The license has a name there, and no identifier.
    if let Some(license) = document.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        license.remove("identifier");
    }
    document
}

/// `types` has the type of each named schema.
fn rewrite(value: &mut Value, types: &Map<String, Value>) {
    let nullable = takes_null(value);
    if nullable {
        not_null(value);
    }
    if let Some(object) = value.as_object_mut() {
        surround_reference(object, types, nullable);
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| rewrite(value, types)),
        Value::Array(items) => items.iter_mut().for_each(|value| rewrite(value, types)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What stands beside a `$ref` is ignored in 3.0, so the reference goes into an `allOf`; and
/// `nullable` counts only beside a `type`.
fn surround_reference(object: &mut Map<String, Value>, types: &Map<String, Value>, nullable: bool) {
    if nullable {
        object.insert("nullable".to_owned(), true.into());
    }
    let reference = object.get("$ref").and_then(Value::as_str).map(str::to_owned);
    let Some(reference) = reference.filter(|_| object.len() > 1) else { return };
    object.remove("$ref");
    if nullable {
        let name = reference.rsplit('/').next().unwrap_or_default();
        object.insert("type".to_owned(), types.get(name).cloned().unwrap_or_default());
    }
    object.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
}
