//! The hotel's day: it lasts until `day_ends`, and all that asks for today agrees on it.

use chrono::{DateTime, Days, Months, NaiveDate, Timelike, Utc};
use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::Answer;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::replica::Replica;

use crate::support::{Api, id_of};

fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// A zone in which it is between five and six in the morning, and the date there. A test ends long
/// before it is eight.
pub fn early_morning() -> (String, NaiveDate) {
    let now = now();
    let ahead = (5 - i64::from(now.hour()) + 11).rem_euclid(24) - 11;
    // POSIX counts the other way.
    let zone = format!("Etc/GMT{:+}", -ahead);
    (zone, (now + chrono::TimeDelta::hours(ahead)).date_naive())
}

/// A hotel there, whose day ends at `ends`.
pub async fn hotel(api: &Api, zone: &str, ends: &str) -> String {
    let body = json!({ "name": "Rialto", "city": "Venice", "time_zone": zone, "day_ends": ends });
    id_of(&api.post("/v1/hotels", &body).await.expect(201))
}

/// Lets the day of a hotel end at another time.
pub async fn let_end(api: &Api, hotel: &str, ends: &str) {
    let body = json!({ "day_ends": ends });
    api.patch(&format!("/v1/hotels/{hotel}"), "*", &body).await.expect(200);
}

/// A stay for two.
pub fn stay(from: NaiveDate, to: NaiveDate) -> Value {
    json!({ "check_in": from, "check_out": to, "guests": 2, "guest": { "name": "Ada Lovelace" } })
}

#[track_caller]
fn check_refused(what: &str, answer: &Answer, pointer: &str) {
    assert_eq!(answer.status, 422, "{what}: {answer:?}");
    assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{what}: {answer:?}");
}

