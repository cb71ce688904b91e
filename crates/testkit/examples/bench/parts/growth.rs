//! How the rate of each request changes while the tables grow to a million bookings of the past.

use std::fmt::Write;
use std::sync::Arc;

use chrono::Days;
use vacancy_testkit::database::Kind;

use crate::load::Next;
use crate::parts::history::{self, HOTELS_WITH_PAST, ROOMS_WITH_PAST, TAKEN_NIGHT};
use crate::requests::{self, Dice, Uniform};
use crate::rig::Rig;
use crate::rooms;
use crate::service::Service;
use crate::slice::{Load, Slice};
use crate::sql::id;
use crate::stats::{grouped, short};

const CLIENTS: usize = 4;
/// Bookings of the bench begin after the night that is taken and the one with holds.
const FIRST_FREE_NIGHT: u32 = TAKEN_NIGHT + 10;

/// One kind of request.
struct Asked {
    name: &'static str,
    requests: Next,
    expected: u16,
}

/// Measures it on both databases, and returns their sections.
pub async fn run(rig: &mut Rig) -> String {
    let postgres = on(rig, Kind::Postgres).await;
    let sqlite = on(rig, Kind::Sqlite).await;
    format!("{postgres}\n{sqlite}")
}

async fn on(rig: &mut Rig, kind: Kind) -> String {
    let (database, sql) = rig.database(kind).await;
    let name = if kind == Kind::Postgres { "PostgreSQL" } else { "SQLite" };
    rooms::load(&database, &history::present(&sql)).await;
    let asked = asked();
    let mut rates = vec![Vec::new(); asked.len()];
    let postmaster = (kind == Kind::Postgres).then(|| rig.server.pid());
    let steps = rig.options.growth.clone();
    let mut there = 0;
    for step in &steps {
        let groups = history::groups(*step);
        if groups > there {
            rig.progress(&format!("{name}: the past grows to {} bookings", grouped(*step)));
            rooms::load(&database, &history::past(&sql, there, groups)).await;
            there = groups;
        }
        for (asked, rates) in asked.iter().zip(&mut rates) {
            rig.progress(&format!("{name}, {} bookings: {}", grouped(*step), asked.name));
            rig.settle(&database).await;
            // A fresh one each time: statements that ran out of time may still be at work in the last.
            let service = Service::start(&rig.binary, database.url(), 1, &[]).await;
            let load =
                Load { clients: CLIENTS, duration: rig.duration() / 2, expected: asked.expected };
            let slice = Slice::run(&service, postmaster, load, &asked.requests).await;
            service.stop().await;
            rig.failures.extend(slice.unwell(asked.name));
            rates.push(cell(&slice, asked.expected));
        }
    }
    rig.audit(&database, &format!("growth on {name}")).await;
    table(name, &steps, &asked, &rates)
}

/// The rate, or what was answered instead.
fn cell(slice: &Slice, expected: u16) -> (f64, String) {
    let others = slice.answers.by_status.keys().filter(|status| **status != expected);
    let others: Vec<_> = others.map(|status| format!("also {status}")).collect();
    let text = [vec![short(slice.rate)], others].concat().join(", ");
    (slice.rate, text)
}

fn table(name: &str, steps: &[i64], asked: &[Asked], rates: &[Vec<(f64, String)>]) -> String {
    let mut text =
        format!("### {name}: growth, {CLIENTS} clients, requests a second\n\n| request |");
    for step in steps {
        write!(text, " {} bookings |", grouped(*step)).expect("memory takes text");
    }
    text += " last : first |\n|---|";
    text += &"---|".repeat(steps.len() + 1);
    for (asked, rates) in asked.iter().zip(rates) {
        write!(text, "\n| {} |", asked.name).expect("memory takes text");
        for (_, cell) in rates {
            write!(text, " {cell} |").expect("memory takes text");
        }
        let (first, last) = (rates.first(), rates.last());
        let ratio = last.zip(first).map_or(f64::NAN, |(last, first)| last.0 / first.0);
        write!(text, " {} |", short(ratio)).expect("memory takes text");
    }
    text + "\n"
}

fn asked() -> Vec<Asked> {
    let night = requests::today() + Days::new(u64::from(TAKEN_NIGHT));
    let stay = format!("check_in={night}&check_out={}", night + Days::new(1));
    let refused = format!(
        r#"{{"check_in":"{night}","check_out":"{}","guests":2,"guest":{{"name":"Ada Lovelace"}}}}"#,
        night + Days::new(1)
    );
    let sold_out = format!("/v1/hotels/{}/bookings", history::sold_out_hotel());
    let hotel = |number| id(rooms::HOTELS, number % HOTELS_WITH_PAST as u64);
    let room = |number| id(rooms::ROOMS, number % ROOMS_WITH_PAST as u64);
    let (all, in_city, in_hotel) = (stay.clone(), stay.clone(), stay);
    let get = |name, path: Box<dyn Fn(u64) -> String + Send + Sync>| {
        let dice = Dice::default();
        let requests: Next = Arc::new(move |buffer| {
            requests::get(buffer, &path(dice.roll(1 << 32)));
            true
        });
        Asked { name, requests, expected: 200 }
    };
    let refusal: Next = Arc::new(move |buffer| {
        requests::post(buffer, &sold_out, None, &refused);
        true
    });
    let booking = Uniform::new(ROOMS_WITH_PAST as u64, FIRST_FREE_NIGHT).requests(false);
    vec![
        get("bookings, cancelled", Box::new(|_| "/v1/bookings?status=cancelled".to_owned())),
        get("bookings, held", Box::new(|_| "/v1/bookings?status=held".to_owned())),
        get(
            "bookings of a hotel",
            Box::new(move |n| format!("/v1/bookings?hotel_id={}", hotel(n))),
        ),
        get("bookings of a room", Box::new(move |n| format!("/v1/bookings?room_id={}", room(n)))),
        get("a room's bookings", Box::new(move |n| format!("/v1/rooms/{}/bookings", room(n)))),
        get("search, all rooms, all taken", Box::new(move |_| format!("/v1/rooms?{all}"))),
        get(
            "search, a city, all taken",
            Box::new(move |n| format!("/v1/rooms?city=City%20{}&{in_city}", n % 4)),
        ),
        get(
            "search, a hotel, all taken",
            Box::new(move |n| format!("/v1/rooms?hotel_id={}&{in_hotel}", hotel(n))),
        ),
        Asked { name: "a booking", requests: booking, expected: 201 },
        Asked {
            name: "a refusal in a sold-out hotel of 2,050 rooms",
            requests: refusal,
            expected: 409,
        },
    ]
}
