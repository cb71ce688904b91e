//! Below a path of a proxy: every path that a client is told begins with it.

use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::{Replica, ReplicaOptions};

use crate::support::{Api, stay_body};

const PREFIX: &str = "/sales/vacancy";

/// A request as the proxy hands it on, without the prefix in its path.
async fn get(api: &Api, path: &str, prefix: &str) -> Answer {
    api.client.get(api.path(path)).header("X-Forwarded-Prefix", prefix).send().await
}

async fn post(api: &Api, path: &str, body: &Value, prefix: &str, key: &str) -> Answer {
    let request = api.client.post(api.path(path)).json(body).header("X-Forwarded-Prefix", prefix);
    request.header("Idempotency-Key", key).send().await
}

/// What the proxy hands on of a path that a client was told: without the prefix.
#[track_caller]
fn below<'a>(told: &'a str, prefix: &str) -> &'a str {
    let path = told.strip_prefix(prefix);
    path.filter(|path| path.starts_with('/')).unwrap_or_else(|| panic!("not below: {told}"))
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("it is text")
}

on_both_databases! {
    async fn every_path_that_is_told_begins_with_the_proxys(db: Database) {
        let options = ReplicaOptions { forwarded_prefix: true, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        api.hotel().await;
        let bookings = format!("/v1/rooms/{room}/bookings");

        let booked = post(&api, &bookings, &stay_body(0, 1), PREFIX, "k1").await.expect(201);
        let told = booked.header("location").expect("it is told");
        get(&api, below(told, PREFIX), PREFIX).await.expect(200);
        // The stored answer belongs to no path: repeated another way, it is told as of that way.
        for prefix in ["/elsewhere", ""] {
            let again = post(&api, &bookings, &stay_body(0, 1), prefix, "k1").await.expect(201);
            let told = again.header("location").expect("it is told");
            assert!(below(told, prefix).starts_with("/v1/bookings/"), "{told}");
        }

        let page = get(&api, "/v1/hotels?limit=1", PREFIX).await.expect(200);
        let link = page.header("link").expect("there is a second page");
        let next = link.strip_prefix('<').and_then(|link| link.split('>').next()).expect("a link");
        get(&api, below(next, PREFIX), PREFIX).await.expect(200);

        for (path, status) in [("/v1/rooms/x", 404), ("/v1/nothing", 404), ("/v1/rooms?limit=x", 400)] {
            let problem = get(&api, path, PREFIX).await.expect(status).json();
            let told = problem["type"].as_str().expect("it is told").to_owned();
            get(&api, below(&told, PREFIX), PREFIX).await.expect(200);
        }
        check_pages(&api).await;
    }

    async fn a_prefix_that_is_no_path_is_refused_and_one_that_is_not_asked_for_ignored(db: Database) {
        let options = ReplicaOptions { forwarded_prefix: true, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        for prefix in ["//evil.example", "https://evil.example", "/a/../b", "/a\"><script>", "/a, /b"] {
            let problem = get(&api, "/v1/hotels", prefix).await.expect(400).json();
            assert_eq!(problem["code"], json!("invalid_request"), "{prefix}: {problem}");
            assert!(!problem.to_string().contains("evil"), "{problem}");
        }
        // One process to a SQLite file.
        replica.stop().await;
        let deaf = Replica::start(&db).await;
        let api = Api::new(deaf.url());
        for prefix in [PREFIX, "//evil.example"] {
            let problem = get(&api, "/v1/rooms/x", prefix).await.expect(404).json();
            assert_eq!(problem["type"], json!("/problems/not_found"), "{prefix}");
        }
    }
}

/// The page for people names its assets and the document below the prefix, and the document its server.
async fn check_pages(api: &Api) {
    let page = text(&get(api, "/docs", PREFIX).await.expect(200));
    assert!(page.contains(&format!("<base href=\"{PREFIX}/docs/\">")), "{page}");
    let script = text(&get(api, "/docs/swagger-initializer.js", PREFIX).await.expect(200));
    assert!(script.contains(&format!("\"{PREFIX}/openapi.json\"")), "{script}");
    let document = get(api, "/openapi.json", PREFIX).await.expect(200).json();
    assert_eq!(document["servers"][0]["url"], json!(PREFIX));
    assert_eq!(document["servers"].as_array().map(Vec::len), Some(1));
    let document = api.get("/openapi.json").await.expect(200).json();
    assert_eq!(document["servers"][0]["url"], json!("/"));
}
