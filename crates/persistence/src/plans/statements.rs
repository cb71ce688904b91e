//! The statements that look at many rooms or bookings: each list with every combination of its
//! filters.
//!
//! They are caught on their way to the driver, so that what is explained is what is run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sea_orm::Statement;
use vacancy_domain::{
    BookingId, Claim, Day, GuestPrefix, HotelId, Reference, RoomId, Source, Stay,
};
use vacancy_testkit::database::Database;

use super::rows::{BOOKING, HOTEL, RARE, ROOM};
use crate::{BookingFilter, RoomFilter, RoomPosition, RoomSort, Store, StoreOptions};

pub type Caught = Arc<Mutex<Vec<Statement>>>;

/// A store whose lists and searches leave their statements behind. `parameters` are added to its URL.
pub async fn open(db: &Database, parameters: &str) -> (Store, Caught) {
    let options = StoreOptions {
        url: format!("{}{parameters}", db.url()),
        connections: 2,
        statement_timeout: Duration::from_mins(1),
        exclusive: true,
    };
    let mut store = Store::connect(&options).await.expect("the test's database can be opened");
    store.migrate().await.expect("an empty database can be migrated");
    let caught = Caught::default();
    let into = caught.clone();
    store.reader.set_metric_callback(move |info| {
        let mut caught = into.lock().expect("no test panics while holding it");
        caught.push(info.statement.clone());
    });
    (store, caught)
}

