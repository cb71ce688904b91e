//! What breaks around the service, and what it must not cost: a disk, a network, a key in two hands.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};
use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::wire::{Cut, Wire};
use vacancy_testkit::{PATIENCE, eventually};

use crate::crowd::counted;
use crate::support::{Api, binary, id_of, stay_body};

/// A file that cannot grow is a disk that is full, in the middle of whatever SQLite was writing.
/// Writes are refused then, not acknowledged and lost, and go on when there is room again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_no_booking_that_was_acknowledged() {
    /// More than the disk has room for.
    const NIGHTS: u64 = 1_000;
    /// Enough to see that none of them is acknowledged after all.
    const REFUSED_MAX: u64 = 20;
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    // In units of 512 bytes. Without the trap the kernel would end the process.
    let script = "#!/bin/sh\ntrap '' XFSZ\nulimit -f 1200\nexec \"$VACANCY\" \"$@\"\n";
    let folder = Folder::new("full-disk");
    let confined = folder.path().join("confined");
    let script = script.replace("$VACANCY", &binary().display().to_string());
    std::fs::write(&confined, script).expect("a new folder can be written");
    std::fs::set_permissions(&confined, std::fs::Permissions::from_mode(0o700))
        .expect("our own file's mode can be set");

    // Nothing here is about time: no answer waits for more than the disk.
    let args = ["--sweep-interval", "0", "--request-timeout", "1m"];
    let mut service = Process::start(&confined, db.url(), &args).await;
    let api = Api::new(service.url());
    let room = api.one_room().await;
    let mut acknowledged = BTreeSet::new();
    let mut refused = 0;
    for night in 0..NIGHTS {
        if refused == REFUSED_MAX {
            break;
        }
        let answer = api.book(&room, night, night + 1).await;
        match answer.status {
            201 => assert!(acknowledged.insert(id_of(&answer))),
            503 => refused += 1,
            _ => panic!("neither done nor refused: {answer:?}"),
        }
    }
    assert_eq!(refused, REFUSED_MAX, "the disk was never full");
    assert!(!acknowledged.is_empty(), "it was full from the start");
    service.terminate().await;

    let mut service = Process::start(binary(), db.url(), &args).await;
    let api = Api::new(service.url());
    for id in &acknowledged {
        api.get(&format!("/v1/bookings/{id}")).await.expect(200);
    }
    let sold = api.room_now(&room).await["times_booked"].as_u64();
    assert_eq!(sold, Some(acknowledged.len() as u64), "what was refused was not written");
    api.book(&room, NIGHTS, NIGHTS + 1).await.expect(201);
    db.assert_audit_is_clean().await;
    service.terminate().await;
}

/// The network falls silent behind a COMMIT, on the only connection there is: the client hears that
/// the outcome is unknown, and soon after the service works again and the same key tells what became of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_network_costs_one_connection_for_a_while() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(db.address()).await;
    let options = ReplicaOptions {
        connections: 1,
        request_timeout: Duration::from_secs(4),
        database_url: Some(wire.url(db.url())),
        // The COMMIT is applied, however slow PostgreSQL is to begin it.
        fence: Some(PATIENCE),
        ..ReplicaOptions::default()
    };
    let replica = Replica::start_with(&db, options).await;
    let api = Api::new(replica.url());
    let path = format!("/v1/rooms/{}/bookings", api.one_room().await);
    wire.cut(Cut::Unanswered(1));
    let open = api.post_keyed(&path, &stay_body(0, 2), "silence").await.expect(504);
    assert_eq!(open.code(), "outcome_unknown");
    let booking = eventually("the key tells", PATIENCE, || async {
        let answer = api.post_keyed(&path, &stay_body(0, 2), "silence").await;
        // Until the connection is given up, the key is held and the pool is empty.
        assert!(matches!(answer.status, 201 | 409 | 503), "{answer:?}");
        assert!(answer.status == 201 || answer.json()["retryable"] == true, "{answer:?}");
        (answer.status == 201).then_some(answer)
    })
    .await;
    assert_eq!(booking.header("idempotency-replayed"), Some("true"));
    assert_eq!(wire.counters().cut_after, 1);
    assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 1);
    db.assert_audit_is_clean().await;
    replica.stop().await;
}

/// Between a COMMIT that never arrived and the look at what became of it, another request uses the
/// key: that is no answer to this request, and nothing of theirs may be shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_commit_is_not_answered_with_anothers_booking() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let wire = Wire::start(db.address()).await;
    let options = ReplicaOptions {
        connections: 1,
        database_url: Some(wire.url(db.url())),
        ..ReplicaOptions::default()
    };
    let (cut_off, other) = (Replica::start_with(&db, options).await, Replica::start(&db).await);
    let api = Api::new(cut_off.url());
    let room = api.one_room().await;
    let path = format!("/v1/rooms/{room}/bookings");
    // By the connection that is to break, which is there from here on.
    api.room_now(&room).await;
    wire.refuse();
    wire.cut(Cut::BeforeCommit(1));
    let waiting = tokio::spawn({
        let (api, path) = (api.clone(), path.clone());
        async move { api.post_keyed(&path, &stay_body(0, 2), "shared").await }
    });
    eventually("COMMIT is swallowed", PATIENCE, || async {
        (wire.counters().cut_before == 1).then_some(())
    })
    .await;
    let theirs =
        Api::new(other.url()).post_keyed(&path, &stay_body(5, 6), "shared").await.expect(201);
    wire.accept();
    let ours = waiting.await.expect("a client ends without a panic").expect(422);
    assert_eq!(ours.code(), "idempotency_mismatch");
    let list = api.get("/v1/bookings").await.expect(200).json();
    let ids: Vec<_> = list["items"].as_array().expect("a list").iter().map(|b| &b["id"]).collect();
    assert_eq!(ids, [&Value::from(id_of(&theirs))]);
    db.assert_audit_is_clean().await;
    cut_off.stop().await;
    other.stop().await;
}

