//! A service on loopback that needs no credential: pages of elsewhere do not reach it.

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::raw;
use vacancy_testkit::process::Process;

use super::world::Caller;
use crate::support::binary;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_this_machine_and_its_own_pages_reach_an_open_service() {
    let Some(db) = Database::create(Kind::Sqlite).await else { return };
    let service = Process::start(binary(), db.url(), &[]).await;
    let address = service.address();
    let own = format!("http://{address}");
    for (host, origin, status) in [
        (address.to_string(), None, "200"),
        ("localhost".to_owned(), None, "200"),
        (address.to_string(), Some(own.as_str()), "200"),
        ("attacker.example".to_owned(), None, "421"),
        (address.to_string(), Some("http://attacker.example"), "403"),
        (address.to_string(), Some("null"), "403"),
    ] {
        for path in ["/v1/hotels", "/metrics"] {
            let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
            let answer =
                String::from_utf8_lossy(&raw(address, request.as_bytes()).await).into_owned();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        }
    }
    // What is open to all stays so.
    let request = b"GET /livez HTTP/1.1\r\nHost: attacker.example\r\n\r\n";
    assert!(raw(address, request).await.starts_with(b"HTTP/1.1 200 "));
    let me = Caller::new(service.url(), None).get("/v1/me").await.expect(200).json();
    assert_eq!(
        me,
        serde_json::json!({
            "scopes": ["read", "book", "desk", "admin", "metrics"], "auth": "none",
        })
    );
}