on_both_databases! {
    async fn until_the_day_ends_the_night_that_began_yesterday_is_sold(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let (zone, date) = early_morning();
        let yesterday = date - Days::new(1);
        let hotel = hotel(&api, &zone, "08:00").await;
        let (room, other) = (api.room(&hotel, "1").await, api.room(&hotel, "2").await);
        let (of_room, of_hotel) =
            (format!("/v1/rooms/{room}/bookings"), format!("/v1/hotels/{hotel}/bookings"));

        // In a room and in the hotel: from yesterday on, up to three years from then, no earlier.
        let last = yesterday + Months::new(36);
        for path in [&of_room, &of_hotel] {
            for (check_in, ok) in [
                (yesterday - Days::new(1), false),
                (yesterday, true),
                (last, true),
                (last + Days::new(1), false),
            ] {
                let answer = api.post(path, &stay(check_in, check_in + Days::new(1))).await;
                let what = format!("{path} {check_in}");
                if ok {
                    assert_eq!(answer.status, 201, "{what}: {answer:?}");
                } else {
                    check_refused(&what, &answer, "/check_in");
                    if check_in < yesterday {
                        let why = format!("must not be before today ({yesterday} at the hotel)");
                        assert_eq!(answer.json()["errors"][0]["message"], why, "{what}");
                    }
                }
            }
        }
        // A stay is brought forward to tonight, and no further.
        let third = api.room(&hotel, "3").await;
        let path = format!("/v1/rooms/{third}/bookings");
        let later = stay(date + Days::new(5), date + Days::new(6));
        let booking = format!("/v1/bookings/{}", id_of(&api.post(&path, &later).await.expect(201)));
        let earlier = |check_in: NaiveDate| json!({ "check_in": check_in });
        api.patch(&booking, "*", &earlier(yesterday)).await.expect(200);
        let answer = api.patch(&booking, "*", &earlier(yesterday - Days::new(1))).await;
        check_refused("brought forward", &answer, "/check_in");

        // Tonight keeps the room from being deleted, until the day has ended.
        let delete = |room: String| {
            api.client.delete(api.path(&format!("/v1/rooms/{room}"))).header("If-Match", "*").send()
        };
        let kept = api.get(&format!("/v1/rooms/{other}/bookings?from={last}")).await.expect(200);
        let ahead = kept.json()["items"][0]["id"].as_str().expect("an id").to_owned();
        api.command(&ahead, "cancel").await.expect(200);
        assert_eq!(delete(other.clone()).await.expect(409).code(), "room_in_use");
        let_end(&api, &hotel, "04:00").await;
        for path in [&of_room, &of_hotel] {
            let answer = api.post(path, &stay(yesterday, date)).await;
            check_refused("the day has ended", &answer, "/check_in");
        }
        delete(other).await.expect(204);
        api.post(&of_room, &stay(date, date + Days::new(1))).await.expect(201);
    }

    /// The hotel whose today is the earliest there can be: the day before, in UTC, all day long.
    async fn no_today_is_earlier_than_what_decisions_look_at(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let hotel = hotel(&api, "Etc/GMT+12", "12:00").await;
        for number in 1.. {
            let room = api.room(&hotel, &number.to_string()).await;
            let tonight = now().date_naive() - Days::new(1);
            let book = format!("/v1/rooms/{room}/bookings");
            let booked = api.post(&book, &stay(tonight, tonight + Days::new(1))).await;
            let path = format!("/v1/rooms/{room}");
            let deleted = api.client.delete(api.path(&path)).header("If-Match", "*").send().await;
            if now().date_naive() - Days::new(1) == tonight {
                assert_eq!(booked.status, 201, "{booked:?}");
                assert_eq!(deleted.expect(409).code(), "room_in_use");
                break;
            }
            // Midnight, meanwhile: once more, on the new day.
        }
    }

    async fn when_the_day_ends_is_an_attribute_of_the_hotel(db: Database) {
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let base = json!({ "name": "Rialto", "city": "Venice" });
        let hotel = api.post("/v1/hotels", &base).await.expect(201).json();
        assert_eq!(hotel["day_ends"], "00:00", "midnight, unless it is said");
        let path = format!("/v1/hotels/{}", hotel["id"].as_str().expect("an id"));
        let put = |body: Value| {
            api.client.put(api.path(&path)).header("If-Match", "*").json(body).send()
        };
        // As the types of several languages write a time of day. What says the same changes nothing.
        for (given, shown, version) in [
            ("04:30", "04:30", 2),
            ("04:30:00", "04:30", 2),
            ("04:30:00.000", "04:30", 2),
            ("04:30:00.0000000", "04:30", 2),
            ("12:00:00", "12:00", 3),
            ("00:01", "00:01", 4),
        ] {
            let patched = api.patch(&path, "*", &json!({ "day_ends": given })).await.expect(200);
            let patched = patched.json();
            assert_eq!((&patched["day_ends"], &patched["version"]), (&json!(shown), &json!(version)));
            assert_eq!(api.get(&path).await.json(), patched, "what was answered is what is read");
            assert_eq!(put(patched.clone()).await.expect(200).json(), patched, "and sent back");
        }
        let listed = api.get("/v1/hotels").await.json();
        assert_eq!(listed["items"][0]["day_ends"], "00:01");
        for bad in ["12:01", "24:00", "4:30", "04:30:01", "04:30Z", "noon", ""] {
            let body = json!({ "name": "Rialto", "city": "Venice", "day_ends": bad });
            check_refused(bad, &api.post("/v1/hotels", &body).await, "/day_ends");
            check_refused(bad, &put(body).await, "/day_ends");
            let answer = api.patch(&path, "*", &json!({ "day_ends": bad })).await;
            check_refused(bad, &answer, "/day_ends");
        }
        check_refused("a number", &put(json!({ "day_ends": 4 })).await, "/day_ends");
        // Both ways back to midnight: PUT says everything, and null removes.
        assert_eq!(put(base.clone()).await.expect(200).json()["day_ends"], "00:00");
        api.patch(&path, "*", &json!({ "day_ends": "04:00" })).await.expect(200);
        let gone = api.patch(&path, "*", &json!({ "day_ends": null })).await.expect(200).json();
        assert_eq!(gone["day_ends"], "00:00");
    }
}
