//! Holds: the stored status is the only truth, time only permits a transition, and the time is the
//! database's. All of it with the sweeper off, but for the one test of the sweeper.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::http::Answer;
use vacancy_testkit::process::Process;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::skip::skip;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases, seed};

use crate::crowd::{at_once, clients, counted, events, kinds, replicas, replicas_with, urls};
use crate::support::{Api, binary, id_of, stay_body};

/// How many rooms have a hold that runs out while it is confirmed and a rival asks for its nights.
const DUELS: usize = 24;

on_both_databases! {
    /// The hold of each room runs out within the very milliseconds in which its owner confirms it
    /// and a rival books its nights. Either may win, or neither; never both.
    async fn of_a_confirmation_and_a_rival_at_the_last_moment_one_wins(db: Database) {
        let mut random = StdRng::seed_from_u64(seed());
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let owners = clients(&urls, DUELS).await;
        let mut rivals = clients(&urls, DUELS).await;
        // Half of the rivals come through the owner's replica, half through the other one.
        rivals.rotate_left(DUELS / 2 + 1);
        let hotel = owners[0].hotel().await;
        let mut rooms = Vec::new();
        for number in 0..DUELS {
            rooms.push(owners[0].room(&hotel, &number.to_string()).await);
        }
        let duels = rooms.iter().cloned().zip(owners.clone().into_iter().zip(rivals));
        let duels = duels.map(|(room, (owner, rival))| {
            // From a little before the end of the hold to a little after it.
            let mut moment = || Duration::from_millis(random.random_range(980..1_030));
            let (confirmed_at, booked_at) = (moment(), moment());
            async move {
                let began = tokio::time::Instant::now();
                let held = hold_for(&owner, &room, 1).await.expect(201);
                let hold = id_of(&held);
                let confirm = async {
                    tokio::time::sleep_until(began + confirmed_at).await;
                    owner.command(&hold, "confirm").await
                };
                let book = async {
                    tokio::time::sleep_until(began + booked_at).await;
                    rival.book(&room, 0, 2).await
                };
                let (confirm, book) = tokio::join!(confirm, book);
                (held, confirm, book)
            }
        });
        let (mut owners_won, mut rivals_won, mut nobody_won) = (0, 0, 0);
        for (room, (held, confirm, book)) in rooms.iter().zip(at_once(duels).await) {
            let api = &owners[0];
            let hold = id_of(&held);
            let instant = |answer: &Answer, name: &str| {
                epoch_micros(answer.json()[name].as_str().expect("an instant"))
            };
            let end = instant(&held, "hold_expires_at");
            let state = api.get(&format!("/v1/bookings/{hold}")).await.expect(200).json();
            match (confirm.status, book.status) {
                (200, 409) => {
                    owners_won += 1;
                    assert!(instant(&confirm, "updated_at") < end, "confirmed too late: {confirm:?}");
                    assert_eq!(book.code(), "room_unavailable");
                    assert_eq!(state["status"], "confirmed");
                    let history = events(api, room).await;
                    assert_eq!(kinds(&history), ["room_created", "held", "confirmed"]);
                }
                (409, 201) => {
                    rivals_won += 1;
                    assert!(instant(&book, "created_at") >= end, "sold too early: {book:?}");
                    assert_eq!(confirm.code(), "hold_expired");
                    assert_eq!(state["status"], "expired");
                    let history = events(api, room).await;
                    assert_eq!(kinds(&history), ["room_created", "held", "expired", "booked"]);
                }
                (409, 409) => {
                    // The rival looked before the end and the owner after it: the nights are free.
                    nobody_won += 1;
                    assert_eq!(confirm.code(), "hold_expired");
                    assert_eq!(book.code(), "room_unavailable");
                    assert_eq!(state["status"], "expired");
                    api.book(room, 0, 2).await.expect(201);
                }
                _ => panic!("both had it, or neither was told: {confirm:?} {book:?}"),
            }
            assert_eq!(api.room_now(room).await["times_booked"], 1);
        }
        assert_eq!(owners_won + rivals_won + nobody_won, DUELS);
        let guard = counted(&urls, "booking_overlap_guard_violations_total", &[]).await;
        assert_eq!(guard, 0);
        let expired = counted(&urls, "booking_holds_expired_total", &[]).await;
        assert_eq!(expired, (rivals_won + nobody_won) as u64);
        eprintln!(
            "duels, {:?}, {} replicas: confirmed {owners_won}, rival {rivals_won}, neither at first \
             {nobody_won}",
            db.kind(), replicas.len()
        );
    }

    /// The hold has lapsed; its owner and a crowd of rivals come at once. It is expired once, sold to
    /// one rival, and never confirmed.
    async fn a_lapsed_hold_is_expired_once_and_its_nights_are_sold_once(db: Database) {
        const RIVALS: usize = 16;
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let clients = clients(&urls, RIVALS + 2).await;
        let room = clients[0].one_room().await;
        let hold = id_of(&clients[0].hold(&room, 0, 2).await.expect(201));
        assert_eq!(db.let_holds_lapse().await, 1);
        let answers = at_once(clients.iter().cloned().enumerate().map(|(place, api)| {
            let (room, hold) = (room.clone(), hold.clone());
            async move {
                if place < RIVALS {
                    api.book(&room, 0, 2).await
                } else {
                    api.command(&hold, "confirm").await
                }
            }
        }))
        .await;
        let (rivals, owners) = answers.split_at(RIVALS);
        assert_eq!(rivals.iter().filter(|answer| answer.status == 201).count(), 1, "{rivals:?}");
        for loser in rivals.iter().filter(|answer| answer.status != 201) {
            assert_eq!(loser.status, 409);
            assert!(["room_unavailable", "lock_conflict"].contains(&loser.code().as_str()));
        }
        for owner in owners {
            assert_eq!(owner.status, 409);
            assert!(["hold_expired", "lock_conflict"].contains(&owner.code().as_str()));
        }
        let history = events(&clients[0], &room).await;
        assert_eq!(kinds(&history), ["room_created", "held", "expired", "booked"]);
        assert_eq!(counted(&urls, "booking_holds_expired_total", &[]).await, 1);
        assert_eq!(outcomes(&urls, "expire").await, 1);
    }

    /// A confirmation that comes too late is refused, and the refusal leaves a record: a clock that steps back
    /// cannot revive the hold.
    async fn a_lapsed_hold_cannot_be_confirmed_and_is_recorded_as_expired(db: Database) {
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let api = Api::new(&urls[0]);
        let room = api.one_room().await;
        let hold = id_of(&api.hold(&room, 0, 2).await.expect(201));
        db.let_holds_lapse().await;
        let refused = api.command(&hold, "confirm").await.expect(409);
        assert_eq!(refused.code(), "hold_expired");
        let state = api.get(&format!("/v1/bookings/{hold}")).await.expect(200).json();
        assert_eq!((&state["status"], &state["room_version"]), (&"expired".into(), &3.into()));
        assert_eq!((&state["version"], state.get("hold_expires_at")), (&2.into(), None));
        let now = api.room_now(&room).await;
        assert_eq!((&now["version"], &now["times_booked"]), (&3.into(), &0.into()));
        let history = events(&api, &room).await;
        assert_eq!(kinds(&history), ["room_created", "held", "expired"]);
        assert_eq!(history[2]["data"]["request_id"], refused.json()["instance"]);
        assert_eq!(counted(&urls, "booking_holds_expired_total", &[]).await, 1);
        assert_eq!(outcomes(&urls, "expire").await, 1);

        // What is stored is that it expired, and not when: no clock brings it back, whatever it
        // says, and once is enough.
        for step in ["confirm", "cancel"] {
            assert_eq!(api.command(&hold, step).await.expect(409).code(), "hold_expired");
        }
        let path = format!("/v1/bookings/{hold}");
        let edit = api.patch(&path, "*", &serde_json::json!({ "guests": 1 })).await.expect(409);
        assert_eq!(edit.code(), "hold_expired");
        assert_eq!(api.room_now(&room).await["version"], 3);
        assert_eq!(counted(&urls, "booking_holds_expired_total", &[]).await, 1);
    }

    /// A rival's own transaction expires what is in its way: two versions, two events, one answer.
    async fn a_rival_expires_the_lapsed_holds_in_its_way_in_its_own_transaction(db: Database) {
        let replicas = replicas(&db).await;
        let urls = urls(&replicas);
        let api = Api::new(&urls[0]);
        let rival = Api::new(&urls[urls.len() - 1]);
        let room = api.one_room().await;
        let hold = id_of(&api.hold(&room, 0, 2).await.expect(201));
        let beside = id_of(&api.hold(&room, 4, 6).await.expect(201));
        db.let_holds_lapse().await;
        let before = rival.room_now(&room).await;
        assert_eq!(before["version"], 3, "time alone changes nothing that is stored");
        let booked = rival.book(&room, 1, 3).await.expect(201);
        let id = id_of(&booked);
        assert_eq!((&booked.json()["room_version"], &booked.json()["attempts"]), (&5.into(), &1.into()));
        let now = api.room_now(&room).await;
        assert_eq!((&now["version"], &now["times_booked"]), (&5.into(), &1.into()));
        let history = events(&api, &room).await;
        assert_eq!(kinds(&history), ["room_created", "held", "held", "expired", "booked"]);
        assert_eq!(history[3]["booking_id"], Value::from(hold.as_str()));
        assert_eq!(history[4]["booking_id"], Value::from(id.as_str()));
        assert_eq!(history[3]["data"]["request_id"], history[4]["data"]["request_id"]);
        assert_eq!(counted(&urls, "booking_holds_expired_total", &[]).await, 1);
        assert_eq!(outcomes(&urls, "expire").await, 1);
        assert_eq!(outcomes(&urls, "book").await, 1);

        // One that is not in the way is left as it is, until a request asks for its nights: an edit
        // of the booking that moves it there does, too.
        let state = api.get(&format!("/v1/bookings/{beside}")).await.expect(200).json();
        assert_eq!(state["status"], "held");
        let stay = stay_body(4, 6);
        let body = serde_json::json!({
            "check_in": stay["check_in"], "check_out": stay["check_out"],
        });
        let moved = api.patch(&format!("/v1/bookings/{id}"), "*", &body).await.expect(200);
        assert_eq!(moved.json()["room_version"], 7);
        let history = events(&api, &room).await;
        assert_eq!(kinds(&history)[5..], ["expired", "rescheduled"]);
        assert_eq!(outcomes(&urls, "expire").await, 2);
    }

    /// With the sweeper on, a hold that no request asks about is expired all the same, and once.
    async fn the_sweeper_records_what_nobody_asks_about(db: Database) {
        let options = ReplicaOptions {
            sweep_interval: Some(Duration::from_millis(100)),
            ..ReplicaOptions::default()
        };
        let replicas = replicas_with(&db, &options).await;
        let urls = urls(&replicas);
        let api = Api::new(&urls[0]);
        let room = api.one_room().await;
        let long = id_of(&api.hold(&room, 5, 6).await.expect(201));
        let began = Instant::now();
        let short = id_of(&hold_for(&api, &room, 1).await.expect(201));
        let status = |id: String| {
            let api = api.clone();
            async move {
                let state = api.get(&format!("/v1/bookings/{id}")).await.expect(200).json();
                state["status"].as_str().expect("a status").to_owned()
            }
        };
        eventually("the sweeper comes by", PATIENCE, || async {
            (status(short.clone()).await == "expired").then_some(())
        })
        .await;
        let after = began.elapsed();
        assert!(after >= Duration::from_millis(990), "a hold of 1 s was gone after {after:?}");
        assert_eq!(status(long).await, "held");
        let history = events(&api, &room).await;
        assert_eq!(kinds(&history), ["room_created", "held", "held", "expired"]);
        let expired = || async { counted(&urls, "booking_holds_expired_total", &[]).await };
        eventually("it is counted", PATIENCE, || async { (expired().await == 1).then_some(()) }).await;
        // The outcome is counted a moment later.
        let ended = || async { outcomes(&urls, "expire").await };
        eventually("its end is counted", PATIENCE, || async { (ended().await >= 1).then_some(()) }).await;
        assert_eq!((expired().await, ended().await), (1, 1));
        eprintln!("{:?}: a hold of 1 s was recorded as expired after {after:?}", db.kind());
    }

    /// More of them than the sweeper looks for at once have rows that do not read.
    async fn holds_that_cannot_be_expired_keep_no_other_one(db: Database) {
        const UNREADABLE: usize = 100;
        db.is_left_unsound("names are removed, and those holds lapse");
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        for number in 0..UNREADABLE {
            let room = api.room(&hotel, &number.to_string()).await;
            hold_for(&api, &room, 60).await.expect(201);
        }
        db.sql("UPDATE bookings SET guest_name = ''").await;
        db.let_holds_lapse().await;
        let room = api.room(&hotel, "last").await;
        hold_for(&api, &room, 1).await.expect(201);
        replica.stop().await;
        let options = ReplicaOptions {
            sweep_interval: Some(Duration::from_millis(50)),
            ..ReplicaOptions::default()
        };
        let replica = Replica::start_with(&db, options).await;
        let expired = "SELECT COUNT(*) FROM bookings WHERE status = 'expired'";
        let db = &db;
        eventually("the one whose row reads has expired", PATIENCE, || async move {
            (db.count(expired).await == 1).then_some(())
        })
        .await;
        replica.stop().await;
    }
}

