//! Lists: every item exactly once, in one order on either database, and searches that keep their
//! word.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, day, id_of, stay_body};

/// Whether an item belongs into a list.
type Keep<'a> = dyn Fn(&Value) -> bool + 'a;

/// Follows a list to its end, `limit` items a page, by the cursor and by the link, which agree.
async fn walk(api: &Api, path: &str, limit: usize) -> Vec<Value> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut next = format!("{path}{joint}limit={limit}");
    let mut items = Vec::new();
    loop {
        let answer = api.get(&next).await.expect(200);
        let page = answer.json();
        let found = page["items"].as_array().expect("a list has items");
        assert!(found.len() <= limit, "{next}");
        items.extend(found.iter().cloned());
        let cursor = page.get("next_cursor").map(|it| it.as_str().expect("a text").to_owned());
        let link = answer.header("link").map(|link| {
            let link = link.strip_prefix('<').and_then(|it| it.strip_suffix(">; rel=\"next\""));
            link.expect("a link to the next page").to_owned()
        });
        let Some(cursor) = cursor else {
            assert_eq!(link, None, "the last page links nowhere");
            break;
        };
        assert_eq!(found.len(), limit, "only the last page is short: {next}");
        assert_eq!(link, Some(format!("{path}{joint}limit={limit}&cursor={cursor}")));
        next = link.expect("it was just compared");
        assert!(items.len() < 10_000, "a list that does not end");
    }
    items
}

