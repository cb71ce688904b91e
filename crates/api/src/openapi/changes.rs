//! What between two documents would break the clients of the first.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Names each change from `old` to `new` that a client made for `old` would notice.
pub fn breaking(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in members(&old["paths"]) {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let what = format!("{method} {path}");
            match new["paths"][path].get(method) {
                None => found.push(format!("{what} is gone")),
                Some(now) => operations(&what, operation, now, &mut found),
            }
        }
    }
    let schemas = |of: &Value| members(&of["components"]["schemas"]).clone();
    let now = schemas(new);
    for (name, schema) in schemas(old) {
        match now.get(&name) {
            None => found.push(format!("the schema {name} is gone")),
            Some(now) => compare(&name, &schema, now, &mut found),
        }
    }
    found
}

fn operations(what: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old["operationId"] != new["operationId"] {
        found.push(format!("{what} has another operationId"));
    }
    let parameters = |of: &Value| of["parameters"].as_array().cloned().unwrap_or_default();
    let named = |of: &Value| format!("{} {}", of["in"], of["name"]);
    let (was, is) = (parameters(old), parameters(new));
    for parameter in &was {
        let now = is.iter().find(|now| named(now) == named(parameter));
        match now {
            None => found.push(format!("{what} has lost the parameter {}", named(parameter))),
            Some(now) if now["schema"] != parameter["schema"] => {
                found.push(format!("{what} takes other values for {}", named(parameter)));
            }
            Some(_) => {}
        }
    }
    for parameter in is.iter().filter(|now| now["required"] == true) {
        let was = was.iter().find(|was| named(was) == named(parameter));
        if was.is_none_or(|was| was["required"] != true) {
            found.push(format!("{what} needs the parameter {}", named(parameter)));
        }
    }
    for (status, response) in
        members(&old["responses"]).iter().filter(|(it, _)| it.starts_with('2'))
    {
        if essence(&new["responses"][status]["content"]) != essence(&response["content"]) {
            found.push(format!("{what} answers {status} with something else"));
        }
    }
    for (media_type, body) in members(&old["requestBody"]["content"]) {
        if essence(&new["requestBody"]["content"][media_type]) != essence(body) {
            found.push(format!("{what} takes another {media_type}"));
        }
    }
}

fn compare(name: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    // What clients send says that it takes no other fields.
    let sent = old.get("additionalProperties").is_some();
    let values = |of: &Value| words(&of["enum"]);
    for value in values(old).symmetric_difference(&values(new)) {
        found.push(format!("{name} has gained or lost the value {value}"));
    }
    let (was, is) = (words(&old["required"]), words(&new["required"]));
    for field in if sent { is.difference(&was) } else { was.difference(&is) } {
        let how = if sent { "is required" } else { "may be absent" };
        found.push(format!("{name}.{field} {how}"));
    }
    for (field, schema) in members(&old["properties"]) {
        let now = &new["properties"][field];
        if now.is_null() {
            found.push(format!("{name}.{field} is gone"));
        } else if essence(schema) != essence(now) {
            found.push(format!("{name}.{field} is something else"));
        }
    }
}

/// A schema without its words for people.
fn essence(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(members) = schema.as_object_mut() {
        members.retain(|name, _| name != "description" && name != "example");
        for value in members.values_mut() {
            *value = essence(value);
        }
    }
    for item in schema.as_array_mut().into_iter().flatten() {
        *item = essence(item);
    }
    schema
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

fn words(value: &Value) -> BTreeSet<String> {
    let words = value.as_array().into_iter().flatten();
    words.filter_map(Value::as_str).map(str::to_owned).collect()
}