/// One replica's clock is an hour ahead, another's an hour behind, and no client can tell: holds last
/// as long as they were asked for, by the database's clock, and all replicas agree on them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_with_a_wrong_clock_behaves_like_the_others() {
    if !has_faketime() {
        return;
    }
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let folder = Folder::new("clocks");
    let sweep = ["--sweep-interval", "1s", "--request-timeout", "1m"];
    let right = Process::start(binary(), db.url(), &sweep).await;
    let ahead = Process::start(&with_clock(&folder, "+1h"), db.url(), &sweep).await;
    let behind = Process::start(&with_clock(&folder, "-1h"), db.url(), &sweep).await;
    let apis = [&right, &ahead, &behind].map(|process| Api::new(process.url()));
    for (api, hours) in apis.iter().zip([0, 1, -1]) {
        let off = clock_of(api).await - our_clock();
        assert!((off - hours * 3_600).abs() < 60, "this clock is off by {off} s, not {hours} h");
    }
    let hotel = apis[0].hotel().await;
    let mut sentinels = Vec::new();
    for (number, api) in apis.iter().enumerate() {
        let room = api.room(&hotel, &number.to_string()).await;
        let first = hold_for(api, &room, 1_800).await.expect(201).json();
        let instant = |name: &str| epoch_micros(first[name].as_str().expect("an instant"));
        assert_eq!(instant("hold_expires_at") - instant("created_at"), 1_800_000_000);
        let database_now = "SELECT (EXTRACT(EPOCH FROM now()) * 1000000)::bigint";
        let since = db.count(database_now).await - instant("created_at");
        assert!(
            (0..60_000_000).contains(&since),
            "the database's clock, not the replica's: {since}"
        );
        // Half an hour is neither over for the one ahead nor endless for the one behind.
        for other in &apis {
            assert_eq!(other.book(&room, 0, 2).await.expect(409).code(), "room_unavailable");
            let path = format!("/v1/rooms/{room}/availability");
            let (from, to) = (crate::support::day(0), crate::support::day(2));
            let free = other.get(&format!("{path}?from={from}&to={to}")).await.expect(200).json();
            assert_eq!(free["free"], serde_json::json!([]));
        }
        let mut short = stay_body(5, 6);
        short["hold_seconds"] = 1.into();
        let path = format!("/v1/rooms/{room}/bookings");
        sentinels.push((Instant::now(), id_of(&api.post(&path, &short).await.expect(201))));
        // A key that one stored, the others know.
        let key = format!("clock-{number}");
        let booked = api.post_keyed(&path, &stay_body(8, 9), &key).await.expect(201);
        for other in &apis {
            let again = other.post_keyed(&path, &stay_body(8, 9), &key).await.expect(201);
            assert_eq!(again.body, booked.body);
        }
    }
    // The holds of one second run out, on every replica and not before their time; all three sweep.
    for (began, id) in &sentinels {
        eventually("a hold of a second runs out", PATIENCE, || async {
            let state = apis[1].get(&format!("/v1/bookings/{id}")).await.expect(200).json();
            (state["status"] == "expired").then_some(())
        })
        .await;
        assert!(began.elapsed() >= Duration::from_millis(990));
    }
    // By now each sweeper, also the one that is an hour ahead, has had its rounds.
    let held = db.count("SELECT COUNT(*) FROM bookings WHERE status = 'held'").await;
    assert_eq!(held, 3, "the holds of half an hour stay");
    let holds = apis[0].get("/v1/bookings?status=held").await.expect(200).json();
    let holds = holds["items"].as_array().expect("a list");
    for (hold, api) in holds.iter().zip(apis.iter().rev()) {
        let id = hold["id"].as_str().expect("an id");
        api.command(id, "confirm").await.expect(200);
    }
    // And the three sell a room against each other like any replicas.
    let room = apis[0].room(&hotel, "race").await;
    for night in 0..10 {
        let answers = at_once(apis.iter().cycle().take(12).cloned().map(|api| {
            let room = room.clone();
            async move { api.book(&room, night, night + 1).await }
        }));
        let answers = answers.await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        let lost = |answer: &&Answer| answer.status == 409 && answer.code() == "room_unavailable";
        assert_eq!(answers.iter().filter(lost).count(), 11, "{answers:?}");
    }
    assert_eq!(apis[0].room_now(&room).await["version"], 11);
    db.assert_audit_is_clean().await;
}

