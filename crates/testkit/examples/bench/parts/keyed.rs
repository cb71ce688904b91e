//! What it costs that requests are authenticated: the same work with and without a key, and a client
//! with a good key beside a flood of wrong ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vacancy::auth::key_text::KeyText;
use vacancy_testkit::database::{Database, Kind};

use crate::load::{self, Answers, Next};
use crate::open_loop::{self, Offer, Outcome};
use crate::requests::{self, Dice, Uniform};
use crate::rig::{ROOMS, Rig};
use crate::rooms;
use crate::service::{self, Service};
use crate::slice::{Load, Slice};
use crate::sql::id;
use crate::stats::{median, percentile, short, with_range};

/// Clients of the comparison; one principal may have twice as many requests at work.
const CLIENTS: usize = 32;
/// Requests a second of the flood.
const FLOOD: f64 = 10_000.0;
const FLOOD_SECONDS: u64 = 5;
/// Wrong keys, more than the flood sends.
const WRONG_KEYS: usize = 60_000;
/// How long the good client works before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);
/// How long a client of the flood waits for its answer.
const FLOOD_PATIENCE: Duration = Duration::from_secs(1);

/// The same work on both sides, round by round.
struct Pair {
    work: &'static str,
    open: Vec<Slice>,
    keyed: Vec<Slice>,
}

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, _) = rig.database_with_rooms(Kind::Postgres).await;
    let key = made_key(rig, &database).await;
    // One client stands for many principals.
    let required = ["--auth", "required", "--rate-limit", "0/s"];
    let pairs = pairs(rig, &database, &key, &required).await;
    let lines: Vec<_> = pairs.iter().map(Pair::line).collect();
    let service = Service::start(&rig.binary, database.url(), 1, &required).await;
    let beside = beside_floods(rig, service.addresses()[0], &key).await;
    service.stop().await;
    rig.audit(&database, "keyed").await;
    format!(
        "### PostgreSQL: requests with a key, {CLIENTS} clients\n\n\
         Two processes on one database in turn, one `--auth none`, one `--auth required --rate-limit 0/s`.\n\n\
         | work | open, a second | keyed / open | CPU of the service, keyed / open |\n|---|---|---|---|\n{}\n\n\
         One client that reads rooms with a good key, beside {FLOOD} requests a second for {FLOOD_SECONDS} s:\n\n\
         | beside | flood answered, a second | good client's p50 / p99, ms | its answers a second |\n\
         |---|---|---|---|\n{beside}\n",
        lines.join("\n"),
    )
}

async fn made_key(rig: &Rig, database: &Database) -> String {
    let arguments = ["keys", "create", "--name", "bench", "--scopes", "read,book"];
    let arguments = [&arguments[..], &["--database-url", database.url()]].concat();
    let (said, made) = service::command(&rig.binary, &arguments).await;
    assert!(made, "no key was made: {said}");
    let key = said.split_whitespace().find_map(KeyText::parse);
    key.unwrap_or_else(|| panic!("no key in {said:?}")).reveal().to_owned()
}

async fn pairs(rig: &mut Rig, database: &Database, key: &str, required: &[&str]) -> [Pair; 2] {
    let uniform = Uniform::new(ROOMS as u64, 0);
    let bookings = uniform.requests(false);
    let mut pairs = ["a booking", "`GET /v1/rooms/{id}`"].map(|work| Pair {
        work,
        open: Vec::new(),
        keyed: Vec::new(),
    });
    let work = [(bookings, 201), (room_reads(), 200)];
    let open = Service::start(&rig.binary, database.url(), 1, &["--auth", "none"]).await;
    let keyed = Service::start(&rig.binary, database.url(), 1, required).await;
    let postmaster = rig.server.pid();
    for round in 1..=rig.options.rounds {
        rig.progress(&format!("with and without a key, round {round}"));
        for (pair, (next, expected)) in pairs.iter_mut().zip(&work) {
            let load = Load { clients: CLIENTS, duration: rig.duration() / 2, expected: *expected };
            let with_key = with_keys(next, {
                let key = key.to_owned();
                move || key.clone()
            });
            // Each goes first once, so that neither always finds the colder machine.
            for key_first in [false, true] {
                for keys in [key_first, !key_first] {
                    rig.settle(database).await;
                    let (service, next) = if keys { (&keyed, &with_key) } else { (&open, next) };
                    let slice = Slice::run(service, Some(postmaster), load, next).await;
                    if slice.answers.count(*expected) != slice.answers.total() {
                        rig.failures.push(format!("{}: {:?}", pair.work, slice.answers.by_status));
                    }
                    if keys { &mut pair.keyed } else { &mut pair.open }.push(slice);
                }
            }
        }
    }
    open.stop().await;
    keyed.stop().await;
    pairs
}

