//! Bookings a second through the service, beside `pgbench` running the same transaction on the same
//! server in the same minute; and what the service needs to stand still and to start.
//!
//! `cargo run --release -p vacancy-testkit --example bench -- target/release/vacancy [SECONDS]`
//!
//! Machines differ and are shared: read the ratio, not the rates.

#![allow(clippy::print_stdout, reason = "a table on the terminal is what it is for")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, Utc};
use serde_json::{Value, json};
use vacancy_testkit::cluster::Server;
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::http::Client;
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;

/// As many as the service has connections by default, so that both sides offer the same load.
const CLIENTS: usize = 16;
const ROOMS: usize = 400;

/// What a booking writes, in the order the service writes it, without the service.
const TRANSACTION: &str = r"
\set room random(1, :rooms)
\set night random(0, 1000000)
SELECT id AS room_id, version, hotel_id FROM rooms ORDER BY id OFFSET CAST(:room AS int) - 1 LIMIT 1 \gset
BEGIN;
UPDATE rooms SET times_booked = times_booked + 1, version = version + 1, updated_at = now()
    WHERE id = CAST(:room_id AS uuid) AND version = CAST(:version AS bigint);
INSERT INTO bookings (room_id, id, hotel_id, guest_name, guests, check_in, check_out, status,
        version, room_version, created_at, updated_at)
    VALUES (CAST(:room_id AS uuid), gen_random_uuid(), CAST(:hotel_id AS uuid), 'Ada', 2,
        date '3000-01-01' + CAST(:night AS int), date '3000-01-02' + CAST(:night AS int), 'confirmed', 1, CAST(:version AS bigint) + 1, now(), now())
    ON CONFLICT DO NOTHING;
INSERT INTO room_events (room_id, version, kind, at, data, write_id)
    VALUES (CAST(:room_id AS uuid), CAST(:version AS bigint) + 1, 'booked', now(), '{}', gen_random_uuid()) ON CONFLICT DO NOTHING;
INSERT INTO idempotency_keys (key, fingerprint, status, body, created_at, expires_at)
    VALUES (gen_random_uuid()::text, '\x00', 201, repeat('x', 420), now(), now()) ON CONFLICT DO NOTHING;
COMMIT;
";

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let binary = PathBuf::from(arguments.next().expect("usage: bench BINARY [SECONDS]"));
    // It is started in a folder of its own.
    let binary = binary.canonicalize().expect("BINARY is a file");
    let seconds: u64 = arguments.next().map_or(10, |text| text.parse().expect("seconds"));
    stand_still(&binary).await;
    let server = Server::start().await.expect("PostgreSQL is needed");
    let database = Database::on(&server).await;
    let service = Process::start(&binary, database.url(), &["--log", "warn"]).await;
    let rooms = rooms(&service.url()).await;
    // Turn and turn about, so that a noisy minute hits both.
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..3 {
        ours.push(book_for(&service.url(), &rooms, round, Duration::from_secs(seconds)).await);
        theirs.push(pgbench(database.url(), seconds).await);
    }
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let ratio = ours / theirs;
        println!(
            "bookings/s through the service {ours:7.0}   pgbench {theirs:7.0}   ratio {ratio:.2}"
        );
    }
    drop(service);
}

/// Start and memory on an existing SQLite file.
async fn stand_still(binary: &Path) {
    let database = Database::create(Kind::Sqlite).await.expect("SQLite is always there");
    drop(Process::start(binary, database.url(), &["--demo"]).await);
    let mut starts = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let process = Process::start(binary, database.url(), &[]).await;
        starts.push(began.elapsed());
        if starts.len() == 5 {
            let scrape = Scrape::get(&process.url()).await;
            let bytes = scrape.value("process_resident_memory_bytes", &[]);
            println!("idle memory {:.1} MiB", bytes / 1_048_576.0);
        }
    }
    println!("ready on an existing SQLite file after {starts:?}");
}

async fn rooms(url: &str) -> Arc<Vec<String>> {
    let client = Client::new();
    let hotel = json!({ "name": "Bench", "city": "Bench" });
    let hotel = client.post(format!("{url}/v1/hotels")).json(hotel).send().await.expect(201).json();
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = json!({ "number": number.to_string(), "kind": "double", "capacity": 2 });
        let path = format!("{url}/v1/hotels/{}/rooms", hotel["id"].as_str().expect("an id"));
        let room = client.post(path).json(room).send().await.expect(201).json();
        rooms.push(room["id"].as_str().expect("an id").to_owned());
    }
    Arc::new(rooms)
}

/// Each client books one night after the other over all rooms; no two ask for the same.
async fn book_for(url: &str, rooms: &Arc<Vec<String>>, round: u64, duration: Duration) -> f64 {
    let booked = Arc::new(AtomicU64::new(0));
    let wishes = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let today = DateTime::<Utc>::from(std::time::SystemTime::now()).date_naive();
    let clients = (0..CLIENTS).map(|_| {
        let (booked, wishes, rooms) = (booked.clone(), wishes.clone(), rooms.clone());
        let (client, url) = (Client::new(), url.to_owned());
        tokio::spawn(async move {
            while began.elapsed() < duration {
                let wish = wishes.fetch_add(1, Ordering::Relaxed);
                let count = rooms.len() as u64;
                let room = &rooms[usize::try_from(wish % count).expect("a small number")];
                let night = today + Days::new(1 + round * 350 + wish / count);
                let body: Value = json!({
                    "check_in": night, "check_out": night + Days::new(1), "guests": 2,
                    "guest": { "name": "Ada Lovelace" },
                });
                let path = format!("{url}/v1/rooms/{room}/bookings");
                let answer = client.post(path).json(body).send().await;
                assert!(matches!(answer.status, 201 | 409), "{answer:?}");
                booked.fetch_add(u64::from(answer.status == 201), Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client ends without a panic");
    }
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let count = booked.load(Ordering::Relaxed) as f64;
    count / began.elapsed().as_secs_f64()
}

async fn pgbench(url: &str, seconds: u64) -> f64 {
    let script = std::env::temp_dir().join(format!("vacancy-bench-{}.sql", std::process::id()));
    std::fs::write(&script, TRANSACTION).expect("a temporary file");
    let output = tokio::process::Command::new("pgbench")
        .args(["-n", "-M", "prepared", "-c", &CLIENTS.to_string(), "-j", "2"])
        .args(["-T", &seconds.to_string(), "-D", &format!("rooms={ROOMS}"), "-f"])
        .args([script.as_os_str(), url.as_ref()])
        .output()
        .await
        .expect("pgbench is needed");
    std::fs::remove_file(&script).expect("it is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("tps"));
    let rate = line.and_then(|line| line.split_whitespace().nth(2)?.parse().ok());
    rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}