/// Holds the nights 0 to 2.
async fn hold_for(api: &Api, room: &str, seconds: u64) -> Answer {
    let mut body = stay_body(0, 2);
    body["hold_seconds"] = seconds.into();
    api.post(&format!("/v1/rooms/{room}/bookings"), &body).await
}

/// How many writes of this operation succeeded.
async fn outcomes(urls: &[String], operation: &str) -> u64 {
    let mut sum = 0;
    for outcome in ["first_attempt", "after_retry"] {
        let labels = [("operation", operation), ("outcome", outcome)];
        sum += counted(urls, "booking_write_outcomes_total", &labels).await;
    }
    sum
}

/// Whether libfaketime is here. Without it the test is skipped, loudly, unless it must not be.
fn has_faketime() -> bool {
    let asked = std::process::Command::new("faketime").arg("--version").output();
    if asked.is_ok_and(|asked| asked.status.success()) {
        return true;
    }
    skip(
        "REPLICAS WITH A WRONG CLOCK ARE NOT TESTED: no faketime here",
        "VACANCY_REQUIRE_FAKETIME",
        "install faketime (Debian and Ubuntu: apt-get install faketime)",
    );
    false
}

/// The program under a clock that is off by `offset`, as a script that becomes it.
fn with_clock(folder: &Folder, offset: &str) -> PathBuf {
    let script = folder.path().join(format!("vacancy{offset}"));
    let text = format!(
        "#!/bin/sh\nexport FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\n\
         # The wrapper would stay between us and the service: only its library is wanted.\n\
         LD_PRELOAD=$(faketime -f '{offset}' printenv LD_PRELOAD) || exit 1\n\
         export LD_PRELOAD FAKETIME='{offset}'\n\
         exec '{}' \"$@\"\n",
        binary().display()
    );
    std::fs::write(&script, text).expect("a new folder can be written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))
        .expect("our own file's mode can be set");
    script
}

/// The clock that a process goes by when no other is asked: its own ids are made from it.
async fn clock_of(api: &Api) -> i64 {
    let answer = api.get("/livez").await.expect(200);
    let id = answer.header("x-request-id").expect("every answer names its request").to_owned();
    let id: uuid::Uuid = id.parse().expect("ids are UUIDs");
    let made = id.get_timestamp().expect("of version 7").to_unix().0;
    i64::try_from(made).expect("before the year 292 billion")
}

fn our_clock() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the year 292 billion")
}

fn epoch_micros(instant: &str) -> i64 {
    let instant = chrono::DateTime::parse_from_rfc3339(instant).expect("RFC 3339");
    instant.timestamp_micros()
}