/// What a statement is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// Everything but the lists below.
    Other(&'static str),
    /// A page of bookings.
    Bookings(BookingFilter),
    /// A page of rooms.
    Rooms(#[expect(dead_code, reason = "its Debug says which list failed")] RoomFilter),
}

/// All of them, as they were run.
pub async fn all(store: &Store, caught: &Caught, today: Day) -> Vec<(Purpose, Statement)> {
    let mut statements = Vec::new();
    let mut keep = |purpose: Purpose| {
        let mut caught = caught.lock().expect("no test panics while holding it");
        assert_eq!(caught.len(), 1, "{purpose:?} is one statement");
        statements.extend(caught.pop().map(|statement| (purpose, statement)));
    };
    let check_in = today + chrono::Days::new(40);
    let stay = Stay::new(check_in, today + chrono::Days::new(43)).expect("three nights");
    others(store, stay, &mut keep).await;
    for filter in booking_filters(today, stay) {
        store.bookings(&filter).await.expect("it is read");
        keep(Purpose::Bookings(filter));
    }
    for filter in room_filters(stay) {
        store.rooms(&filter).await.expect("it is read");
        keep(Purpose::Rooms(filter));
    }
    statements
}

async fn others(store: &Store, stay: Stay, keep: &mut impl FnMut(Purpose)) {
    let (hotel, room) = (HotelId(HOTEL), RoomId(ROOM));
    let key = Some("key");
    store.hotel_snapshot(key, Some(hotel)).await.expect("it is read");
    keep(Purpose::Other("decide on a hotel"));
    for kind in [None, Some("double")] {
        store.candidates(key, hotel, stay, 2, kind).await.expect("it is read");
        keep(Purpose::Other("pick a room"));
    }
    store.alternatives(room, stay, 2, 5).await.expect("it is read");
    keep(Purpose::Other("name alternatives"));
    for (city, after) in [(None, None), (None, Some(hotel)), (Some("c1"), Some(hotel))] {
        store.hotels(city, None, after, 50).await.expect("it is read");
        keep(Purpose::Other("a page of hotels"));
    }
    store.events(room, 0, 50).await.expect("it is read");
    keep(Purpose::Other("a history"));
    store.legs_of_stay(BookingId(BOOKING)).await.expect("it is read");
    keep(Purpose::Other("the legs of a stay"));
    store.lapsed_holds(3, 100).await.expect("it is read");
    keep(Purpose::Other("lapsed holds"));
    let reference = Reference::parse("R1").expect("a reference");
    let claim = Claim { hotel, source: Source::parse(RARE).ok(), reference };
    store.holder_of(&claim).await.expect("it is read");
    keep(Purpose::Other("who has a reference"));
    store.guests_to_forget(30, 3, 100).await.expect("it is read");
    keep(Purpose::Other("guests to forget"));
}

fn booking_filters(today: Day, stay: Stay) -> Vec<BookingFilter> {
    let mut filters = vec![BookingFilter { limit: 50, ..BookingFilter::default() }];
    let with = |filters: Vec<BookingFilter>, changes: &[&dyn Fn(&mut BookingFilter)]| {
        let mut all = filters.clone();
        for change in changes {
            all.extend(filters.iter().cloned().map(|mut filter| {
                change(&mut filter);
                filter
            }));
        }
        all
    };
    filters = with(filters, &[&|it| it.hotel = Some(HotelId(HOTEL))]);
    filters = with(filters, &[&|it| it.room = Some(RoomId(ROOM))]);
    filters = with(
        filters,
        &[
            &|it| it.status = Some("held"),
            &|it| it.status = Some("confirmed"),
            &|it| it.status = Some("cancelled"),
            &|it| it.status = Some("expired"),
        ],
    );
    filters = with(filters, &[&|it| it.from = Some(today)]);
    filters = with(filters, &[&|it| it.to = Some(stay.check_out())]);
    filters = with(filters, &[&|it| it.source = Source::parse(RARE).ok()]);
    filters = with(filters, &[&|it| it.reference = Reference::parse("R1").ok()]);
    let of_guest = filters.iter().filter(|it| it.hotel.is_some()).cloned();
    let of_guest: Vec<_> = of_guest
        .map(|filter| BookingFilter { guest: GuestPrefix::parse(RARE).ok(), ..filter })
        .collect();
    filters.extend(of_guest);
    // Of those who see only their own, or only some hotels.
    let own = BookingFilter { made_by: Some("ada".to_owned()), ..filters[0].clone() };
    let hotels = Some(vec![HotelId(HOTEL), HotelId(uuid::Uuid::from_u128(2))]);
    let some = BookingFilter { hotels, ..filters[0].clone() };
    filters.push(own.clone());
    for status in ["held", "confirmed"] {
        for filter in [&own, &some] {
            filters.push(BookingFilter { status: Some(status), ..filter.clone() });
        }
    }
    let (source, reference) = (Source::parse(RARE).ok(), Reference::parse("R1").ok());
    filters.push(BookingFilter { source: source.clone(), ..some.clone() });
    for filter in [own, some] {
        let named = BookingFilter { reference: reference.clone(), ..filter };
        filters.push(BookingFilter { source: source.clone(), ..named.clone() });
        filters.push(named);
    }
    with(filters, &[&|it| it.after = Some((today, BookingId(BOOKING)))])
}

fn room_filters(stay: Stay) -> Vec<RoomFilter> {
    let room = RoomId(ROOM);
    let mut filters = Vec::new();
    for (sort, place) in [
        (RoomSort::Number, RoomPosition::Number("r1".into(), room)),
        (RoomSort::TimesBooked, RoomPosition::TimesBooked(0, room)),
        (RoomSort::NightlyRate, RoomPosition::NightlyRate(Some(("EUR".into(), 1)), room)),
    ] {
        // One bit for each filter.
        for bits in 0..1_u8 << 6 {
            let has = |bit: u8| bits >> bit & 1 == 1;
            if sort == RoomSort::TimesBooked && !has(0) && !has(1) {
                continue; // The API refuses it.
            }
            filters.push(RoomFilter {
                hotel: has(0).then_some(HotelId(HOTEL)),
                hotels: None,
                city: has(1).then(|| "c1".to_owned()),
                kind: has(2).then(|| "single".to_owned()),
                guests: has(3).then_some(2),
                stay: has(4).then_some(stay),
                sort,
                after: has(5).then(|| place.clone()),
                limit: 50,
            });
        }
    }
    filters
}