impl Pair {
    fn line(&self) -> String {
        let ratios = |value: fn(&Slice) -> f64| -> Vec<f64> {
            self.keyed
                .iter()
                .zip(&self.open)
                .map(|(keyed, open)| value(keyed) / value(open))
                .collect()
        };
        let open: Vec<_> = self.open.iter().map(|slice| slice.rate).collect();
        format!(
            "| {} | {} | {} | {} |",
            self.work,
            short(median(&open)),
            with_range(&ratios(|slice| slice.rate)),
            with_range(&ratios(|slice| slice.service_ms)),
        )
    }
}

/// The same flood without keys and with wrong ones: what it costs that so many requests are refused is
/// not what it costs to look for their keys.
async fn beside_floods(rig: &mut Rig, address: SocketAddr, key: &str) -> String {
    let key = key.to_owned();
    let good = with_keys(&room_reads(), move || key.clone());
    let keys: Vec<_> = (0..WRONG_KEYS).map(|_| KeyText::made()).collect();
    let turn = AtomicUsize::new(0);
    let wrong = with_keys(&room_reads(), move || {
        keys[turn.fetch_add(1, Ordering::Relaxed) % keys.len()].reveal().to_owned()
    });
    let mut lines = Vec::new();
    for (what, flood) in [
        ("nothing", None),
        ("reads without a key", Some(room_reads())),
        ("reads with ever new wrong keys", Some(wrong)),
    ] {
        rig.progress(&format!("a good key beside {what}"));
        load::run(&[address], 1, WARM_UP, &good).await;
        let flooding = flood.map(|next| std::thread::spawn(move || flood_with(address, &next)));
        let duration = Duration::from_secs(FLOOD_SECONDS);
        let answers = load::run(&[address], 1, duration, &good).await;
        let flooded = flooding.map(|thread| thread.join().expect("the flood ends"));
        if answers.count(200) != answers.total() {
            rig.failures.push(format!("a good key beside {what}: {:?}", answers.by_status));
        }
        lines.push(beside_line(what, &answers, flooded.as_ref()));
    }
    lines.join("\n")
}

fn beside_line(what: &str, answers: &Answers, flooded: Option<&Outcome>) -> String {
    let ms = |percent| short(f64::from(percentile(&answers.latencies, percent)) / 1000.0);
    let flood = flooded.map_or_else(
        || "–".to_owned(),
        |outcome| {
            let by_status = outcome.by_status.iter();
            let rates = by_status.map(|(status, count)| {
                format!("{status}: {}", short(*count as f64 / FLOOD_SECONDS as f64))
            });
            let rates: Vec<_> = rates.collect();
            format!("{}; gave up: {}", rates.join(", "), outcome.gave_up)
        },
    );
    let rate = answers.total() as f64 / answers.elapsed.as_secs_f64();
    format!("| {what} | {flood} | {} / {} | {} |", ms(50), ms(99), short(rate))
}

/// In a thread of its own, so that the good client does not wait for the flood's.
fn flood_with(address: SocketAddr, next: &Next) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let duration = Duration::from_secs(FLOOD_SECONDS);
    let offer = Offer { rate: FLOOD, duration, patience: FLOOD_PATIENCE };
    runtime.expect("a runtime").block_on(open_loop::run(address, offer, next))
}

fn room_reads() -> Next {
    let dice = Dice::default();
    Arc::new(move |buffer| {
        let room = id(rooms::ROOMS, dice.roll(ROOMS as u64));
        requests::get(buffer, &format!("/v1/rooms/{room}"));
        true
    })
}

/// The same requests, each with the key that `key` says.
fn with_keys(next: &Next, key: impl Fn() -> String + Send + Sync + 'static) -> Next {
    let next = next.clone();
    Arc::new(move |buffer| {
        if !next(buffer) {
            return false;
        }
        let line = buffer.windows(2).position(|two| two == b"\r\n").expect("a request has a line");
        let header = format!("\r\nAuthorization: Bearer {}", key());
        buffer.splice(line..line, header.into_bytes());
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_into_the_head() {
        let next = with_keys(&room_reads(), || "vac_x".to_owned());
        let mut buffer = Vec::new();
        assert!(next(&mut buffer));
        let text = String::from_utf8(buffer).expect("text");
        let mut lines = text.split("\r\n");
        assert!(lines.next().is_some_and(|line| line.starts_with("GET /v1/rooms/")), "{text}");
        assert_eq!(lines.next(), Some("Authorization: Bearer vac_x"));
        assert!(text.ends_with("\r\n\r\n"), "{text}");
    }
}
