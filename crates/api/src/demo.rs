//! Demonstration data for an empty database: two hotels with rooms.

use std::time::Duration;

use uuid::Uuid;
use vacancy_domain::{
    Amount, Capacity, Change, Country, Currency, DayEnds, Decided, Decision, Hotel,
    HotelAttributes, HotelDay, HotelId, Money, Room, RoomAttributes, RoomId, RoomStatus, Text,
};
use vacancy_persistence::{Answer, CommitGate, Record, RequestKey, Store, StoreError};

/// Name, city, country, time zone, number of rooms.
const HOTELS: &[(&str, &str, &str, &str, i64)] = &[
    ("Rialto", "Venice", "IT", "Europe/Rome", 12),
    ("Prinsenhof", "Amsterdam", "NL", "Europe/Amsterdam", 8),
];

/// Kind, guests, price of a night in euro cents, for the rooms of a hotel in turn.
const KINDS: &[(&str, i64, i64)] =
    &[("single", 1, 9_900), ("double", 2, 14_900), ("family", 4, 21_900)];

/// Longer than it takes replicas that start together to load the demonstration.
const KEY_TIME_TO_LIVE: Duration = Duration::from_mins(10);

/// Why the demonstration could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A constant above is not valid; every start with `--demo` would fail.
    #[error("the demonstration's data: {0}")]
    Data(String),
}

/// What was loaded, for the log: `Rialto in Venice with 12 rooms and …`.
#[must_use]
pub fn told() -> String {
    let hotels = HOTELS
        .iter()
        .map(|(name, city, _, _, rooms)| format!("{name} in {city} with {rooms} rooms"));
    hotels.collect::<Vec<_>>().join(" and ")
}

/// Loads the demonstration, unless the database has hotels. Returns whether it did. Fails when the
/// database does.
///
/// Each hotel comes with its rooms in one transaction, under a key: of several replicas that start
/// together, one loads it.
pub async fn load(store: &Store) -> Result<bool, DemoError> {
    if !store.hotels(None, None, None, 1).await?.items.is_empty() {
        return Ok(false);
    }
    for &(name, city, country, time_zone, rooms) in HOTELS {
        let attributes = HotelAttributes {
            name: Text::parse(name).map_err(DemoError::Data)?,
            city: Text::parse(city).map_err(DemoError::Data)?,
            country: Some(Country::parse(country).map_err(DemoError::Data)?),
            day: HotelDay {
                time_zone: store.zones().find(time_zone).map_err(DemoError::Data)?,
                ends: DayEnds::default(),
            },
        };
        let now = store.hotel_snapshot(None, None).await?.now;
        let hotel = HotelId(Uuid::now_v7());
        let mut whole = accepted(Hotel::create(hotel, attributes, now));
        for index in 0..rooms {
            let room = room(index).map_err(DemoError::Data)?;
            let room = accepted(Room::create(RoomId(Uuid::now_v7()), hotel, room, now));
            whole.rooms.extend(room.rooms);
        }
        // The blank keeps it apart from every client's key.
        let text = format!("demo {name}");
        let key = RequestKey { text, fingerprint: [0; 32], time_to_live: KEY_TIME_TO_LIVE };
        let answer = Answer { status: 201, version: None, location: None, body: None };
        let record = Record { key, answer };
        match store.commit_hotel(&whole, &record, now, ("demo", None), &CommitGate::default()).await
        {
            // Another replica was first.
            Ok(()) | Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn accepted<T>(decision: Decision<T>) -> Change {
    match decision {
        Ok(Decided::Changed(change, _)) => change,
        Ok(Decided::Unchanged(_)) | Err(_) => Change::default(),
    }
}

fn room(index: i64) -> Result<RoomAttributes, String> {
    // Three rooms a floor: 101, 102, 103, 201 …
    let (floor, door) = (index / 3 + 1, index % 3 + 1);
    let (kind, capacity, cents) =
        KINDS[usize::try_from(index % 3).map_err(|why| why.to_string())?];
    Ok(RoomAttributes {
        number: Text::parse(&format!("{floor}{door:02}"))?,
        kind: Text::parse(kind)?,
        capacity: Capacity::new(capacity)?,
        nightly_rate: Some(Money {
            amount: Amount::new(cents)?,
            currency: Currency::parse("EUR")?,
        }),
        status: RoomStatus::Open,
    })
}
