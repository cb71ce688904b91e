//! `Idempotency-Key`: however often a request comes, and wherever, it is carried out once.

use std::time::{Duration, Instant};

use serde_json::json;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Answer;
use vacancy_testkit::replica::{Replica, ReplicaOptions};
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::crowd::{at_once, clients, counted, replicas, replicas_with, until_told, urls};
use crate::rival::Rival;
use crate::support::{Api, id_of, stay_body};

const COPIES: usize = 16;

on_both_databases! {
    /// Every kind of creation, sixteen copies at once, on one replica.
    async fn sixteen_copies_on_one_replica_are_one_request(db: Database) {
        let replica = Replica::start(&db).await;
        sixteen_copies_of_everything(&db, &[replica]).await;
    }

    /// The same, spread over two where the database may have two.
    async fn sixteen_copies_over_all_replicas_are_one_request(db: Database) {
        let replicas = replicas(&db).await;
        sixteen_copies_of_everything(&db, &replicas).await;
    }

    /// An edit carries the version that it outdates itself: its copies must not hear 412.
    async fn copies_of_an_edit_and_of_commands_hear_what_the_first_one_heard(db: Database) {
        let replicas = replicas(&db).await;
        let clients = clients(&urls(&replicas), COPIES).await;
        let room = clients[0].one_room().await;
        let patch = copies(&clients, "patch", |api, key| async move {
            let body = json!({ "capacity": 4 });
            let request = api.client.patch(api.path(&format!("/v1/rooms/{}", key.1))).json(&body);
            request.header("If-Match", "\"1\"").header("Idempotency-Key", key.0).send().await
        }, &room).await.0;
        assert_one_answer(&patch, 200);
        assert_eq!(clients[0].room_now(&room).await["version"], 2);

        let hold = id_of(&clients[0].hold(&room, 0, 1).await.expect(201));
        for (step, version) in [("confirm", 4), ("cancel", 5)] {
            let answers = copies(&clients, step, |api, (key, path)| async move {
                let request = api.client.post(api.path(&path));
                request.header("Idempotency-Key", key).send().await
            }, &format!("/v1/bookings/{hold}/{step}")).await.0;
            assert_one_answer(&answers, 200);
            assert_eq!(clients[0].room_now(&room).await["version"], version);
        }
        assert_eq!(clients[0].room_now(&room).await["times_booked"], 0);
    }

    /// The stored answer comes before any precondition is looked at, and says what was true then.
    async fn a_replay_comes_word_for_word_after_the_room_moved_on(db: Database) {
        let replicas = replicas(&db).await;
        let api = Api::new(replicas[0].url());
        let other = Api::new(replicas[replicas.len() - 1].url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let book = |api: &Api| {
            let request = api.client.post(api.path(&path)).json(stay_body(0, 2));
            request.header("If-Match", "\"1\"").header("Idempotency-Key", "k-1").send()
        };
        let first = book(&api).await.expect(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        // The room moves on, and so does the booking.
        let booking = id_of(&first);
        api.book(&room, 5, 6).await.expect(201);
        api.patch(&format!("/v1/rooms/{room}"), "*", &json!({ "capacity": 5 })).await.expect(200);
        api.command(&booking, "cancel").await.expect(200);
        api.book(&room, 0, 2).await.expect(201);
        let before = api.room_now(&room).await;
        for api in [&api, &other] {
            let again = book(api).await;
            assert_one_answer(&[first.clone(), again], 201);
        }
        let fresh = api.client.post(api.path(&path)).json(stay_body(0, 2));
        fresh.header("If-Match", "\"1\"").header("Idempotency-Key", "k-2").send().await.expect(412);
        assert_eq!(api.room_now(&room).await, before);
    }

    /// One key is one request: another body, path or precondition under it is a mistake to be told.
    async fn another_request_under_the_key_is_told_so(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let first = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(201);
        let before = api.room_now(&room).await;
        let other_body = api.post_keyed(&path, &stay_body(3, 4), "k").await.expect(422);
        let other_path = api.post_keyed("/v1/hotels", &stay_body(0, 1), "k").await.expect(422);
        let other_query = format!("{path}?version=2");
        let other_query = api.post_keyed(&other_query, &stay_body(0, 1), "k").await.expect(422);
        let guarded = api.client.post(api.path(&path)).json(stay_body(0, 1));
        let guarded = guarded.header("If-Match", "\"2\"").header("Idempotency-Key", "k");
        let other_precondition = guarded.send().await.expect(422);
        let others = [other_body, other_path, other_query, other_precondition];
        for answer in &others {
            assert_eq!(answer.code(), "idempotency_mismatch");
            assert_eq!(answer.json()["retryable"], false);
        }
        // The same JSON, written otherwise, is the same request.
        let text = stay_body(0, 1).to_string().replace(':', " :  ");
        let again = api.client.post(api.path(&path)).body(text);
        let again = again.header("Content-Type", "application/json");
        let again = again.header("Idempotency-Key", "k").send().await;
        assert_one_answer(&[first, again], 201);
        assert_eq!(api.room_now(&room).await, before);
        let mismatches = [("result", "mismatch")];
        let urls = [replica.url()];
        assert_eq!(counted(&urls, "idempotency_requests_total", &mismatches).await, 4);
    }

    /// Only successes are kept: what was refused may be sent again, and may then succeed.
    async fn a_refusal_is_not_kept(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let rival = id_of(&api.book(&room, 0, 1).await.expect(201));
        let refused = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(409);
        assert_eq!(refused.code(), "room_unavailable");
        let mut senseless = stay_body(0, 1);
        senseless["guests"] = 0.into();
        api.post_keyed(&path, &senseless, "k").await.expect(422);
        let post = api.client.post(api.path(&path)).json(stay_body(0, 1));
        let stale = post.header("If-Match", "\"1\"");
        stale.header("Idempotency-Key", "k").send().await.expect(412);
        let keys = "SELECT COUNT(*) FROM idempotency_keys WHERE key = 'k'";
        assert_eq!(db.count(keys).await, 0);

        api.command(&rival, "cancel").await.expect(200);
        let booked = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(201);
        assert_eq!(booked.header("idempotency-replayed"), None);
        assert_eq!(db.count(keys).await, 1);
        let again = api.post_keyed(&path, &stay_body(0, 1), "k").await;
        assert_one_answer(&[booked, again], 201);
    }

    /// A key lives as long as it was told to, by the database's clock, and can then be used anew.
    async fn an_expired_key_is_used_anew(db: Database) {
        // Long enough to ask again meanwhile, on a busy machine too.
        const LIFE: Duration = Duration::from_secs(3);
        let options = ReplicaOptions { key_time_to_live: LIFE, ..ReplicaOptions::default() };
        let replicas = replicas_with(&db, &options).await;
        let api = Api::new(replicas[0].url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        let sent = Instant::now();
        let first = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(201);
        let (api, path) = (&api, &path);
        // Another request under it is a mismatch until the key's end, and from then on a first one.
        let second = eventually("the key expires", PATIENCE, || async move {
            let answer = api.post_keyed(path, &stay_body(3, 4), "k").await;
            if answer.status == 422 {
                assert_eq!(answer.code(), "idempotency_mismatch");
                return None;
            }
            Some(answer.expect(201))
        });
        let second = second.await;
        let lived = sent.elapsed();
        // SQLite's clock knows milliseconds, and this one more.
        assert!(lived + Duration::from_millis(10) >= LIFE, "the key was gone after {lived:?}");
        assert_ne!(id_of(&first), id_of(&second));
        assert_eq!(second.header("idempotency-replayed"), None);
        let other = Api::new(replicas[replicas.len() - 1].url());
        // So that it does not expire before it is sent again.
        db.sql("UPDATE idempotency_keys SET expires_at = '2999-01-01T00:00:00.000000+00:00'").await;
        let again = other.post_keyed(path, &stay_body(3, 4), "k").await;
        assert_one_answer(&[second, again], 201);
        assert_eq!(db.count("SELECT COUNT(*) FROM idempotency_keys WHERE key = 'k'").await, 1);
        assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 2);
        eprintln!("{:?}: a key of {LIFE:?} was free after {lived:?}", db.kind());
    }

    /// A copy waits for the first, and only so long; then it is told to come again.
    async fn a_copy_of_a_slow_request_waits_and_is_then_told_to_come_again(db: Database) {
        let rival = Rival::on(&db);
        // Long enough that the first is still at work when its copy has lost patience.
        let (failpoint, request_timeout) = (rival.failpoint(), PATIENCE);
        let options = ReplicaOptions { failpoint, request_timeout, ..ReplicaOptions::default() };
        let replica = Replica::start_with(&db, options).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let path = format!("/v1/rooms/{room}/bookings");
        rival.hold_up(1);
        let first = tokio::spawn({
            let (api, path) = (api.clone(), path.clone());
            async move { api.post_keyed(&path, &stay_body(0, 1), "k").await }
        });
        rival.has_held_up(1).await;

        let sent = Instant::now();
        let copy = api.post_keyed(&path, &stay_body(0, 1), "k").await.expect(409);
        let waited = sent.elapsed();
        assert_eq!(copy.code(), "idempotency_in_flight");
        assert_eq!(copy.json()["retryable"], true);
        assert!(copy.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()));
        assert!(waited >= Duration::from_secs(2), "it waited {waited:?}");
        assert!(!first.is_finished(), "it was not the first that ended the waiting");

        // One that is let go meanwhile finds the first one's answer.
        let waiting = tokio::spawn({
            let (api, path, body) = (api.clone(), path.clone(), stay_body(0, 1));
            async move { until_told(|| api.post_keyed(&path, &body, "k")).await }
        });
        rival.let_go(1);
        let first = first.await.expect("the first copy is answered");
        assert_eq!(first.header("idempotency-replayed"), None, "{first:?}");
        let (waiting, in_flight) = waiting.await.expect("the waiting copy is answered");
        let later = api.post_keyed(&path, &stay_body(0, 1), "k").await;
        assert_one_answer(&[first, waiting, later], 201);
        assert_eq!(api.room_now(&room).await["version"], 2);
        let in_flight = 1 + in_flight;
        for (result, count) in
            [("new", 1), ("replayed", 2), ("in_flight", in_flight), ("mismatch", 0)]
        {
            let labels = [("result", result)];
            let name = "idempotency_requests_total";
            assert_eq!(counted(&[replica.url()], name, &labels).await, count, "{result}");
        }
        eprintln!("{:?}: the copy was told to come again after {waited:?}", db.kind());
    }
}

/// A copy that comes to another replica overtakes the first while that one has not committed; the
/// first then answers what the copy was answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_on_another_replica_may_overtake_and_is_one_request_still() {
    let Some(db) = Database::create(Kind::Postgres).await else { return };
    let rival = Rival::on(&db);
    let options = ReplicaOptions { failpoint: rival.failpoint(), ..ReplicaOptions::default() };
    let slow = Replica::start_with(&db, options).await;
    let quick = Replica::start(&db).await;
    let (api, other) = (Api::new(slow.url()), Api::new(quick.url()));
    let hotel = api.hotel().await;
    let room = api.room(&hotel, "101").await;
    api.room(&hotel, "102").await;
    let new_room = json!({ "number": "103", "kind": "single", "capacity": 1 });
    let new_hotel = json!({ "name": "Danieli", "city": "Venice" });
    for (path, body) in [
        (format!("/v1/rooms/{room}/bookings"), stay_body(0, 1)),
        (format!("/v1/hotels/{hotel}/bookings"), stay_body(5, 6)),
        (format!("/v1/hotels/{hotel}/rooms"), new_room),
        ("/v1/hotels".to_owned(), new_hotel),
    ] {
        rival.hold_up(1);
        let first = tokio::spawn({
            let (api, path, body) = (api.clone(), path.clone(), body.clone());
            async move { api.post_keyed(&path, &body, &path).await }
        });
        rival.has_held_up(1).await;
        let copy = other.post_keyed(&path, &body, &path).await.expect(201);
        assert_eq!(copy.header("idempotency-replayed"), None, "{path}");
        rival.let_go(1);
        let first = first.await.expect("the first is answered");
        assert_one_answer(&[copy, first], 201);
    }
    assert_eq!(db.count("SELECT COUNT(*) FROM bookings").await, 2);
    assert_eq!(db.count("SELECT COUNT(*) FROM rooms").await, 3);
    assert_eq!(db.count("SELECT COUNT(*) FROM hotels").await, 2);
    db.assert_audit_is_clean().await;
}