/// A machine on which PostgreSQL begins every commit too late: nothing is written, and that is no lost
/// race. What comes in time is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_begins_too_late_is_no_lost_race() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    for room_lanes in [true, false] {
        let options = ReplicaOptions { room_lanes, ..ReplicaOptions::default() };
        let in_time = Replica::start_with(&db, options.clone()).await;
        let late = ReplicaOptions { fence: Some(Duration::ZERO), ..options };
        let late = Replica::start_with(&db, late).await;
        let room = Api::new(in_time.url()).one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let body = stay_body(0, 1);
        let answer = Api::new(late.url()).post_keyed(&path, &body, &room).await.expect(503);
        assert_eq!(
            (answer.code().as_str(), &answer.json()["retryable"]),
            ("unavailable", &json!(true))
        );
        for name in ["booking_lock_conflicts_total", "booking_lock_retries_total"] {
            assert_eq!(counted(&[late.url()], name, &[]).await, 0, "{name}");
        }
        Api::new(in_time.url()).post_keyed(&path, &body, &room).await.expect(201);
    }
    db.assert_audit_is_clean().await;
}

/// Another process is still at work on the same request, or just about to commit it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_another_process_holds_is_in_flight() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let replica = Replica::start(&db).await;
    let api = Api::new(replica.url());
    let path = format!("/v1/rooms/{}/bookings", api.one_room().await);
    let held = db.hold_key("held").await;
    let answer = api.post_keyed(&path, &stay_body(0, 2), "held").await.expect(409);
    assert_eq!(answer.code(), "idempotency_in_flight");
    assert_eq!(answer.header("retry-after"), Some("1"));
    held.let_go().await;
    api.post_keyed(&path, &stay_body(0, 2), "held").await.expect(201);
    db.assert_audit_is_clean().await;
    replica.stop().await;
}

/// What keeps new connections from being made, for a while, and what undoes it.
const REFUSALS: &[(&str, &str, &str)] = &[
    ("a role that may not log in", "ALTER ROLE guest NOLOGIN", "ALTER ROLE guest LOGIN"),
    (
        "a role that is renamed",
        "ALTER ROLE guest RENAME TO gone",
        "ALTER ROLE gone RENAME TO guest",
    ),
    (
        "a database that is being restored",
        "ALTER DATABASE house RENAME TO old",
        "ALTER DATABASE old RENAME TO house",
    ),
    (
        "a database closed to the role",
        "REVOKE CONNECT ON DATABASE house FROM PUBLIC, guest",
        "GRANT CONNECT ON DATABASE house TO guest",
    ),
    (
        "a role at its limit of connections",
        "ALTER ROLE guest CONNECTION LIMIT 0",
        "ALTER ROLE guest CONNECTION LIMIT -1",
    ),
];

/// A connection that is refused is a database that is not available, whatever it is refused for:
/// nothing was asked of it yet, so nothing can have failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_connections_are_unavailable_and_come_back() {
    let Some(server) = Server::start().await else { return };
    let admin = Database::on(&server).await;
    admin.sql("CREATE ROLE guest LOGIN").await;
    admin.sql("CREATE DATABASE house OWNER guest TEMPLATE template0").await;
    let url = server.url("house").replace("postgres@", "guest@");
    let request_timeout = Duration::from_secs(2);
    let options =
        ReplicaOptions { database_url: Some(url), request_timeout, ..ReplicaOptions::default() };
    let replica = Replica::start_with(&admin, options).await;
    let api = Api::new(replica.url());
    let room = api.one_room().await;
    let path = format!("/v1/rooms/{room}");
    for (night, (what, refuse, allow)) in (0..).zip(REFUSALS) {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'house'";
        // A renaming waits for the sessions that are told to end.
        admin.sql(end).await;
        admin.sql(refuse).await;
        admin.sql(end).await;
        for _ in 0..3 {
            let read = api.get(&path).await;
            assert_eq!((read.status, read.code()), (503, "unavailable".into()), "{what}: {read:?}");
            let write = api.book(&room, night, night + 1).await;
            assert_eq!((write.status, write.code()), (503, "unavailable".into()), "{what}");
        }
        api.get("/readyz").await.expect(503);
        admin.sql(allow).await;
        eventually(what, PATIENCE, || async {
            (api.book(&room, night, night + 1).await.status == 201).then_some(())
        })
        .await;
    }
    replica.stop().await;
}