/// The list in pages of several sizes is always what is expected.
async fn check_walk(api: &Api, path: &str, expected: &[&Value]) {
    let expected: Vec<_> = expected.iter().map(|it| (*it).clone()).collect();
    for limit in [1, 2, 7, 200] {
        let found = walk(api, path, limit).await;
        let name = |items: &[Value]| -> Vec<String> {
            items.iter().map(|it| it["number"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(name(&found), name(&expected), "{path} by {limit}");
        assert_eq!(found, expected, "{path} by {limit}");
    }
}

fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().expect("a text")
}

fn number(item: &Value, field: &str) -> i64 {
    item[field].as_i64().expect("a number")
}

on_both_databases! {
    async fn rooms_are_listed_in_every_order(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = |name: &'static str, city: &'static str| {
            let api = api.clone();
            async move {
                id_of(
                    &api.post("/v1/hotels", &json!({ "name": name, "city": city }))
                        .await
                        .expect(201),
                )
            }
        };
        let (venice, rome) = (hotel("Rialto", "Venice").await, hotel("Forum", "Rome").await);
        let also_venice = hotel("Danieli", "Venice").await;
        let rate = |amount: i64, currency: &str| json!({ "amount": amount, "currency": currency });
        let rooms = [
            // Equal numbers in different hotels, upper and lower case, digits, letters beyond ASCII.
            (&venice, "10", "double", 2, Some(rate(100, "EUR"))),
            (&venice, "9", "double", 2, Some(rate(100, "EUR"))),
            (&rome, "10", "suite", 4, Some(rate(100, "EUR"))),
            (&also_venice, "10", "Double", 1, None),
            (&venice, "a", "double", 3, Some(rate(0, "EUR"))),
            (&venice, "A", "double", 2, None),
            (&venice, "B", "suite", 4, Some(rate(99, "USD"))),
            (&venice, "b", "suite", 2, Some(rate(1_000_000_000_000, "CHF"))),
            (&venice, "\u{e9}tage", "single", 1, Some(rate(100, "EUR"))),
            (&venice, "Z", "single", 1, Some(rate(7, "ZZZ"))),
            (&venice, "\u{df}", "double", 2, None),
            (&rome, "\u{6771}", "double", 2, Some(rate(8, "AAA"))),
            (&rome, "\u{1f3e8}", "double", 2, None),
            (&rome, "_", "double", 2, Some(rate(100, "JPY"))),
            (&rome, "~", "double", 2, Some(rate(101, "EUR"))),
            (&rome, "10 ", "double", 2, Some(rate(100, "EUR"))),
        ];
        let mut ids = Vec::new();
        for (place, (hotel, number, kind, capacity, rate)) in rooms.iter().enumerate() {
            let number = if *number == "10 " { "10 b" } else { number };
            let mut body = json!({ "number": number, "kind": kind, "capacity": capacity });
            if let Some(rate) = rate {
                body["nightly_rate"] = rate.clone();
            }
            let room =
                id_of(&api.post(&format!("/v1/hotels/{hotel}/rooms"), &body).await.expect(201));
            let stay = stay_body(0, 1);
            for night in 0..place % 4 {
                let mut stay = stay.clone();
                (stay["check_in"], stay["check_out"]) =
                    (day(night as u64).into(), day(night as u64 + 1).into());
                stay["guests"] = 1.into();
                api.post(&format!("/v1/rooms/{room}/bookings"), &stay).await.expect(201);
            }
            ids.push(room);
        }
        // One is deleted, and listed nowhere.
        let gone = api.room(&venice, "0").await;
        api.client
            .delete(api.path(&format!("/v1/rooms/{gone}")))
            .header("If-Match", "*")
            .send()
            .await
            .expect(204);
        let mut all = Vec::new();
        for id in &ids {
            all.push(api.room_now(id).await);
        }

        let mut by_number: Vec<_> = all.iter().collect();
        by_number.sort_by_key(|it| (text(it, "number").as_bytes(), text(it, "id")));
        check_walk(&api, "/v1/rooms", &by_number).await;
        check_walk(&api, "/v1/rooms?sort=number", &by_number).await;
        let mut by_times: Vec<_> = all.iter().collect();
        by_times.sort_by_key(|it| (number(it, "times_booked"), text(it, "id")));
        let least_booked = format!("/v1/rooms?sort=times_booked&hotel_id={venice}");
        let everywhere = api.get("/v1/rooms?sort=times_booked").await.expect(400);
        assert_eq!(everywhere.code(), "invalid_request");
        let why = everywhere.json();
        assert!(text(&why, "detail").contains("hotel_id or city"), "{why}");
        let mut by_rate: Vec<_> = all.iter().collect();
        by_rate.sort_by_key(|it| {
            let rate = it.get("nightly_rate");
            let rate = rate.map(|rate| (text(rate, "currency"), number(rate, "amount")));
            (rate.is_none(), rate, text(it, "id"))
        });
        check_walk(&api, "/v1/rooms?sort=nightly_rate", &by_rate).await;

        // Filters take away, and leave the order.
        let cities = |it: &Value| if text(it, "hotel_id") == rome { "Rome" } else { "Venice" };
        let rome_path = format!("/v1/rooms?hotel_id={rome}");
        let both = format!("/v1/rooms?sort=nightly_rate&hotel_id={venice}&kind=double&guests=2");
        let absent = "/v1/rooms?hotel_id=01890000-0000-7000-8000-000000000000";
        let cases: [(&str, &[&Value], &Keep); 11] = [
            (&least_booked, &by_times, &|it| text(it, "hotel_id") == venice),
            (&rome_path, &by_number, &|it| text(it, "hotel_id") == rome),
            ("/v1/rooms?city=Venice", &by_number, &|it| cities(it) == "Venice"),
            ("/v1/rooms?city=Rome&sort=times_booked", &by_times, &|it| cities(it) == "Rome"),
            ("/v1/rooms?city=venice", &by_number, &|_| false),
            ("/v1/rooms?kind=double", &by_number, &|it| text(it, "kind") == "double"),
            ("/v1/rooms?kind=Double", &by_number, &|it| text(it, "kind") == "Double"),
            ("/v1/rooms?guests=2", &by_number, &|it| number(it, "capacity") >= 2),
            ("/v1/rooms?guests=5", &by_number, &|_| false),
            (&both, &by_rate, &|it| {
                text(it, "hotel_id") == venice
                    && text(it, "kind") == "double"
                    && number(it, "capacity") >= 2
            }),
            (absent, &by_number, &|_| false),
        ];
        for (path, order, keep) in cases {
            let expected: Vec<_> = order.iter().copied().filter(|it| keep(it)).collect();
            check_walk(&api, path, &expected).await;
        }
        // Nothing that changes behind the place where one is moves what is still to come.
        let first = api.get("/v1/rooms?limit=5").await.json();
        let cursor = text(&first, "next_cursor").to_owned();
        api.room(&venice, "!before all").await;
        let rest = walk(&api, &format!("/v1/rooms?cursor={cursor}"), 200).await;
        let expected: Vec<_> = by_number[5..].iter().map(|it| (*it).clone()).collect();
        assert_eq!(rest, expected);
    }

    async fn hotels_bookings_and_events_are_listed_in_order(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let mut hotels = Vec::new();
        for place in 0..9 {
            let city = if place % 3 == 0 { "K\u{f6}ln" } else { "Venice" };
            let body = json!({ "name": format!("h{place}"), "city": city });
            hotels.push(api.post("/v1/hotels", &body).await.expect(201).json());
        }
        check_walk(&api, "/v1/hotels", &hotels.iter().collect::<Vec<_>>()).await;
        let cologne: Vec<_> = hotels.iter().step_by(3).collect();
        check_walk(&api, "/v1/hotels?city=K%C3%B6ln", &cologne).await;

        let hotel = text(&hotels[0], "id");
        let (room, other) = (api.room(hotel, "1").await, api.room(hotel, "2").await);
        let elsewhere = api.room(text(&hotels[1], "id"), "1").await;
        let mut ids = Vec::new();
        // In no order, with equal days in different rooms.
        for (room, from, to) in [
            (&room, 20, 25),
            (&other, 3, 5),
            (&room, 3, 4),
            (&room, 0, 3),
            (&elsewhere, 3, 9),
            (&other, 20, 21),
            (&room, 8, 20),
            (&elsewhere, 0, 1),
            (&other, 21, 40),
            (&room, 25, 26),
        ] {
            ids.push(id_of(&api.book(room, from, to).await.expect(201)));
        }
        for id in &ids[..3] {
            api.command(id, "cancel").await.expect(200);
        }
        ids.push(id_of(&api.hold(&room, 3, 4).await.expect(201)));
        let lapsed = id_of(&api.hold(&room, 50, 51).await.expect(201));
        db.let_holds_lapse().await;
        api.command(&lapsed, "confirm").await.expect(409);
        ids.push(lapsed);
        let mut all = Vec::new();
        for id in &ids {
            all.push(api.get(&format!("/v1/bookings/{id}")).await.json());
        }
        let mut ordered: Vec<_> = all.iter().collect();
        ordered.sort_by_key(|it| (text(it, "check_in"), text(it, "id")));

        let overlaps = |it: &Value, from: u64, to: u64| {
            text(it, "check_in") < day(to).as_str() && text(it, "check_out") > day(from).as_str()
        };
        let span = |from: u64, to: u64| format!("from={}&to={}", day(from), day(to));
        let cases: Vec<(String, Box<Keep>)> = vec![
            ("/v1/bookings".to_owned(), Box::new(|_| true)),
            (format!("/v1/bookings?room_id={room}"), Box::new(|it| text(it, "room_id") == room)),
            (
                format!("/v1/bookings?hotel_id={hotel}"),
                Box::new(|it| text(it, "hotel_id") == hotel),
            ),
            (
                "/v1/bookings?status=confirmed".to_owned(),
                Box::new(|it| text(it, "status") == "confirmed"),
            ),
            (
                "/v1/bookings?status=cancelled".to_owned(),
                Box::new(|it| text(it, "status") == "cancelled"),
            ),
            ("/v1/bookings?status=held".to_owned(), Box::new(|it| text(it, "status") == "held")),
            (
                "/v1/bookings?status=expired".to_owned(),
                Box::new(|it| text(it, "status") == "expired"),
            ),
            (format!("/v1/bookings?{}", span(3, 4)), Box::new(|it| overlaps(it, 3, 4))),
            (format!("/v1/bookings?{}", span(4, 8)), Box::new(|it| overlaps(it, 4, 8))),
            (format!("/v1/bookings?{}", span(19, 21)), Box::new(|it| overlaps(it, 19, 21))),
            (format!("/v1/bookings?from={}", day(20)), Box::new(|it| overlaps(it, 20, 1_000))),
            (format!("/v1/bookings?to={}", day(3)), Box::new(|it| overlaps(it, 0, 3))),
            (
                format!("/v1/bookings?status=confirmed&room_id={room}&{}", span(9, 30)),
                Box::new(|it| {
                    text(it, "status") == "confirmed"
                        && text(it, "room_id") == room
                        && overlaps(it, 9, 30)
                }),
            ),
            (format!("/v1/rooms/{room}/bookings"), Box::new(|it| text(it, "room_id") == room)),
            (
                format!("/v1/rooms/{room}/bookings?status=held&{}", span(0, 9)),
                Box::new(|it| text(it, "room_id") == room && text(it, "status") == "held"),
            ),
            (
                format!("/v1/rooms/{elsewhere}/bookings?from={}", day(1)),
                Box::new(|it| text(it, "room_id") == elsewhere && overlaps(it, 1, 1_000)),
            ),
        ];
        for (path, keep) in &cases {
            let expected: Vec<_> = ordered.iter().copied().filter(|it| keep(it)).collect();
            check_walk(&api, path, &expected).await;
        }

        // A stay as long as they come is found by its last night.
        let long = id_of(&api.book(&elsewhere, 100, 465).await.expect(201));
        let found = walk(&api, &format!("/v1/bookings?from={}", day(464)), 9).await;
        assert_eq!(found.iter().map(|it| text(it, "id")).collect::<Vec<_>>(), [long.as_str()]);
        assert_eq!(walk(&api, &format!("/v1/bookings?from={}", day(465)), 9).await.len(), 0);

        let events = walk(&api, &format!("/v1/rooms/{room}/events"), 200).await;
        let version = number(&api.room_now(&room).await, "version");
        let versions: Vec<_> = events.iter().map(|it| number(it, "version")).collect();
        assert_eq!(versions, (1..=version).collect::<Vec<_>>());
        check_walk(&api, &format!("/v1/rooms/{room}/events"), &events.iter().collect::<Vec<_>>())
            .await;
        for after in [0, 1, version - 1, version, version + 1] {
            let place = usize::try_from(after.min(version)).expect("small");
            let rest: Vec<_> = events[place..].iter().collect();
            check_walk(&api, &format!("/v1/rooms/{room}/events?after_version={after}"), &rest)
                .await;
        }
        // A cursor of an earlier page does not lead back behind what is asked for.
        let first = api.get(&format!("/v1/rooms/{room}/events?limit=1")).await.expect(200).json();
        let cursor = text(&first, "next_cursor");
        let path = format!("/v1/rooms/{room}/events?limit=1&after_version=2&cursor={cursor}");
        let page = api.get(&path).await.expect(200).json();
        assert_eq!(number(&page["items"][0], "version"), 3);
    }

    /// A page looks at no more than 1,000 rooms, and what it did not reach comes in the pages after.
    async fn a_search_among_many_taken_rooms_goes_on_page_by_page(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let first = api.room(&hotel, "0").await;
        // 2,500 more, of which every 500th is a suite.
        let (id, kind) = match db.kind() {
            vacancy_testkit::database::Kind::Sqlite => ("randomblob(16)", "printf('%04d', n)"),
            vacancy_testkit::database::Kind::Postgres => {
                ("gen_random_uuid()", "lpad(n::text, 4, '0')")
            }
        };
        db.sql(&format!(
            "WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 2500)
             INSERT INTO rooms (id, hotel_id, number, kind, capacity, rate_amount, rate_currency,
                 status, times_booked, version, created_at, updated_at)
             SELECT {id}, hotel_id, 'r' || {kind},
                 CASE WHEN n % 500 = 0 THEN 'suite' ELSE 'double' END, 2, n, 'EUR', 'open', 0, 1,
                 created_at, updated_at FROM rooms, many WHERE rooms.id = {}",
            db.kind().uuid(&first)
        ))
        .await;
        db.is_left_unsound("rooms were made past the service, without events");
        let suites = ["r0500", "r1000", "r1500", "r2000", "r2500"];
        for place in [format!("hotel_id={hotel}&"), "city=Venice&".to_owned(), String::new()] {
            for sort in ["number", "nightly_rate", "times_booked"] {
                if sort == "times_booked" && place.is_empty() {
                    continue;
                }
                for wanted in ["kind=suite", "kind=suite&guests=2"] {
                    let dates = format!("check_in={}&check_out={}", day(1), day(3));
                    let list = format!("/v1/rooms?{place}sort={sort}&{wanted}&{dates}");
                    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
                    loop {
                        let page = api.get(&format!("{list}{cursor}")).await.expect(200).json();
                        let items = page["items"].as_array().expect("a list has items");
                        found.extend(items.iter().map(|it| text(it, "number").to_owned()));
                        pages += 1;
                        let Some(next) = page.get("next_cursor") else { break };
                        cursor = format!("&cursor={}", next.as_str().expect("a text"));
                    }
                    if sort == "times_booked" {
                        found.sort(); // They tie, and ids are random.
                    }
                    assert_eq!(found, suites, "{list}");
                    assert_eq!(pages, 3, "{list}");
                }
            }
        }
    }

    /// A room is found for a stay if and only if its availability covers it, and if and only if it
    /// can be booked.
    async fn search_availability_and_booking_agree(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let mut rooms = Vec::new();
        for place in 0..6 {
            rooms.push(api.room(&hotel, &place.to_string()).await);
        }
        let mut random = Random(2_026);
        for room in &rooms {
            for _ in 0..8 {
                let (from, nights) = (random.below(40), 1 + random.below(4));
                let booked = if random.below(2) == 0 {
                    api.book(room, from, from + nights).await
                } else {
                    api.hold(room, from, from + nights).await
                };
                if booked.status == 201 && random.below(3) == 0 {
                    api.command(&id_of(&booked), "cancel").await.expect(200);
                }
            }
        }
        // Half of the holds have lapsed, and none is expired yet.
        let first_half =
            rooms[..3].iter().map(|room| db.kind().uuid(room)).collect::<Vec<_>>().join(", ");
        let before = match db.kind() {
            vacancy_testkit::database::Kind::Sqlite => {
                "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-1 hour')"
            }
            vacancy_testkit::database::Kind::Postgres => "now() - interval '1 hour'",
        };
        db.sql(&format!(
            "UPDATE bookings SET hold_expires_at = {before} WHERE status = 'held' AND room_id IN ({first_half})"
        )).await;
        api.patch(&format!("/v1/rooms/{}", rooms[5]), "*", &json!({ "status": "closed" }))
            .await
            .expect(200);

        let (mut found_some, mut found_none) = (0, 0);
        for _ in 0..24 {
            let from = random.below(40);
            let to = from + 1 + random.below(6);
            let search = format!(
                "/v1/rooms?hotel_id={hotel}&check_in={}&check_out={}&guests=2",
                day(from),
                day(to)
            );
            let found = walk(&api, &search, 2).await;
            let found: BTreeSet<_> = found.iter().map(|it| text(it, "id").to_owned()).collect();
            for room in &rooms {
                let availability =
                    format!("/v1/rooms/{room}/availability?from={}&to={}", day(from), day(to));
                let free = api.get(&availability).await.expect(200).json()["free"].clone();
                let all_of_it = json!([{ "check_in": day(from), "check_out": day(to) }]);
                assert_eq!(free == all_of_it, found.contains(room), "{from}-{to}: {free}");
                let booked = api.book(room, from, to).await;
                assert_eq!(booked.status == 201, found.contains(room), "{from}-{to}: {booked:?}");
                if booked.status == 201 {
                    found_some += 1;
                    api.command(&id_of(&booked), "cancel").await.expect(200);
                } else {
                    found_none += 1;
                }
            }
        }
        assert!(
            found_some > 20 && found_none > 20,
            "{found_some} {found_none}: a test of both sides"
        );
        // A wider look is made of the same nights.
        for room in &rooms[..5] {
            let path = format!("/v1/rooms/{room}/availability?from={}&to={}", day(0), day(60));
            let free = api.get(&path).await.expect(200).json();
            assert_eq!(free["room_version"], api.room_now(room).await["version"]);
            let free = free["free"].as_array().expect("a list").clone();
            for pair in free.windows(2) {
                assert!(
                    text(&pair[0], "check_out") < text(&pair[1], "check_in"),
                    "maximal, in order: {pair:?}"
                );
            }
            let in_one = |night: u64| {
                free.iter().any(|it| {
                    text(it, "check_in") <= day(night).as_str()
                        && day(night).as_str() < text(it, "check_out")
                })
            };
            for night in 0..60 {
                let one = format!(
                    "/v1/rooms?hotel_id={hotel}&check_in={}&check_out={}",
                    day(night),
                    day(night + 1)
                );
                if night % 7 == 0 {
                    let listed =
                        walk(&api, &one, 200).await.iter().any(|it| text(it, "id") == room);
                    assert_eq!(listed, in_one(night), "night {night} of {room}");
                }
            }
        }
    }

    async fn cursors_that_are_none(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        api.hotel().await;
        let room = api.room(&hotel, "1").await;
        api.room(&hotel, "2").await;
        for night in 0..3 {
            api.book(&room, night, night + 1).await.expect(201);
        }
        let cursor = |path: String| {
            let api = api.clone();
            async move { text(&api.get(&path).await.expect(200).json(), "next_cursor").to_owned() }
        };
        let lists = [
            "/v1/hotels?limit=1".to_owned(),
            "/v1/rooms?limit=1".to_owned(),
            format!("/v1/rooms?limit=1&sort=times_booked&hotel_id={hotel}"),
            "/v1/rooms?limit=1&sort=nightly_rate".to_owned(),
            "/v1/bookings?limit=1".to_owned(),
            format!("/v1/rooms/{room}/events?limit=1"),
        ];
        // Each list's cursor leads on in that list, and nowhere in any other.
        for (at, list) in lists.iter().enumerate() {
            for (from, other) in lists.iter().enumerate() {
                let cursor = cursor(other.clone()).await;
                let answer = api.get(&format!("{list}&cursor={cursor}")).await;
                if at == from {
                    answer.expect(200);
                } else {
                    assert_eq!(answer.expect(400).code(), "invalid_cursor", "{other} at {list}");
                }
            }
        }
        let made_up = |place: Value| URL_SAFE_NO_PAD.encode(place.to_string());
        let id = "01890000-0000-7000-8000-000000000000";
        let mut cursors: Vec<String> = [
            "",
            "x",
            "!",
            "%00",
            "%FF",
            "bnVsbA",
            "e30",
            "W10",
            "null",
            "eyJhIjoxfQ==",
            "....",
            "AAAA",
        ]
        .map(str::to_owned)
        .into();
        cursors.extend([
            made_up(json!(null)),
            made_up(json!({})),
            made_up(json!([1, 2, 3])),
            made_up(json!({ "Number": ["a\u{0}b", id] })),
            made_up(json!({ "Number": ["", id] })),
            made_up(json!({ "Number": ["x".repeat(300), id] })),
            made_up(json!({ "Number": ["a", "b"] })),
            made_up(json!({ "Number": ["a"] })),
            made_up(json!({ "NightlyRate": [["E\u{0}R", 1], id] })),
            made_up(json!({ "NightlyRate": [["EUR", 1.5], id] })),
            made_up(json!({ "NightlyRate": [["EUR", 9_223_372_036_854_775_808_u64], id] })),
            made_up(json!({ "TimesBooked": ["1", id] })),
            made_up(json!(["2030-01-01"])),
            made_up(json!(["2030-02-30", id])),
            made_up(json!(["2030-01-01", "x"])),
            made_up(json!(["-262143-01-01", id])),
            made_up(json!(["+262142-12-31", id])),
            made_up(json!(["-4800-01-01", id])),
            made_up(json!(-1)),
            made_up(json!(9_223_372_036_854_775_808_u64)),
            made_up(json!(1.5)),
            URL_SAFE_NO_PAD.encode(b"\xff\xfe"),
            URL_SAFE_NO_PAD.encode(b"[".repeat(1_000)),
            "A".repeat(7_000),
        ]);
        for list in &lists {
            for cursor in &cursors {
                let answer = api.get(&format!("{list}&cursor={cursor}")).await;
                let code = answer.clone().expect(400).code();
                let expected =
                    if cursor.starts_with('%') { "invalid_request" } else { "invalid_cursor" };
                assert_eq!(code, expected, "{list} from {cursor}: {answer:?}");
            }
        }
    }

    async fn limits_of_lists(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = api.hotel().await;
        let room = api.room(&hotel, "1").await;
        for path in [
            "/v1/hotels".to_owned(),
            "/v1/rooms".to_owned(),
            "/v1/bookings".to_owned(),
            format!("/v1/rooms/{room}/bookings"),
            format!("/v1/rooms/{room}/events"),
        ] {
            for (limit, status) in [
                ("1", 200),
                ("200", 200),
                ("0", 400),
                ("201", 400),
                ("-1", 400),
                ("", 400),
                ("x", 400),
                ("1.0", 400),
                ("%2B1", 400),
                ("99999999999999999999", 400),
                ("1&limit=1", 400),
            ] {
                let answer = api.get(&format!("{path}?limit={limit}")).await.expect(status);
                if status == 400 {
                    assert_eq!(answer.code(), "invalid_request", "{path} {limit}");
                }
            }
            assert_eq!(
                api.get(&format!("{path}?limit=1")).await.header("cache-control"),
                Some("private, no-cache")
            );
        }
        // Fifty, when the request does not say.
        for number in 2..=51 {
            api.room(&hotel, &number.to_string()).await;
        }
        let page = api.get("/v1/rooms").await.expect(200);
        assert_eq!(page.json()["items"].as_array().map(Vec::len), Some(50));
        let link =
            format!("</v1/rooms?cursor={}>; rel=\"next\"", text(&page.json(), "next_cursor"));
        assert_eq!(page.header("link"), Some(link.as_str()));
        assert_eq!(walk(&api, "/v1/rooms", 51).await.len(), 51);
    }
}

/// Numbers that are different every time and the same in every run (Knuth's multiplier).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