async fn sixteen_copies_of_everything(db: &Database, replicas: &[Replica]) {
    let began = Instant::now();
    let urls = urls(replicas);
    let clients = clients(&urls, COPIES).await;
    let api = &clients[0];
    let hotel = api.hotel().await;
    let room = api.room(&hotel, "101").await;
    for number in 102..106 {
        api.room(&hotel, &number.to_string()).await;
    }
    let mut held = stay_body(7, 9);
    held["hold_seconds"] = 600.into();
    let new_room = json!({ "number": "106", "kind": "single", "capacity": 1 });
    let new_hotel = json!({ "name": "Danieli", "city": "Venice" });
    let requests = [
        (format!("/v1/rooms/{room}/bookings"), stay_body(0, 2), "bookings"),
        (format!("/v1/rooms/{room}/bookings"), held, "bookings"),
        (format!("/v1/hotels/{hotel}/bookings"), stay_body(0, 2), "bookings"),
        (format!("/v1/hotels/{hotel}/rooms"), new_room, "rooms"),
        ("/v1/hotels".to_owned(), new_hotel, "hotels"),
    ];
    let mut told_again = 0;
    for (number, (path, body, table)) in requests.iter().enumerate() {
        let rows = format!("SELECT COUNT(*) FROM {table}");
        let before = db.count(&rows).await;
        let key = format!("key-{number}");
        let body_of_all = body.clone();
        let post = move |api: Api, (key, path): (String, String)| {
            let body = body_of_all.clone();
            async move { api.post_keyed(&path, &body, &key).await }
        };
        let (answers, in_flight) = copies(&clients, &key, post, path).await;
        told_again += in_flight;
        assert_one_answer(&answers, 201);
        assert_eq!(db.count(&rows).await, before + 1, "{path}");
        let location = api.post_keyed(path, body, &key).await;
        let location = location.header("location").expect("a creation has a Location").to_owned();
        api.get(&location).await.expect(200);
    }
    let requests = requests.len() as u64;
    let result = |result| [("result", result)];
    let name = "idempotency_requests_total";
    assert_eq!(counted(&urls, name, &result("new")).await, requests);
    assert_eq!(counted(&urls, name, &result("replayed")).await, requests * COPIES as u64);
    for (other, count) in [("mismatch", 0), ("in_flight", told_again)] {
        assert_eq!(counted(&urls, name, &result(other)).await, count, "{other}");
    }
    let now = api.room_now(&room).await;
    assert_eq!((&now["version"], &now["times_booked"]), (&3.into(), &1.into()));
    eprintln!(
        "{COPIES} copies of {requests} requests, {:?}, {} replicas: {requests} carried out, {:?}",
        db.kind(),
        replicas.len(),
        began.elapsed()
    );
}

