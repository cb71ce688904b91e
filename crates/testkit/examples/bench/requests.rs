//! The requests of a load, written byte by byte, and the nights they ask for.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Days, NaiveDate};

use crate::load::Next;
use crate::rooms::{HOT_ROOMS, ROOMS};
use crate::sql;

/// Nights from tomorrow on that a room may be booked for; the service takes them three years ahead.
pub const NIGHTS: u32 = 1_000;

/// Today in UTC, where all hotels of the bench are.
pub fn today() -> NaiveDate {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    DateTime::from_timestamp(since.as_secs() as i64, 0).expect("a day of our time").date_naive()
}

/// Writes `GET path`.
pub fn get(buffer: &mut Vec<u8>, path: &str) {
    write!(buffer, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("memory takes bytes");
}

/// Writes `POST path` with a JSON body, and with a key if there is one.
pub fn post(buffer: &mut Vec<u8>, path: &str, key: Option<u64>, body: &str) {
    write!(
        buffer,
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        body.len()
    )
    .expect("memory takes bytes");
    if let Some(key) = key {
        // Not one of the reference's, which are in the same table.
        write!(buffer, "Idempotency-Key: 0b2ac4de-0001-7000-8000-{key:012x}\r\n")
            .expect("memory takes bytes");
    }
    write!(buffer, "\r\n{body}").expect("memory takes bytes");
}

/// Bodies of bookings of one night each, from tomorrow on.
pub fn bodies() -> Vec<String> {
    let today = today();
    let body = |night: u64| {
        let (check_in, check_out) = (today + Days::new(night), today + Days::new(night + 1));
        format!(
            r#"{{"check_in":"{check_in}","check_out":"{check_out}","guests":2,"guest":{{"name":"Ada Lovelace"}}}}"#
        )
    };
    (1..=u64::from(NIGHTS)).map(body).collect()
}

/// Numbers that look random, the same in each run.
#[derive(Debug, Default)]
pub struct Dice(AtomicU64);

impl Dice {
    /// One of `0..below`.
    pub fn roll(&self, below: u64) -> u64 {
        // SplitMix64.
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }
}

/// Bookings of random rooms, each room's nights one after the other from `first_night` on.
#[derive(Debug)]
pub struct Uniform {
    bodies: Vec<String>,
    next_night: Vec<AtomicU32>,
    dice: Dice,
    keys: AtomicU64,
}

impl Uniform {
    /// For so many rooms, none of which is taken from the `first_night`-th night from now on.
    pub fn new(rooms: u64, first_night: u32) -> Arc<Self> {
        let next_night = (0..rooms).map(|_| AtomicU32::new(first_night)).collect();
        let (dice, keys) = (Dice::default(), AtomicU64::default());
        Arc::new(Self { bodies: bodies(), next_night, dice, keys })
    }

    /// The requests, with or without a key each. They end when a room has no night left.
    pub fn requests(self: &Arc<Self>, keyed: bool) -> Next {
        let this = Arc::clone(self);
        Arc::new(move |buffer| {
            let room = this.dice.roll(this.next_night.len() as u64);
            let night = this.next_night[room as usize].fetch_add(1, Ordering::Relaxed);
            let Some(body) = this.bodies.get(night as usize) else { return false };
            let key = keyed.then(|| this.keys.fetch_add(1, Ordering::Relaxed));
            post(buffer, &format!("/v1/rooms/{}/bookings", sql::id(ROOMS, room)), key, body);
            true
        })
    }
}

/// Bookings of one room, night after night; when its nights are sold, the next room's.
#[derive(Debug)]
pub struct Hot {
    bodies: Vec<String>,
    rooms: u64,
    asked: AtomicU64,
}

impl Hot {
    /// For so many rooms, one after the other.
    pub fn new(rooms: u64) -> Arc<Self> {
        Arc::new(Self { bodies: bodies(), rooms, asked: AtomicU64::default() })
    }

    /// Leaves the present room; the next request is for a fresh one.
    pub fn turn_to_a_fresh_room(&self) {
        let nights = u64::from(NIGHTS);
        let asked = self.asked.load(Ordering::Relaxed);
        self.asked.store(asked.div_ceil(nights) * nights, Ordering::Relaxed);
    }

    /// The requests. They end with the last night of the last room.
    pub fn requests(self: &Arc<Self>) -> Next {
        let this = Arc::clone(self);
        Arc::new(move |buffer| {
            let asked = this.asked.fetch_add(1, Ordering::Relaxed);
            let (room, night) = (asked / u64::from(NIGHTS), asked % u64::from(NIGHTS));
            if room >= this.rooms {
                return false;
            }
            let path = format!("/v1/rooms/{}/bookings", sql::id(HOT_ROOMS, room));
            post(buffer, &path, None, &this.bodies[night as usize]);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(next: &Next) -> Option<String> {
        let mut buffer = Vec::new();
        next(&mut buffer).then(|| String::from_utf8(buffer).expect("text"))
    }

    #[test]
    fn no_room_is_asked_for_the_same_night_twice() {
        let next = Uniform::new(3, NIGHTS - 2).requests(true);
        let mut seen = std::collections::BTreeSet::new();
        while let Some(request) = text(&next) {
            let (head, body) = request.split_once("\r\n\r\n").expect("a head and a body");
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
            assert!(head.contains("\r\nIdempotency-Key: "), "{head}");
            let path = head.split(' ').nth(1).expect("a path").to_owned();
            assert!(seen.insert((path, body.to_owned())), "twice: {request}");
        }
        assert!(seen.len() >= 2, "{seen:?}");
    }

    #[test]
    fn the_hot_room_is_one_until_its_nights_are_sold() {
        let hot = Hot::new(2);
        let next = hot.requests();
        let path = |request: String| request.split(' ').nth(1).map(str::to_owned);
        let first = text(&next).and_then(path);
        for _ in 1..NIGHTS {
            assert_eq!(text(&next).and_then(path), first);
        }
        assert_ne!(text(&next).and_then(path), first);
        hot.turn_to_a_fresh_room();
        assert_eq!(text(&next), None);
    }
}
