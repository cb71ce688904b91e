//! Examples of the document: what to send and what comes back. Each succeeds when it is tried; a test
//! sends them all (`it/examples.rs`).
//!
//! Their days lie ahead. The document as `vacancy openapi` prints it has fixed ones, so that it can be
//! compared; the one that is served has days counted from the day on which it is asked for.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

/// Days of the examples as they are printed. None of them appears elsewhere in the document.
const CHECK_IN: &str = "2028-06-12";
const CHECK_OUT: &str = "2028-06-15";
const MOVED_IN: &str = "2028-06-22";
const MOVED_OUT: &str = "2028-06-25";

/// How far from today each is when it is served.
const AHEAD: [(&str, u64); 4] = [(CHECK_IN, 30), (CHECK_OUT, 33), (MOVED_IN, 40), (MOVED_OUT, 43)];

const HOTEL: &str = "01a200e7-597c-77e1-a16a-1569e3de7611";
const ROOM: &str = "01a200e7-599d-7400-bd6e-008944829d53";
const BOOKING: &str = "01a200e7-59bf-7285-bc80-05bee6db9dee";
const CREATED: &str = "2026-11-22T01:38:11.520000Z";

/// The document with its examples' days counted from `today`.
#[must_use]
pub fn counted_from(document: &str, today: NaiveDate) -> String {
    AHEAD.iter().fold(document.to_owned(), |text, (printed, days)| {
        text.replace(printed, &(today + Days::new(*days)).to_string())
    })
}

/// Gives an operation the example of its body, and of the parameters without which it does not succeed.
pub(super) fn of_operation(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    if let Some(example) = body(&id)
        && let Some(content) = operation["requestBody"]["content"].as_object_mut()
    {
        content.values_mut().for_each(|body| body["example"] = example.clone());
    }
    let edits = operation["responses"]["428"].is_object();
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("If-Match") if edits => parameter["example"] = "*".into(),
            Some("from") if id == "get_availability" => parameter["example"] = CHECK_IN.into(),
            Some("to") if id == "get_availability" => parameter["example"] = CHECK_OUT.into(),
            _ => {}
        }
    }
}

/// What to send.
fn body(operation: &str) -> Option<Value> {
    let guest = json!({ "name": "Ada Lovelace", "email": "ada@example.org" });
    let stay = json!({ "check_in": CHECK_IN, "check_out": CHECK_OUT, "guests": 2, "guest": guest });
    let hotel =
        json!({ "name": "Rialto", "city": "Venice", "country": "IT", "time_zone": "Europe/Rome" });
    let room = json!({
        "number": "104", "kind": "double", "capacity": 2,
        "nightly_rate": { "amount": 12_900, "currency": "EUR" },
    });
    Some(match operation {
        "create_hotel" | "replace_hotel" => hotel,
        "edit_hotel" => json!({ "name": "Rialto Palace" }),
        "create_room" | "replace_room" => room,
        "edit_room" => json!({ "capacity": 3, "nightly_rate": { "amount": 14_900 } }),
        "book_room" | "book_hotel" => stay,
        "edit_booking" => json!({ "check_in": MOVED_IN, "check_out": MOVED_OUT, "guests": 1 }),
        "create_key" => json!({ "name": "the website", "scopes": ["read", "book"] }),
        "edit_key" => json!({ "name": "the new website" }),
        _ => return None,
    })
}

/// Gives the schemas of answers an example of what comes back.
pub(super) fn of_answers(schemas: &mut Map<String, Value>) {
    let versioned = json!({ "version": 1, "created_at": CREATED, "updated_at": CREATED });
    let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    for (name, example) in [
        (
            "Hotel",
            json!({
                "id": HOTEL, "name": "Rialto", "city": "Venice", "country": "IT",
                "time_zone": "Europe/Rome", "day_ends": "00:00",
            }),
        ),
        (
            "Room",
            json!({
                "id": ROOM, "hotel_id": HOTEL, "number": "104", "kind": "double", "capacity": 2,
                "nightly_rate": money(12_900), "status": "open", "times_booked": 0,
            }),
        ),
        (
            "Booking",
            json!({
                "id": BOOKING, "room_id": ROOM, "hotel_id": HOTEL,
                "guest": { "name": "Ada Lovelace", "email": "ada@example.org" }, "guests": 2,
                "check_in": CHECK_IN, "check_out": CHECK_OUT, "nights": 3, "status": "confirmed",
                "total": money(38_700), "made_by": "key:6ex6g5r9mtvy", "room_version": 2, "attempts": 1,
            }),
        ),
    ] {
        let mut example = example;
        let fields = versioned.as_object().into_iter().flatten();
        fields.for_each(|(field, value)| example[field] = value.clone());
        schemas[name]["example"] = example;
    }
    schemas["Problem"]["example"] = json!({
        "type": "/problems/room_unavailable", "title": "Room unavailable", "status": 409,
        "detail": "the room is not free for this stay", "instance": BOOKING,
        "code": "room_unavailable", "retryable": false,
        "conflicts": [{ "check_in": CHECK_IN, "check_out": CHECK_OUT }], "alternatives": [ROOM],
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_has_days_ahead() {
        let today = NaiveDate::from_ymd_opt(2031, 12, 20).expect("a day");
        let text = format!("{CHECK_IN} {CHECK_OUT} {MOVED_IN} {MOVED_OUT} 2028-06-13");
        let expected = "2032-01-19 2032-01-22 2032-01-29 2032-02-01 2028-06-13";
        assert_eq!(counted_from(&text, today), expected);
    }
}
