//! More requests than can be done, and neighbours that wait: who is told so at once, and who goes on.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use vacancy::app::App;
use vacancy::auth::guard::GuardOptions;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::raw::Wire;
use crate::support::Api;

on_both_databases! {
    /// A request that is one too many costs nothing but its bytes: its credentials are not looked at,
    /// and its connection goes on.
    async fn what_is_too_much_is_told_so_before_anything_else(db: Database) {
        let guard = GuardOptions { required: true, ..GuardOptions::default() };
        let replica = Replica::start_with(&db, ReplicaOptions { guard, ..ReplicaOptions::default() }).await;
        let mut others = JoinSet::new();
        fill(&replica.app, &mut others).await;
        let address = replica.url().trim_start_matches("http://").parse().expect("an address");
        let api = Api::new(replica.url());
        let answers = tokio::task::spawn_blocking(move || {
            let mut client = Wire::connect(address);
            let body = json!({ "name": "Rialto", "city": "Venice" }).to_string();
            let request = format!(
                "POST /v1/hotels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = |client: &mut Wire| {
                client.send(request.as_bytes());
                client.answer()
            };
            [answer(&mut client), answer(&mut client)]
        });
        for answer in answers.await.expect("a client ends without a panic") {
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
            let head = answer.to_ascii_lowercase();
            assert!(head.contains("retry-after: 1") && head.contains("x-request-id: "), "{answer}");
            assert!(!head.contains("connection: close"), "{answer}");
        }
        api.get("/livez").await.expect(200);
        api.get("/openapi.json").await.expect(200);
        others.shutdown().await;
        eventually("there is room again", PATIENCE, || async {
            (api.get("/v1/hotels").await.status == 401).then_some(())
        })
        .await;
    }
}

/// Lists that wait for a lock take their own connections alone: bookings go on beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_that_hang_keep_no_booking_waiting() {
    const LISTS: u64 = 24;
    /// How much longer ten bookings may take beside the lists than before. If each waited for one list
    /// alone, that would be ten seconds.
    const DELAY_MAX: Duration = Duration::from_secs(8);

    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let replica = Replica::start(&db).await;
    let api = Api::new(replica.url());
    let room = api.one_room().await;
    let book = async |nights: std::ops::Range<u64>| {
        let began = Instant::now();
        for night in nights {
            api.book(&room, night, night + 1).await.expect(201);
        }
        began.elapsed()
    };
    let before = book(0..10).await;
    let stranger = db.hold_write("LOCK TABLE api_keys IN ACCESS EXCLUSIVE MODE").await;
    let mut lists = JoinSet::new();
    for _ in 0..LISTS {
        let api = api.clone();
        // One after the other: each gives up after a second, which is how long a lock is waited for.
        lists.spawn(async move {
            loop {
                api.get("/v1/keys").await.expect(503);
            }
        });
    }
    // As many as there are connections for them.
    db.until_waiting(4).await;
    let beside = book(10..20).await;
    assert!(beside < before + DELAY_MAX, "{before:?} before, {beside:?} beside the lists");
    db.until_waiting(4).await;
    assert!(lists.try_join_next().is_none(), "none of them was anything but unavailable");
    lists.shutdown().await;
    stranger.let_go().await;
}

/// Takes every permit there is.
async fn fill(app: &App, others: &mut JoinSet<()>) {
    while app.has_room() {
        let app = app.clone();
        others.spawn(async move {
            let _ = app.with_permit(std::future::pending::<()>()).await;
        });
        tokio::task::yield_now().await;
    }
}
