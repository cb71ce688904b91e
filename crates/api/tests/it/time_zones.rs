//! Which day it is at a hotel is said by the rules that the system has, not by those of the day the
//! program was built.

use serde_json::{Value, json};
use vacancy_testkit::database::Database;
use vacancy_testkit::folder::Folder;
use vacancy_testkit::on_both_databases;
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::zone_file::{write_files, zone_file};
use vacancy_testkit::{PATIENCE, eventually};

use crate::support::{Api, away_from_midnight, binary, id_of};

on_both_databases! {
    async fn the_day_at_a_hotel_follows_the_zone_files(db: Database) {
        away_from_midnight().await;
        let folder = Folder::new("zones");
        // A day behind UTC, which is over in Rome whenever the test runs.
        write_files(
            folder.path(),
            &[("tzdata.zi", b"# version 2099z\n"), ("Europe/Rome", &zone_file("XXX24"))],
        );
        let directory = folder.path().to_str().expect("it is text");
        let mut elsewhere = Process::start(binary(), db.url(), &["--zoneinfo", directory]).await;
        let api = Api::new(elsewhere.url());
        check_rules(&api, &elsewhere, "2099z", "system").await;
        let room = api.one_room().await;
        let hotel = api.room_now(&room).await["hotel_id"].as_str().expect("an id").to_owned();
        let yesterday = stay(-1);
        let refused = api.post(&format!("/v1/rooms/{room}/bookings"), &stay(-3)).await.expect(422);
        assert!(refused.json().to_string().contains("must not be before today"), "{refused:?}");
        api.post(&format!("/v1/rooms/{room}/bookings"), &yesterday).await.expect(201);
        api.room(&hotel, "102").await;
        api.post(&format!("/v1/hotels/{hotel}/bookings"), &yesterday).await.expect(201);
        // A name that the directory lacks is known as it was compiled in.
        let oslo = json!({ "name": "Fjord", "city": "Oslo", "time_zone": "Europe/Oslo" });
        let oslo = id_of(&api.post("/v1/hotels", &oslo).await.expect(201));
        let oslo = api.room(&oslo, "1").await;
        api.post(&format!("/v1/rooms/{oslo}/bookings"), &yesterday).await.expect(422);
        elsewhere.ask_to_stop();
        elsewhere.end().await;

        let embedded = Process::start(binary(), db.url(), &["--zoneinfo", "embedded"]).await;
        let api = Api::new(embedded.url());
        check_rules(&api, &embedded, vacancy_domain::Zones::embedded_release(), "embedded").await;
        let room = api.room(&hotel, "103").await;
        api.post(&format!("/v1/rooms/{room}/bookings"), &yesterday).await.expect(422);
    }
}

/// The log and the metrics say which rules are in use.
async fn check_rules(api: &Api, process: &Process, release: &str, from: &str) {
    let line = eventually("the log says it", PATIENCE, || async {
        process.log().lines().find(|line| line.contains("rules of time zones")).map(str::to_owned)
    })
    .await;
    assert!(line.contains(release) && line.contains(from), "{line}");
    let scrape =
        Scrape::parse(&String::from_utf8_lossy(&api.get("/metrics").await.expect(200).body));
    let labels = [("time_zones", release), ("time_zones_from", from)];
    assert_eq!(scrape.value("vacancy_build_info", &labels).to_string(), "1", "{release} {from}");
}

/// Two nights from `days` after today by UTC.
fn stay(days: i64) -> Value {
    let today = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).date_naive();
    let check_in = today + chrono::TimeDelta::days(days);
    let check_out = check_in + chrono::TimeDelta::days(2);
    json!({
        "check_in": check_in.to_string(), "check_out": check_out.to_string(), "guests": 2,
        "guest": { "name": "Ada Lovelace", "email": "ada@example.org" },
    })
}
