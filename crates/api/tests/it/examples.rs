//! The OpenAPI document as it is served: every example is sent as it stands, and succeeds as it says.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, id_of};

on_both_databases! {
    async fn every_operation_succeeds_with_its_example(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let document = api.get("/openapi.json").await.expect(200).json();
        let mut sent = 0;
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item) {
                check_operation(&api, path, method, operation, &document).await;
                sent += 1;
            }
        }
        assert!(sent >= 32, "{sent}");
    }
}

/// Sends one operation to resources of its own, in the state in which it may succeed.
async fn check_operation(api: &Api, path: &str, method: &str, operation: &Value, document: &Value) {
    let id = operation["operationId"].as_str().expect("an id");
    let hotel = api.hotel().await;
    let mut path = path.replace("{hotel_id}", &hotel);
    if path.contains("_id}") || id == "book_hotel" {
        let room = api.room(&hotel, "101").await;
        path = path.replace("{room_id}", &room);
        if path.contains("{booking_id}") {
            let made = match id {
                "confirm_booking" => api.hold(&room, 5, 7).await,
                _ => api.book(&room, 5, 7).await,
            };
            path = path.replace("{booking_id}", &id_of(&made.expect(201)));
        }
        if path.contains("{key_id}") {
            let body = json!({ "name": "its own", "scopes": ["read"] });
            let key = api.post("/v1/keys", &body).await.expect(201);
            path = path.replace("{key_id}", &id_of(&key));
        }
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if let (Some("query"), Some(value)) =
            (parameter["in"].as_str(), parameter["example"].as_str())
        {
            let separator = if path.contains('?') { '&' } else { '?' };
            let name = parameter["name"].as_str().expect("a name");
            path = format!("{path}{separator}{name}={value}");
        }
    }
    let method = method.to_uppercase().parse().expect("a method");
    let mut request = api.client.request(method, api.path(&path));
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        match (&parameter["example"], parameter["in"].as_str()) {
            (Value::String(value), Some("header")) => {
                request = request.header(name, value.as_str());
            }
            (Value::String(_), _) => {}
            (none, place) => {
                let given = none.is_null() && place == Some("path");
                let optional = parameter["required"] != true;
                assert!(given || optional, "{id} needs {name} and has no example of it");
            }
        }
    }
    let contents = members(&operation["requestBody"]["content"]);
    if let Some((media_type, body)) = contents.iter().next() {
        let example = &body["example"];
        assert!(example.is_object(), "{id} has no example of its body");
        request = request.header("Content-Type", media_type.as_str()).body(example.to_string());
    }
    let answer = request.send().await;
    let documented = members(&operation["responses"]).keys().find(|it| it.starts_with('2'));
    let documented = documented.expect("it may succeed");
    assert_eq!(&answer.status.to_string(), documented, "{id}: {answer:?}");
    let schema = &operation["responses"][documented]["content"]["application/json"]["schema"];
    let named = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let example =
        named.map_or(&Value::Null, |name| &document["components"]["schemas"][name]["example"]);
    if !example.is_null() {
        check_alike(id, example, &answer.json());
    }
}

/// The example of an answer has what the answer has, and each of it is of the same type. What only
/// some answers have may be missing in either.
#[track_caller]
fn check_alike(id: &str, example: &Value, answer: &Value) {
    for (name, value) in members(answer) {
        let shown = &example[name];
        let alike = std::mem::discriminant(shown) == std::mem::discriminant(value);
        assert!(alike, "{id} answers {name} {value}, and the example has {shown}");
    }
}

fn members(value: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

#[tokio::test]
async fn the_page_is_this_products() {
    use vacancy_testkit::database::Kind;
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let replica = Replica::start(&db).await;
    let api = Api::new(replica.url());
    let page = api.get("/docs").await.expect(200).body;
    let page = String::from_utf8_lossy(&page);
    assert!(page.contains("<title>vacancy: the API</title>"), "{page}");
    let document = api.get("/openapi.json").await.expect(200).json();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            let summary = operation["summary"].as_str().expect("a summary");
            let plain = !summary.contains(['`', '\n', '*', '[']) && summary.len() <= 130;
            assert!(plain, "{method} {path}: {summary}");
        }
    }
    let conventions = document["info"]["description"].as_str().expect("a description");
    for word in ["If-Match", "Idempotency-Key", "problem+json", "next_cursor", "docs/api.md"] {
        assert!(conventions.contains(word), "{word} is not explained on top");
    }
}
