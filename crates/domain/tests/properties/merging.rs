//! Several decisions, each on what the one before leaves, written as one change.

use chrono::TimeDelta;
use proptest::prelude::*;
use vacancy_domain::{BookingChange, Calendar, Change, Day, RoomWrite, Status, Version};

use super::house::{House, Operation, ROOMS, operations, room_id};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merged_change_leaves_the_rows_that_one_at_a_time_leaves(
        batches in proptest::collection::vec(
            (proptest::collection::vec(operations(), 1..12), proptest::sample::select(&[10, 7_200])),
            1..8,
        )
    ) {
        let mut house = House::new();
        for (batch, minutes) in batches {
            let mut merged = House::clone(&house);
            let mut waiting = Change::default();
            for operation in batch {
                let decided = house.decide(&operation);
                prop_assert!(house.keep(&decided));
                let Some(change) = decided.change().cloned() else { continue };
                if !waiting.can_take(&change) {
                    prop_assert!(merged.write(&waiting));
                    waiting = Change::default();
                }
                waiting.then(change);
            }
            prop_assert!(merged.write(&waiting));
            prop_assert_eq!(&merged.rooms, &house.rooms);
            prop_assert_eq!(&merged.bookings, &house.bookings);
            prop_assert_eq!(&merged.events, &house.events);
            house.now += TimeDelta::minutes(minutes);
        }
    }

    #[test]
    fn a_calendar_that_took_over_a_change_is_the_one_that_is_read_after_it(
        operations in proptest::collection::vec(operations(), 1..40)
    ) {
        let mut house = House::new();
        let mut calendars: Vec<_> = (0..ROOMS).map(|room| whole_calendar(&house, room)).collect();
        for operation in operations {
            let decided = house.decide(&operation);
            prop_assert!(house.keep(&decided));
            for (room, calendar) in calendars.iter_mut().enumerate() {
                if let Some(change) = decided.change() {
                    calendar.apply(change);
                }
                calendar.taken.sort_by_key(|booking| booking.id);
                prop_assert_eq!(&*calendar, &whole_calendar(&house, room));
            }
        }
    }
}

#[test]
fn a_booking_that_is_new_and_then_changed_is_inserted_as_it_is_in_the_end() {
    let merged = merge(&[], &[book(0, 1, Some(5)), Operation::Confirm(0), amend(0, 1, 3)]);
    let [BookingChange::Insert(to)] = &merged.bookings[..] else { panic!("{merged:?}") };
    assert_eq!((to.version, to.status, to.room), (Version(3), Status::Confirmed, room_id(1)));
    let rooms: Vec<_> = merged.rooms.iter().map(|it| (it.to.id, it.from, it.sold)).collect();
    assert_eq!(rooms, [(room_id(0), Version(1), 0), (room_id(1), Version(1), 1)]);
    assert_eq!(merged.rooms[0].to.version, Version(4), "held, confirmed, moved out");
    assert_eq!(merged.rooms[0].events.len(), 3);
}

#[test]
fn a_booking_that_is_changed_twice_is_replaced_once() {
    let merged = merge(&[book(0, 1, Some(5))], &[Operation::Confirm(0), amend(0, 1, 3)]);
    let [BookingChange::Replace { room, from, to }] = &merged.bookings[..] else {
        panic!("{merged:?}")
    };
    assert_eq!((*room, *from), (room_id(0), Version(1)), "where and as it is stored");
    assert_eq!((to.room, to.version), (room_id(1), Version(3)));
}

#[test]
fn bookings_that_give_up_their_nights_come_first() {
    let merged =
        merge(&[book(0, 1, None)], &[book(0, 7, None), Operation::Cancel(0), book(0, 1, None)]);
    let states: Vec<_> = merged.bookings.iter().map(|change| change.to().status).collect();
    assert_eq!(states, [Status::Cancelled, Status::Confirmed, Status::Confirmed]);
    assert_eq!(merged.rooms[0].sold, 1);
}

