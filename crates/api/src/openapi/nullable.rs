//! Null as one of the things a schema takes, in the words of OpenAPI 3.1.

use serde_json::{Value, json};

/// Takes null away from what `schema` takes.
pub(super) fn not_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            schema["type"] = one.clone();
        }
    }
    let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [one] = choices.as_slice() {
        let one = one.clone();
        if let (Some(schema), Value::Object(one)) = (schema.as_object_mut(), one) {
            schema.remove("oneOf");
            schema.extend(one);
        }
    }
}

/// Adds null to what the reference `schema` takes.
pub(super) fn or_null(schema: &mut Value) {
    *schema = json!({ "oneOf": [schema.take(), { "type": "null" }] });
}

/// Whether `schema` takes null.
pub(super) fn takes_null(schema: &Value) -> bool {
    let named =
        |types: &Value| types.as_array().is_some_and(|types| types.iter().any(|it| it == "null"));
    let choices = schema.get("oneOf").and_then(Value::as_array);
    schema.get("type").is_some_and(named)
        || choices.is_some_and(|choices| choices.iter().any(|choice| choice["type"] == "null"))
}
