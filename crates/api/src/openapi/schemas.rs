//! The schemas, completed with what their types do not say: enumerations, the bodies of edits, what is
//! read-only, and what is absent rather than null.

use serde_json::{Map, Value, json};
use vacancy_domain::{EventKind, METADATA_KEYS_MAX, METADATA_VALUE_CHARS_MAX, RoomStatus};

use super::nullable::{not_null, or_null};
use crate::http::problem::Code;
use crate::{bookings, hotels, rooms};

/// A resource and the bodies that edit it.
struct Edited {
    /// The schema of its representation.
    view: &'static str,
    /// The schema of what a client sets.
    body: &'static str,
    /// What it may send back but not change.
    read_only: &'static [&'static str],
    /// The schema to make for PUT, if there is one.
    replacement: Option<&'static str>,
    /// The schema to make for PATCH.
    patch: &'static str,
}

const EDITED: &[Edited] = &[
    Edited {
        view: "Hotel",
        body: "HotelBody",
        read_only: hotels::view::READ_ONLY,
        replacement: Some("HotelReplacement"),
        patch: "HotelPatch",
    },
    Edited {
        view: "Room",
        body: "RoomBody",
        read_only: rooms::view::READ_ONLY,
        replacement: Some("RoomReplacement"),
        patch: "RoomPatch",
    },
    Edited {
        view: "Booking",
        body: "BookingBody",
        read_only: bookings::view::READ_ONLY,
        replacement: None,
        patch: "BookingPatch",
    },
];

/// Objects inside of bodies that a merge patch merges too, with the schema to make for it.
const MERGED: &[(&str, &str)] =
    &[("Guest", "GuestPatch"), ("Metadata", "MetadataPatch"), ("Money", "MoneyPatch")];

/// Where the names of an enumeration stand: its schema, the schema that has the field, the field.
const ENUMERATED: &[(&str, &str, &str)] = &[
    ("BookingStatus", "Booking", "status"),
    ("RoomStatus", "Room", "status"),
    ("RoomStatus", "RoomBody", "status"),
    ("EventKind", "Event", "kind"),
    ("ProblemCode", "Problem", "code"),
];

/// Completes the `schemas` of the document.
pub(super) fn complete(schemas: &mut Map<String, Value>) {
    name_enumerations(schemas);
    refer_to_items(schemas);
    bound_metadata(&mut schemas["Metadata"]);
    for (name, patch) in MERGED {
        let made = patch_of(&schemas[*name]);
        schemas.insert((*patch).to_owned(), made);
    }
    for edited in EDITED {
        describe_edits(schemas, edited);
    }
    // What is absent from an answer is absent, not null. Bodies of requests know their fields.
    let answers = schemas.iter_mut().filter(|(name, schema)| {
        schema.get("additionalProperties").is_none()
            || MERGED.iter().any(|(shown, _)| shown == name)
    });
    for (_, schema) in answers {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        properties.into_iter().flat_map(Map::values_mut).for_each(not_null);
    }
}

/// The members of an object without fields of its own.
fn bound_metadata(schema: &mut Value) {
    schema["additionalProperties"] =
        json!({ "type": "string", "maxLength": METADATA_VALUE_CHARS_MAX });
    schema["maxProperties"] = METADATA_KEYS_MAX.into();
    if let Some(members) = schema.as_object_mut() {
        // A word that OpenAPI 3.0 does not know; the description says it.
        members.remove("propertyNames");
    }
}

fn name_enumerations(schemas: &mut Map<String, Value>) {
    let room_statuses: Vec<_> = [RoomStatus::Open, RoomStatus::Closed].map(RoomStatus::name).into();
    let kinds = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    let codes = Code::ALL.iter().map(|code| code.name()).collect();
    for (name, description, names) in [
        ("RoomStatus", "Whether a room takes new bookings.", room_statuses),
        ("EventKind", "What happened to a room.", kinds),
        ("ProblemCode", "What kind of problem; `/problems/{code}` explains it.", codes),
    ] {
        let schema = json!({ "type": "string", "description": description, "enum": names });
        schemas.insert(name.to_owned(), schema);
    }
    for (name, owner, field) in ENUMERATED {
        let schema = &mut schemas[*owner]["properties"][*field];
        let description = schema["description"].take();
        let reference =
            json!({ "$ref": format!("#/components/schemas/{name}"), "description": description });
        let may_be_null = schema["type"].is_array();
        *schema = reference;
        if may_be_null {
            or_null(schema);
        }
    }
}