#[test]
fn the_stronger_write_of_a_room_wins() {
    let edit = Operation::Edit { room: 0, closed: true, capacity: 2 };
    let (booking, delete) = (book(0, 1, None), Operation::Delete { room: 0 });
    for (operations, write) in [
        (&[booking.clone(), Operation::Cancel(0)][..], RoomWrite::Advance),
        (&[booking.clone(), edit.clone()], RoomWrite::Replace),
        (&[edit.clone(), Operation::Cancel(0), delete.clone()], RoomWrite::Delete),
        (&[delete], RoomWrite::Delete),
    ] {
        let merged = merge(&[], operations);
        assert_eq!(merged.rooms.len(), 1, "{operations:?}");
        assert_eq!(merged.rooms[0].write, write, "{operations:?}");
    }
    let mut created = House::created();
    let mut house = House::new();
    let edited = house.decide(&edit);
    created.then(edited.change().cloned().expect("it closes"));
    assert_eq!(created.rooms[0].write, RoomWrite::Insert);
    assert_eq!(created.rooms[0].to.version, Version(2));
}

/// What relies on nights that another booking left is written behind it.
#[test]
fn a_booking_is_written_where_its_nights_are_free() {
    // It goes where another one has been: behind that one.
    let before = [book(0, 4, None)];
    let merged = merge(&before, &[book(0, 0, None), amend(0, 0, 8), amend(1, 0, 4)]);
    assert!(matches!(
        merged.bookings[..],
        [BookingChange::Replace { .. }, BookingChange::Insert(_)]
    ));
    // Another one goes where it has been: before that one, however it is changed afterwards.
    let before = [book(0, 4, Some(5))];
    let merged = merge(&before, &[amend(0, 0, 8), book(0, 4, None), Operation::Confirm(0)]);
    assert!(matches!(
        merged.bookings[..],
        [BookingChange::Replace { .. }, BookingChange::Insert(_)]
    ));
}

/// Two bookings swap their nights by way of a third range. One at a time that goes well; as two rows
/// in their final places, the first of them would meet the second.
#[test]
fn a_stored_booking_is_not_relocated_twice_by_one_change() {
    let mut house = House::new();
    keep_all(&mut house, &[book(0, 0, None), book(0, 4, None)]);
    let mut merged = Change::default();
    let mut taken = Vec::new();
    for operation in [amend(0, 0, 8), amend(1, 0, 0), amend(0, 0, 4)] {
        let decided = house.decide(&operation);
        assert!(house.keep(&decided));
        let change = decided.change().cloned().expect("each has a place to go");
        taken.push(merged.can_take(&change));
        if merged.can_take(&change) {
            merged.then(change);
        }
    }
    assert_eq!(taken, [true, true, false]);
}

/// What `operations` write as one change, in a house where `before` has happened. It is checked that
/// it can be written.
fn merge(before: &[Operation], operations: &[Operation]) -> Change {
    let mut house = House::new();
    keep_all(&mut house, before);
    let mut stored = house.clone();
    let mut merged = Change::default();
    for operation in operations {
        let decided = house.decide(operation);
        assert!(house.keep(&decided));
        if let Some(change) = decided.change() {
            assert!(merged.can_take(change), "{operation:?}");
            merged.then(change.clone());
        }
    }
    assert!(stored.write(&merged));
    assert_eq!((stored.rooms, stored.bookings), (house.rooms, house.bookings));
    merged
}

fn keep_all(house: &mut House, operations: &[Operation]) {
    for operation in operations {
        let decided = house.decide(operation);
        assert!(house.keep(&decided), "{operation:?}");
    }
}

/// Three nights for two.
fn book(room: usize, from: i64, hold_minutes: Option<i64>) -> Operation {
    Operation::Book { room, from, nights: 3, guests: 2, hold_minutes }
}

fn amend(booking: usize, room: usize, from: i64) -> Operation {
    Operation::Amend { booking, room, from, nights: 3, guests: 2 }
}

fn whole_calendar(house: &House, room: usize) -> Calendar {
    house.calendar(&house.rooms[&room_id(room)], Day::MIN, Day::MAX)
}