/// Sends one request from every client at once, with the same key. Each hears an answer in the end; gives
/// those, and how often one was told to come again, as may be on a busy machine.
async fn copies<F>(
    clients: &[Api],
    key: &str,
    send: impl Fn(Api, (String, String)) -> F + Clone + Send + Sync + 'static,
    about: &str,
) -> (Vec<Answer>, u64)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let about = (key.to_owned(), about.to_owned());
    let requests = clients.iter().cloned().map(|api| {
        let (send, about) = (send.clone(), about.clone());
        async move { until_told(|| send(api.clone(), about.clone())).await }
    });
    let (answers, in_flight): (_, Vec<_>) = at_once(requests).await.into_iter().unzip();
    (answers, in_flight.iter().sum())
}

/// All answers are the same, and all but one say that they are repetitions.
#[track_caller]
fn assert_one_answer(answers: &[Answer], status: u16) {
    let said = |answer: &Answer| {
        let header = |name| answer.header(name).map(ToOwned::to_owned);
        (answer.status, header("etag"), header("location"), answer.json())
    };
    let first = said(&answers[0]);
    assert_eq!(first.0, status, "{:?}", answers[0]);
    assert!(first.1.is_some(), "an ETag: {:?}", answers[0]);
    for answer in answers {
        assert_eq!(said(answer), first);
        assert_eq!(answer.body, answers[0].body);
    }
    let replayed = |answer: &&Answer| answer.header("idempotency-replayed") == Some("true");
    assert_eq!(answers.iter().filter(replayed).count(), answers.len() - 1, "{answers:?}");
}
