use std::collections::BTreeSet;

use super::changes::breaking;
use super::*;
use crate::router::description;

/// Written by `cargo run -q -p vacancy -- openapi > docs/openapi.json`.
const COMMITTED: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn a_change_of_the_document_is_seen_and_what_it_breaks_is_named() {
    let committed: Value = serde_json::from_str(COMMITTED).expect("the committed document");
    let now = description();
    let breaks = breaking(&committed, &now);
    assert!(
        committed == now,
        "the document has changed; what breaks clients: {breaks:#?}\nIf that is meant: \
         cargo run -q -p vacancy -- openapi > docs/openapi.json && scripts/clients"
    );
}

#[test]
fn what_breaks_clients_is_told_from_what_does_not() {
    let base = description();
    for (pointer, value, expect) in [
        ("/info/description", json!("other words"), None),
        ("/components/schemas/Hotel/properties/stars", json!({ "type": "integer" }), None),
        ("/components/schemas/Hotel/properties/name/description", json!("other words"), None),
        ("/components/schemas/HotelBody/properties/stars", json!({ "type": "integer" }), None),
        ("/components/schemas/Hotel/properties/name", json!(null), Some("Hotel.name is gone")),
        (
            "/components/schemas/Hotel/properties/version/type",
            json!("string"),
            Some("Hotel.version is something else"),
        ),
        ("/components/schemas/Hotel/required", json!(["id"]), Some("Hotel.city may be absent")),
        (
            "/components/schemas/HotelBody/required",
            json!(["name", "city", "country"]),
            Some("HotelBody.country is required"),
        ),
        (
            "/components/schemas/RoomStatus/enum",
            json!(["open"]),
            Some("RoomStatus has gained or lost the value closed"),
        ),
        ("/components/schemas/Money", json!(null), Some("the schema Money is gone")),
        ("/paths/~1v1~1hotels/get", json!(null), Some("get /v1/hotels is gone")),
        (
            "/paths/~1v1~1hotels/get/operationId",
            json!("x"),
            Some("get /v1/hotels has another operationId"),
        ),
        (
            "/paths/~1v1~1hotels/get/parameters",
            json!([]),
            Some("get /v1/hotels has lost the parameter \"query\" \"city\""),
        ),
    ] {
        let mut changed = base.clone();
        set(&mut changed, pointer, value);
        let found = breaking(&base, &changed);
        assert_eq!(found.first().map(String::as_str), expect, "{pointer}: {found:?}");
    }
}

/// Sets what is at `pointer`; null takes it away.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    if value.is_null() {
        parent.remove(name)
    } else {
        parent.insert(name.to_owned(), value)
    };
}

#[test]
fn every_schema_has_one_name_and_every_name_a_schema() {
    for document in [description(), version_3_0::rewritten(description())] {
        let mut used = BTreeSet::new();
        visit(&document, &mut |_, object| {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                used.insert(reference.to_owned());
                let found = document.pointer(&reference[1..]);
                assert!(found.is_some(), "{reference} leads nowhere");
            }
        });
        let named = document["components"]["schemas"].as_object().expect("schemas").keys();
        let named: BTreeSet<_> = named.map(|name| format!("#/components/schemas/{name}")).collect();
        assert_eq!(named, used);
        // Objects are described once, under their name.
        for operation in document["paths"].as_object().expect("paths").values() {
            visit(operation, &mut |key, object| {
                assert!(
                    key != "schema" || object.get("type") != Some(&"object".into()),
                    "{object:?}"
                );
            });
        }
    }
}

#[test]
fn bodies_of_edits_say_what_may_be_removed_and_what_is_only_read() {
    let schemas = &description()["components"]["schemas"];
    for (pointer, expect) in [
        ("/HotelPatch/properties/country/type", json!(["string", "null"])),
        ("/HotelPatch/properties/name/type", json!("string")),
        ("/HotelPatch/properties/version/readOnly", json!(true)),
        ("/HotelReplacement/required", json!(["name", "city"])),
        ("/HotelReplacement/properties/id/readOnly", json!(true)),
        ("/Hotel/properties/country/type", json!("string")),
        ("/Hotel/properties/created_at/readOnly", json!(true)),
        ("/RoomPatch/properties/status/$ref", json!("#/components/schemas/RoomStatus")),
        (
            "/RoomPatch/properties/nightly_rate/oneOf/0/$ref",
            json!("#/components/schemas/MoneyPatch"),
        ),
        ("/RoomPatch/properties/nightly_rate/oneOf/1/type", json!("null")),
        ("/Room/properties/nightly_rate/$ref", json!("#/components/schemas/Money")),
        ("/BookingPatch/properties/guest/$ref", json!("#/components/schemas/GuestPatch")),
        ("/GuestPatch/properties/email/type", json!(["string", "null"])),
        ("/Guest/properties/email/type", json!("string")),
        ("/Booking/properties/status/$ref", json!("#/components/schemas/BookingStatus")),
        ("/Booking/properties/total/readOnly", json!(true)),
        ("/BookingList/properties/items/items/$ref", json!("#/components/schemas/Booking")),
    ] {
        assert_eq!(schemas.pointer(pointer), Some(&expect), "{pointer}");
    }
    for patch in ["HotelPatch", "RoomPatch", "BookingPatch", "GuestPatch", "MoneyPatch"] {
        assert_eq!(schemas[patch].get("required"), None, "{patch}");
        assert_eq!(schemas[patch]["additionalProperties"], false, "{patch}");
    }
    assert!(
        schemas["ProblemCode"]["enum"]
            .as_array()
            .is_some_and(|codes| codes.len() == Code::ALL.len())
    );
}

#[test]
fn version_3_0_has_nothing_that_only_3_1_knows() {
    let document = version_3_0::rewritten(description());
    assert_eq!(document["openapi"], "3.0.3");
    let mut nullable = 0;
    visit(&document, &mut |key, object| {
        assert!(!object.get("type").is_some_and(Value::is_array), "{object:?}");
        assert!(object.get("type") != Some(&"null".into()), "{object:?}");
        assert!(
            !object.contains_key("$ref") || object.len() == 1 || key == "properties",
            "{object:?}"
        );
        for word in ["const", "examples", "identifier", "prefixItems", "contentMediaType", "$defs"]
        {
            assert!(!object.contains_key(word), "{object:?}");
        }
        nullable += usize::from(object.get("nullable") == Some(&true.into()));
    });
    assert!(nullable >= 5, "{nullable}");
    let rate = &document["components"]["schemas"]["RoomPatch"]["properties"]["nightly_rate"];
    assert_eq!(rate["allOf"], json!([{ "$ref": "#/components/schemas/MoneyPatch" }]));
    assert_eq!((&rate["nullable"], &rate["type"]), (&json!(true), &json!("object")));
}

fn visit(value: &Value, look: &mut impl FnMut(&str, &Map<String, Value>)) {
    visit_below("", value, look);
}

fn visit_below(key: &str, value: &Value, look: &mut impl FnMut(&str, &Map<String, Value>)) {
    if let Value::Object(object) = value {
        look(key, object);
        object.iter().for_each(|(key, value)| visit_below(key, value, look));
    }
    value.as_array().into_iter().flatten().for_each(|item| visit_below(key, item, look));
}