/// Lists are generic types, whose items would be written out and whose names would be made up.
fn refer_to_items(schemas: &mut Map<String, Value>) {
    let lists: Vec<_> = schemas.keys().filter(|name| name.starts_with("List_")).cloned().collect();
    for list in lists {
        let Some(mut schema) = schemas.remove(&list) else { continue };
        let item = list.trim_start_matches("List_");
        schema["properties"]["items"]["items"] =
            json!({ "$ref": format!("#/components/schemas/{item}") });
        schemas.insert(format!("{item}List"), schema);
    }
}

/// Leads references to lists to their new names.
pub(super) fn rename_references(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let item = reference.and_then(|path| path.strip_prefix("#/components/schemas/List_"));
            if let Some(item) = item {
                let renamed = format!("#/components/schemas/{item}List");
                members.insert("$ref".to_owned(), renamed.into());
            }
            members.values_mut().for_each(rename_references);
        }
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn describe_edits(schemas: &mut Map<String, Value>, edited: &Edited) {
    let view = properties(&mut schemas[edited.view]);
    let mut sent_back = Map::new();
    for (name, schema) in view.iter_mut() {
        // `attempts` tells of one write and is dropped from what is sent back.
        if edited.read_only.contains(&name.as_str()) || name == "attempts" {
            schema["readOnly"] = true.into();
            let mut schema = schema.clone();
            not_null(&mut schema);
            sent_back.insert(name.clone(), schema);
        }
    }
    let mut patch = patch_of(&schemas[edited.body]);
    patch["description"] = "What shall be different; `null` removes (RFC 7396).".into();
    // A room is open or closed: there is nothing to remove.
    if let Some(status) = properties(&mut patch).get_mut("status") {
        not_null(status);
    }
    properties(&mut patch).extend(sent_back.clone());
    schemas.insert(edited.patch.to_owned(), patch);
    match edited.replacement {
        Some(name) => {
            let mut replacement = schemas[edited.body].clone();
            replacement["description"] =
                "The whole of what a client sets; what is absent gets its default.".into();
            if let Some(status) = properties(&mut replacement).get_mut("status") {
                not_null(status);
            }
            properties(&mut replacement).extend(sent_back);
            schemas.insert(name.to_owned(), replacement);
        }
        // Only edits have this body.
        None => drop(schemas.remove(edited.body)),
    }
}

/// The merge patch of an object: every field may be absent, and those that always were may be null.
fn patch_of(schema: &Value) -> Value {
    let mut patch = schema.clone();
    if let Some(patch) = patch.as_object_mut() {
        patch.remove("required");
    }
    if patch["properties"].is_null() {
        let kind = patch["additionalProperties"]["type"].take();
        patch["additionalProperties"]["type"] = json!([kind, "null"]);
        patch.as_object_mut().map(|patch| patch.remove("properties"));
        return patch;
    }
    for schema in properties(&mut patch).values_mut() {
        refer_to_patch(schema);
        let choices = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        choices.into_iter().flatten().for_each(refer_to_patch);
    }
    patch
}

fn refer_to_patch(schema: &mut Value) {
    let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else {
        return;
    };
    let Some((_, patch)) = MERGED.iter().find(|(merged, _)| *merged == name) else { return };
    schema["$ref"] = format!("#/components/schemas/{patch}").into();
}

fn properties(schema: &mut Value) -> &mut Map<String, Value> {
    let properties = schema["properties"].as_object_mut();
    properties.expect("what is edited or answered is an object")
}
