//! The rule book of decisions, one page a decision. It is noon of 1 December 2026 in UTC, the room
//! takes two, costs 100.00 EUR a night and has version 7; nights are days of that December.

use chrono::TimeDelta;
use uuid::Uuid;
use vacancy_domain::{
    Amendment, Amount, Booking, BookingChange, BookingId, Calendar, Capacity, Change, Currency,
    Day, Decided, Decision, EventData, Field, Guest, Guests, Hotel, HotelAttributes, HotelChange,
    HotelDay, HotelId, Instant, Metadata, Money, NewBooking, Origin, Reference, Refusal, Refused,
    Room, RoomAttributes, RoomId, RoomStatus, RoomWrite, Source, Status, Stay, Text, Total,
    Version, amend, cancel, confirm, erase, expire,
};

#[test]
fn a_free_night_is_booked() {
    check_book(&[], "05-08", "booked 05-08 for 30000; sold 1");
    check_book(&["01-05"], "05-08", "booked 05-08 for 30000; sold 1");
    check_book(&["08-10"], "05-08", "booked 05-08 for 30000; sold 1");
    check_book(&["01-05", "08-10"], "05-08", "booked 05-08 for 30000; sold 1");
    check_book(&[], "01-02", "booked 01-02 for 10000; sold 1");
}

#[test]
fn a_taken_night_is_refused_and_the_stays_in_the_way_are_named_in_order() {
    check_book(&["05-08"], "05-08", "taken by 05-08");
    check_book(&["05-08"], "07-09", "taken by 05-08");
    check_book(&["05-08"], "03-06", "taken by 05-08");
    check_book(&["05-08"], "06-07", "taken by 05-08");
    check_book(&["09-11", "05-08", "20-21"], "01-10", "taken by 05-08 09-11");
    check_book(&["05-08 held"], "07-09", "taken by 05-08");
}

#[test]
fn a_lapsed_hold_is_in_nobodys_way_and_is_expired_first() {
    check_book(&["05-08 lapsed"], "07-09", "expired 05-08, booked 07-09 for 20000; sold 1");
    check_book(
        &["05-06 lapsed", "06-08 lapsed", "09-10 lapsed"],
        "05-09",
        "expired 05-06, expired 06-08, booked 05-09 for 40000; sold 1",
    );
    check_book(&["05-08 lapsed"], "08-09", "booked 08-09 for 10000; sold 1");
    check_book(
        &["05-08 lapsed", "08-10"],
        "07-09",
        "taken by 08-10, recording expired 05-08; sold 0",
    );
}

#[test]
fn the_stay_must_begin_today_or_later_and_within_three_years() {
    check_book(&["01-02"], "30-30", "no stay");
    for (check_in, expect) in [
        ("2026-11-30", "invalid CheckIn"),
        ("2029-12-01", "booked"),
        ("2029-12-02", "invalid CheckIn"),
    ] {
        let check_in: Day = check_in.parse().expect("a day");
        let stay = Stay::new(check_in, check_in + TimeDelta::days(1)).expect("one night");
        let decision = calendar(&[]).book(wish(stay, 2, None));
        let said = told(&decision, &[]);
        assert!(said.starts_with(expect), "{check_in}: {said}");
    }
}

#[test]
fn the_room_must_be_large_enough_and_open() {
    let room = calendar(&["05-08", "10-12 lapsed"]);
    let closed = Calendar { room: closed(&room.room), ..room.clone() };
    let deleted = Room { deleted_at: Some(now()), ..room.room.clone() };
    let deleted = Calendar { room: deleted, ..room.clone() };
    for (calendar, nights, guests, expect) in [
        (&room, "08-09", 2, "booked 08-09 for 10000; sold 1"),
        (&room, "08-09", 3, "3 guests in a room for 2"),
        (&closed, "08-09", 2, "closed"),
        // The first rule that says no is the one that does not depend on others' bookings.
        (&room, "05-06", 3, "3 guests in a room for 2"),
        (&closed, "05-06", 2, "closed"),
        (&closed, "05-06", 3, "3 guests in a room for 2"),
        (&deleted, "08-09", 2, "closed"),
        // A conflict records the lapsed holds it met; what is invalid has met none.
        (&closed, "11-12", 2, "closed, recording expired 10-12; sold 0"),
        (&closed, "11-12", 3, "3 guests in a room for 2"),
    ] {
        let decision = calendar.book(wish(stay(nights), guests, None));
        assert_eq!(told(&decision, &calendar.taken), expect, "{nights} for {guests}");
    }
}

#[test]
fn a_hold_occupies_from_now_until_its_time_is_up() {
    let hold = Some(TimeDelta::seconds(60));
    let decision = calendar(&["05-08"]).book(wish(stay("08-10"), 2, hold));
    assert_eq!(told(&decision, &[]), "held 08-10 for 20000; sold 0");
    let Ok(Decided::Changed(_, booking)) = decision else { panic!("it was accepted") };
    let at = |seconds| now() + TimeDelta::seconds(seconds);
    assert_eq!(booking.status, Status::Held { until: at(60) });
    for (seconds, occupies) in [(0, true), (59, true), (60, false), (3_600, false)] {
        assert_eq!(booking.occupies(at(seconds)), occupies, "after {seconds} s");
        assert_eq!(booking.has_lapsed(at(seconds)), !occupies, "after {seconds} s");
    }
}

#[test]
fn confirming() {
    check_command(confirm, "05-08 held", "confirmed 05-08 for 30000; sold 1");
    check_command(confirm, "05-08", "unchanged");
    check_command(confirm, "05-08 cancelled", "cancelled cannot be confirmed");
    check_command(confirm, "05-08 expired", "hold expired");
    check_command(confirm, "05-08 lapsed", "hold expired, recording expired 05-08; sold 0");
}

#[test]
fn cancelling() {
    check_command(cancel, "05-08 held", "cancelled 05-08 for 30000; sold 0");
    check_command(cancel, "05-08", "cancelled 05-08 for 30000; sold -1");
    check_command(cancel, "05-08 cancelled", "unchanged");
    check_command(cancel, "05-08 expired", "hold expired");
    check_command(cancel, "05-08 lapsed", "hold expired, recording expired 05-08; sold 0");
}

#[test]
fn expiring() {
    check_command(expire, "05-08 lapsed", "expired 05-08; sold 0");
    for left_alone in ["05-08 held", "05-08", "05-08 cancelled", "05-08 expired"] {
        check_command(expire, left_alone, "unchanged");
    }
}

#[test]
fn a_closed_room_lets_its_holds_be_confirmed_and_a_deleted_one_nothing() {
    let booking = booking("05-08 held", 1);
    let open = calendar(&[]).room;
    let decision = confirm(&booking, &closed(&open), now());
    assert_eq!(told(&decision, &[]), "confirmed 05-08 for 30000; sold 1");
    let deleted = Room { deleted_at: Some(now()), ..open };
    let commands: [Command; 2] = [confirm, cancel];
    for command in commands {
        for state in ["05-08", "05-08 held", "05-08 lapsed", "05-08 cancelled", "05-08 expired"] {
            let said = told(&command(&self::booking(state, 1), &deleted, now()), &[]);
            assert!(said.contains(" cannot be "), "{state}: {said}");
            assert!(!said.contains("recording"), "{state}: {said}");
        }
    }
}

#[test]
fn new_nights_run_the_whole_decision_without_the_booking_itself() {
    let taken = &["05-08", "10-12", "12-13 lapsed"];
    check_amend(taken, "06-09", 2, "rescheduled 06-09 for 30000; sold 0");
    check_amend(taken, "08-10", 2, "rescheduled 08-10 for 20000; sold 0");
    check_amend(taken, "08-11", 2, "taken by 10-12");
    check_amend(taken, "05-10", 2, "rescheduled 05-10 for 50000; sold 0");
    check_amend(taken, "12-14", 2, "expired 12-13, rescheduled 12-14 for 20000; sold 0");
    check_amend(taken, "11-14", 2, "taken by 10-12, recording expired 12-13; sold 0");
    check_amend(taken, "08-10", 3, "3 guests in a room for 2");
    check_amend(taken, "05-08", 1, "booking_edited 05-08 for 30000; sold 0");
    check_amend(taken, "05-08", 3, "3 guests in a room for 2");
    check_amend(taken, "05-08", 2, "unchanged");
}

#[test]
fn only_what_is_alive_is_amended() {
    for (state, expect) in [
        ("05-08 held", "rescheduled 06-09 for 30000; sold 0"),
        ("05-08 cancelled", "cancelled cannot be edited"),
        ("05-08 expired", "hold expired"),
        ("05-08 lapsed", "hold expired, recording expired 05-08; sold 0"),
    ] {
        check_amend(&[state], "06-09", 2, expect);
        let same = if state.ends_with("held") { "unchanged" } else { expect };
        check_amend(&[state], "05-08", 2, same);
    }
}

#[test]
fn a_move_takes_leave_of_one_room_and_comes_into_another() {
    check_move("05-08", &[], &|_| {}, "moved_out 05-08, moved_in 05-08 for 60000; sold -1 1");
    check_move("05-08 held", &[], &|_| {}, "moved_out 05-08, moved_in 05-08 for 60000; sold 0 0");
    check_move("05-08", &["07-09"], &|_| {}, "taken by 07-09");
    check_move(
        "05-08",
        &["07-09 lapsed"],
        &|_| {},
        "moved_out 05-08, expired 07-09, moved_in 05-08 for 60000; sold -1 1",
    );
    check_move("05-08", &[], &|room| room.hotel = HotelId(Uuid::max()), "invalid RoomId");
    check_move("05-08", &[], &|room| room.deleted_at = Some(now()), "invalid RoomId");
    check_move("05-08", &[], &|room| *room = closed(room), "closed");
    check_move(
        "05-08",
        &[],
        &|room| room.attributes.capacity = capacity(1),
        "2 guests in a room for 1",
    );
    check_move("05-08 cancelled", &[], &|_| {}, "cancelled cannot be edited");
}

#[test]
fn a_room_is_deleted_when_nobody_has_a_night_from_today_on() {
    for (taken, expect) in [
        (&[][..], "room_deleted; sold 0"),
        (&["05-08"], "in use by 1"),
        (&["05-08", "10-11 held"], "in use by 2"),
        (&["05-08 lapsed"], "expired 05-08, room_deleted; sold 0"),
        (&["05-08 lapsed", "10-11"], "in use by 1, recording expired 05-08; sold 0"),
    ] {
        let calendar = calendar(taken);
        assert_eq!(told(&calendar.delete_room(), &calendar.taken), expect, "{taken:?}");
    }
    // A guest who leaves today has no night left; one who arrived yesterday and stays has.
    for (check_in, check_out, expect) in [
        ("2026-11-29", "2026-12-01", "room_deleted; sold 0"),
        ("2026-11-29", "2026-12-02", "in use by 1"),
    ] {
        let stay = Stay::new(day(check_in), day(check_out)).expect("a stay");
        let mut calendar = calendar(&["05-08"]);
        calendar.taken[0].stay = stay;
        assert_eq!(told(&calendar.delete_room(), &calendar.taken), expect, "{check_out}");
    }
}

#[test]
fn free_nights_are_what_no_occupying_booking_has() {
    for (taken, expect) in [
        (&[][..], "01-20"),
        (&["05-08"], "01-05 08-20"),
        (&["05-08 held", "08-09"], "01-05 09-20"),
        (&["05-08 lapsed"], "01-20"),
        (&["01-20"], ""),
    ] {
        let free = calendar(taken).free(day("2026-12-01"), day("2026-12-20"));
        let free: Vec<_> = free.iter().map(|(from, to)| nights(*from, *to)).collect();
        assert_eq!(free.join(" "), expect, "{taken:?}");
    }
    let open = calendar(&[]);
    let shut = Calendar { room: closed(&open.room), ..open };
    assert_eq!(shut.free(day("2026-12-01"), day("2026-12-20")), []);
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    let room = calendar(&[]).room;
    assert_eq!(room.edit(room.attributes.clone(), now()), Ok(Decided::Unchanged(room.clone())));
    let decision = room.edit(closed(&room).attributes, now());
    let Ok(Decided::Changed(change, edited)) = decision else { panic!("{decision:?}") };
    assert_eq!((edited.version, change.rooms[0].write), (Version(8), RoomWrite::Replace));

    let attributes = HotelAttributes {
        name: text("Rialto"),
        city: text("Venice"),
        country: None,
        day: HotelDay::default(),
    };
    let Ok(Decided::Changed(_, hotel)) =
        Hotel::create(HotelId(Uuid::nil()), attributes.clone(), now())
    else {
        panic!("nothing speaks against a hotel")
    };
    assert_eq!(hotel.edit(attributes.clone(), now()), Ok(Decided::Unchanged(hotel.clone())));
    let renamed = HotelAttributes { name: text("Danieli"), ..attributes };
    let Ok(Decided::Changed(change, renamed)) = hotel.edit(renamed, now()) else {
        panic!("a name may change")
    };
    assert_eq!(renamed.version, Version(2));
    let replaced = HotelChange::Replace { from: Version(1), to: renamed };
    assert_eq!(change.hotel, Some(replaced));
    assert_eq!(hotel.delete(true), Err(Refusal::HotelInUse.into()));
    assert!(matches!(hotel.delete(false), Ok(Decided::Changed(..))));
}

/// What the nights slept are called.
const SLEPT: BookingId = BookingId(Uuid::from_u128(77));

/// A guest in the house changes rooms on 1 December: the nights before stay sold where they were.
#[test]
fn nights_slept_stay_in_their_room_when_the_guest_changes_rooms() {
    let moved = "moved_out 29-03, stayed 29-01, moved_in 01-03";
    let (reprice, keep) = (true, false);
    for (nights, to, reprice, expect, total, of_slept) in [
        // Two nights were slept, two are left; the other room costs twice as much.
        ("11-29 12-03", "11-29 12-03", reprice, moved, 40_000, 20_000),
        ("11-29 12-03", "11-29 12-03", keep, moved, 20_000, 20_000),
        (
            "11-29 12-03",
            "11-29 12-05",
            keep,
            "moved_out 29-03, stayed 29-01, moved_in 01-05",
            40_000,
            20_000,
        ),
        (
            "11-29 12-03",
            "11-29 12-02",
            reprice,
            "moved_out 29-03, stayed 29-01, moved_in 01-02",
            20_000,
            20_000,
        ),
        // The guest was to leave today, and stays on in another room.
        (
            "11-30 12-01",
            "11-30 12-02",
            reprice,
            "moved_out 30-01, stayed 30-01, moved_in 01-02",
            20_000,
            10_000,
        ),
    ] {
        let booking = sleeping(nights);
        let decision = change_rooms(&booking, to, reprice, &[]);
        let said = told(&decision, std::slice::from_ref(&booking));
        assert_eq!(said, format!("{expect} for {of_slept}; sold 0 1"), "{nights} {to}");
        let Ok(Decided::Changed(change, moved)) = decision else { panic!("{said}") };
        let slept = change.bookings[1].to();
        assert!(matches!(&change.bookings[1], BookingChange::Insert(_)), "{change:?}");
        assert_eq!(change.bookings[0].to(), &moved, "it leaves before its nights are another's");
        assert_eq!((moved.id, moved.total.map(Total::amount)), (booking.id, Some(total)));
        assert_eq!((moved.continues, moved.continued_by), (Some(SLEPT), None));
        assert_eq!((slept.id, slept.room, slept.status), (SLEPT, booking.room, Status::Confirmed));
        assert_eq!((slept.continues, slept.continued_by), (None, Some(booking.id)));
        let without = Origin { reference: None, ..booking.origin.clone() };
        assert_eq!(
            (&moved.origin, &slept.origin),
            (&booking.origin, &without),
            "it names the stay"
        );
        assert_eq!((&slept.guest, slept.guests), (&booking.guest, booking.guests));
        assert_eq!((&moved.metadata, &slept.metadata), (&booking.metadata, &booking.metadata));
        assert_eq!(
            (slept.stay.check_out(), moved.stay.check_in()),
            (day("2026-12-01"), day("2026-12-01"))
        );
        assert_eq!(slept.stay.check_in(), booking.stay.check_in());
    }
}

#[test]
fn only_nights_from_today_on_must_be_free_where_the_guest_goes() {
    let booking = sleeping("11-29 12-03");
    // Another guest slept in that room until today.
    let mut neighbour = self::booking("05-08", 5);
    neighbour.stay = days("11-29 12-01");
    let decision = change_rooms(&booking, "11-29 12-03", true, &[neighbour.clone()]);
    assert!(told(&decision, &[booking.clone(), neighbour.clone()]).starts_with("moved_out"));
    neighbour.stay = days("11-30 12-02");
    let decision = change_rooms(&booking, "11-29 12-03", true, &[neighbour]);
    assert_eq!(told(&decision, &[]), "taken by 30-02");
}

#[test]
fn what_has_no_nights_slept_moves_whole_or_not_at_all() {
    let whole = |booking: &Booking, to: &str, expect: &str| {
        let decision = change_rooms(booking, to, true, &[]);
        assert_eq!(told(&decision, std::slice::from_ref(booking)), expect, "{to}");
    };
    // The first night is tonight's.
    whole(
        &sleeping("12-01 12-03"),
        "12-01 12-03",
        "moved_out 01-03, moved_in 01-03 for 40000; sold -1 1",
    );
    // A hold is no stay.
    let held = Booking { status: booking("05-08 held", 99).status, ..sleeping("11-30 12-03") };
    whole(&held, "11-30 12-03", "moved_out 30-03, moved_in 30-03 for 60000; sold 0 0");
    // Another day of arrival is another stay: the guest had not come.
    whole(
        &sleeping("11-29 12-03"),
        "12-02 12-04",
        "moved_out 29-03, moved_in 02-04 for 40000; sold -1 1",
    );
    // The stay is over, was over before today, or shall be.
    whole(&sleeping("11-28 12-01"), "11-28 12-01", "invalid RoomId");
    whole(&sleeping("11-28 11-30"), "11-28 12-03", "invalid RoomId");
    whole(&sleeping("11-28 12-03"), "11-28 12-01", "invalid RoomId");
}

#[test]
fn nights_slept_are_moved_no_more_and_the_stay_goes_on() {
    let booking = sleeping("11-28 12-03");
    let decision = change_rooms(&booking, "11-28 12-03", true, &[]);
    let Ok(Decided::Changed(change, moved)) = decision else { panic!("{decision:?}") };
    let slept = change.bookings[1].to();
    for to in ["11-28 12-02", "12-02 12-03"] {
        let mut home = calendar(&[]);
        home.taken = vec![slept.clone()];
        let amendment = as_it_is(slept, days(to), true);
        let decision = amend(slept, &home.room, &home, amendment);
        assert_eq!(told(&decision, &home.taken), "continued cannot be moved", "{to}");
    }
    assert_eq!(
        told(&change_rooms(slept, "11-28 12-01", true, &[]), &[]),
        "continued cannot be moved"
    );
    let guest = Guest { name: text("Grace"), email: None };
    let renamed = Amendment { guest, ..as_it_is(slept, slept.stay, true) };
    let decision = amend(slept, &calendar(&[]).room, &calendar(&[]), renamed);
    assert!(told(&decision, &[]).starts_with("booking_edited"), "a name may be put right");
    assert!(told(&cancel(slept, &calendar(&[]).room, now()), &[]).starts_with("cancelled"));

    // Two days later the guest changes rooms again.
    let mut third = calendar(&[]);
    third.now = now() + TimeDelta::days(1);
    third.room.id = RoomId(Uuid::from_u128(3));
    let again =
        Amendment { slept: BookingId(Uuid::from_u128(78)), ..as_it_is(&moved, moved.stay, true) };
    let decision = amend(&moved, &change.rooms[1].to, &third, again);
    let Ok(Decided::Changed(change, again)) = decision else { panic!("{decision:?}") };
    let between = change.bookings[1].to();
    assert_eq!((again.id, again.continues), (booking.id, Some(between.id)));
    assert_eq!((between.continues, between.continued_by), (Some(SLEPT), Some(booking.id)));
    assert_eq!(between.stay, days("12-01 12-02"));
}

/// A confirmed booking of nights that have begun, perhaps.
fn sleeping(nights: &str) -> Booking {
    let stay = days(nights);
    let total = Some(euros(10_000).for_stay(stay));
    let metadata = notes(&[("flight", "AZ 1471")]);
    Booking { stay, total, origin: origin("a", "1"), metadata, ..booking("05-08", 99) }
}

/// `11-29 12-03`.
fn days(said: &str) -> Stay {
    let (from, to) = said.split_once(' ').expect("two days");
    Stay::new(day(&format!("2026-{from}")), day(&format!("2026-{to}"))).expect("a stay")
}

fn as_it_is(booking: &Booking, stay: Stay, reprice: bool) -> Amendment {
    let (guest, guests) = (booking.guest.clone(), booking.guests);
    let (origin, metadata) = (booking.origin.clone(), booking.metadata.clone());
    Amendment { guest, guests, stay, origin, metadata, reprice, hold: None, slept: SLEPT }
}

/// Moves the booking to another room, which costs twice as much and where others have `taken` nights.
fn change_rooms(
    booking: &Booking,
    to: &str,
    reprice: bool,
    taken: &[Booking],
) -> Decision<Booking> {
    let mut target = calendar(&[]);
    target.room.id = RoomId(Uuid::from_u128(2));
    target.room.attributes.nightly_rate = Some(euros(20_000));
    target.taken = taken.iter().map(|it| Booking { room: target.room.id, ..it.clone() }).collect();
    amend(booking, &calendar(&[]).room, &target, as_it_is(booking, days(to), reprice))
}

/// A decision about a booking that needs its room and the time alone.
type Command = fn(&Booking, &Room, Instant) -> Decision<Booking>;

/// The one place that calls `book`.
#[track_caller]
fn check_book(taken: &[&str], ask: &str, expect: &str) {
    let calendar = calendar(taken);
    let Some(stay) = try_stay(ask) else {
        assert_eq!(expect, "no stay", "{ask}");
        return;
    };
    let decision = calendar.book(wish(stay, 2, None));
    assert_eq!(told(&decision, &calendar.taken), expect, "{taken:?} {ask}");
}

#[track_caller]
fn check_command(command: Command, state: &str, expect: &str) {
    let booking = booking(state, 1);
    let decision = command(&booking, &calendar(&[]).room, now());
    assert_eq!(told(&decision, &[booking]), expect, "{state}");
}

/// The first of `taken` is the one to change, within its room.
#[track_caller]
fn check_amend(taken: &[&str], nights: &str, guests: i64, expect: &str) {
    let all = calendar(taken);
    let booking = all.taken[0].clone();
    let stored = |other: &Booking| matches!(other.status, Status::Held { .. } | Status::Confirmed);
    let target =
        Calendar { taken: all.taken.iter().filter(|it| stored(it)).cloned().collect(), ..all };
    let amendment = Amendment {
        guest: booking.guest.clone(),
        guests: self::guests(guests),
        stay: stay(nights),
        origin: booking.origin.clone(),
        metadata: booking.metadata.clone(),
        reprice: true,
        hold: None,
        slept: SLEPT,
    };
    let decision = amend(&booking, &target.room, &target, amendment);
    assert_eq!(told(&decision, &target.taken), expect, "{taken:?} {nights} for {guests}");
}

/// Moves the booking to another room, which costs twice as much and whose calendar is `taken`.
#[track_caller]
fn check_move(state: &str, taken: &[&str], changed: &dyn Fn(&mut Room), expect: &str) {
    let (booking, home) = (booking(state, 99), calendar(&[]).room);
    let mut target = calendar(taken);
    target.room.id = RoomId(Uuid::from_u128(2));
    target.room.attributes.nightly_rate = Some(euros(20_000));
    changed(&mut target.room);
    for other in &mut target.taken {
        other.room = target.room.id;
    }
    let amendment = Amendment {
        guest: booking.guest.clone(),
        guests: booking.guests,
        stay: booking.stay,
        origin: booking.origin.clone(),
        metadata: booking.metadata.clone(),
        reprice: true,
        hold: None,
        slept: SLEPT,
    };
    let decision = amend(&booking, &home, &target, amendment);
    assert_eq!(told(&decision, &target.taken), expect, "{state} {taken:?}");
    if let Ok(Decided::Changed(change, moved)) = decision {
        assert_eq!((moved.id, moved.room), (booking.id, target.room.id), "it keeps its id");
        let rooms: Vec<_> = change.rooms.iter().map(|room| room.to.id).collect();
        assert_eq!(rooms, [home.id, target.room.id], "in ascending id");
    }
}

/// A decision in words. On the way, everything that all changes have in common is checked.
#[track_caller]
fn told<T>(decision: &Decision<T>, taken: &[Booking]) -> String {
    match decision {
        Ok(Decided::Unchanged(_)) => "unchanged".to_owned(),
        Ok(Decided::Changed(change, _)) => written(change, taken),
        Err(Refused { refusal, lapsed: None }) => refused(refusal),
        Err(Refused { refusal, lapsed: Some(change) }) => {
            format!("{}, recording {}", refused(refusal), written(change, taken))
        }
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid(invalid) => {
            assert_eq!(refusal.field(), Some(invalid.field));
            format!("invalid {:?}", invalid.field)
        }
        Refusal::CapacityExceeded { guests, capacity } => {
            assert_eq!(refusal.field(), Some(Field::Guests));
            format!("{guests} guests in a room for {capacity}")
        }
        Refusal::RoomClosed => "closed".to_owned(),
        Refusal::RoomUnavailable { conflicts, .. } => {
            let conflicts: Vec<_> =
                conflicts.iter().map(|stay| nights(stay.check_in(), stay.check_out())).collect();
            format!("taken by {}", conflicts.join(" "))
        }
        Refusal::HoldExpired => "hold expired".to_owned(),
        Refusal::InvalidTransition { from, to } => format!("{from} cannot be {to}"),
        Refusal::RoomInUse { bookings } => format!("in use by {bookings}"),
        Refusal::HotelInUse | Refusal::NoRoomAvailable => refusal.to_string(),
    }
}

/// The events of a change, the price of the booking it is about, and what each room sold.
#[track_caller]
fn written(change: &Change, taken: &[Booking]) -> String {
    let mut events = Vec::new();
    let mut sold = Vec::new();
    for room in &change.rooms {
        assert_eq!(room.from, Version(7), "decided on the version that was shown");
        let versions: Vec<_> = room.events.iter().map(|event| event.version.0).collect();
        let expected: Vec<_> = (8..=room.to.version.0).collect();
        assert_eq!(versions, expected, "one event a version, without gaps");
        assert!(!versions.is_empty(), "no room is advanced for nothing");
        assert_eq!(room.to.times_booked, 3 + room.sold);
        assert_eq!(room.to.updated_at, now());
        for event in &room.events {
            assert_eq!(event.at, now());
            events.push(match &event.data {
                EventData::Booking { stay, .. } => {
                    format!("{} {}", event.kind.name(), nights(stay.check_in(), stay.check_out()))
                }
                EventData::Room(_) | EventData::Nothing => event.kind.name().to_owned(),
            });
        }
        sold.push(room.sold.to_string());
    }
    let all_events = || change.rooms.iter().flat_map(|room| &room.events);
    for booking in &change.bookings {
        let to = match booking {
            BookingChange::Insert(to) => {
                assert_eq!(to.version, Version::FIRST);
                to
            }
            BookingChange::Replace { from, to, .. } => {
                assert_eq!(to.version, from.next());
                if let Some(other) = taken.iter().find(|other| other.id == to.id) {
                    assert_eq!(other.version, *from);
                }
                to
            }
        };
        assert_eq!(to.updated_at, now());
        let own = all_events().filter(|event| event.booking == Some(to.id));
        assert!(own.clone().any(|event| event.version == to.room_version), "its event is there");
    }
    let last = change.bookings.last().map(|last| match last {
        BookingChange::Insert(to) | BookingChange::Replace { to, .. } => to,
    });
    let live = last.filter(|last| last.status != Status::Expired);
    let price = live.and_then(|live| live.total);
    let price = price.map_or_else(String::new, |total| format!(" for {}", total.amount()));
    let events = events.join(", ");
    format!("{events}{price}; sold {}", sold.join(" "))
}

fn now() -> Instant {
    "2026-12-01T12:00:00Z".parse().expect("an instant")
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}

fn guests(guests: i64) -> Guests {
    Guests::new(guests).expect("a number of guests")
}

fn capacity(capacity: i64) -> Capacity {
    Capacity::new(capacity).expect("a capacity")
}

fn euros(amount: i64) -> Money {
    Money {
        amount: Amount::new(amount).expect("an amount"),
        currency: Currency::parse("EUR").expect("a currency"),
    }
}

fn nights(from: Day, to: Day) -> String {
    format!("{}-{}", from.format("%d"), to.format("%d"))
}

fn stay(nights: &str) -> Stay {
    try_stay(nights).expect("a stay")
}

fn try_stay(nights: &str) -> Option<Stay> {
    let (from, to) = nights.split_once('-').expect("two days");
    Stay::new(day(&format!("2026-12-{from}")), day(&format!("2026-12-{to}"))).ok()
}

/// `05-08`, confirmed unless another state follows.
fn booking(said: &str, id: u128) -> Booking {
    let (nights, state) = said.split_once(' ').unwrap_or((said, "confirmed"));
    let held = |minutes| Status::Held { until: now() + TimeDelta::minutes(minutes) };
    let status = match state {
        "confirmed" => Status::Confirmed,
        "held" => held(1),
        "lapsed" => held(0),
        "cancelled" => Status::Cancelled,
        "expired" => Status::Expired,
        other => panic!("no state is called {other}"),
    };
    let stay = stay(nights);
    Booking {
        id: BookingId(Uuid::from_u128(id)),
        room: RoomId(Uuid::from_u128(1)),
        hotel: HotelId(Uuid::nil()),
        guest: guest(),
        guests: guests(2),
        stay,
        status,
        total: Some(euros(10_000).for_stay(stay)),
        origin: Origin::default(),
        continues: None,
        continued_by: None,
        metadata: Metadata::default(),
        made_by: None,
        version: Version(4),
        room_version: Version(5),
        created_at: now() - TimeDelta::days(1),
        updated_at: now() - TimeDelta::days(1),
    }
}

fn calendar(taken: &[&str]) -> Calendar {
    let ids = 1..;
    Calendar {
        room: Room {
            id: RoomId(Uuid::from_u128(1)),
            hotel: HotelId(Uuid::nil()),
            attributes: RoomAttributes {
                number: text("101"),
                kind: text("double"),
                capacity: capacity(2),
                nightly_rate: Some(euros(10_000)),
                status: RoomStatus::Open,
            },
            times_booked: 3,
            version: Version(7),
            created_at: now() - TimeDelta::days(30),
            updated_at: now() - TimeDelta::days(1),
            deleted_at: None,
        },
        day: HotelDay::default(),
        now: now(),
        taken: taken.iter().zip(ids).map(|(said, id)| booking(said, id)).collect(),
    }
}

#[test]
fn where_a_booking_comes_from_is_kept_and_edited_in_place() {
    let home = calendar(&["05-08"]);
    let wanted = NewBooking { origin: origin("a", "1"), ..wish(stay("10-12"), 2, None) };
    let Ok(Decided::Changed(_, booked)) = home.book(wanted) else { panic!("it is free") };
    assert_eq!(booked.origin, origin("a", "1"));
    let booking = home.taken[0].clone();
    let amendment = Amendment {
        guest: booking.guest.clone(),
        guests: booking.guests,
        stay: booking.stay,
        origin: origin("a", "2"),
        metadata: notes(&[("flight", "AZ 1471")]),
        reprice: true,
        hold: None,
        slept: SLEPT,
    };
    let decision = amend(&booking, &home.room, &home, amendment);
    assert_eq!(told(&decision, &home.taken), "booking_edited 05-08 for 30000; sold 0");
    let Ok(Decided::Changed(_, to)) = decision else { panic!("it is edited") };
    assert_eq!((&to.origin, to.total), (&origin("a", "2"), booking.total));
    assert_eq!(to.metadata, notes(&[("flight", "AZ 1471")]));
}

#[test]
fn erasing_drops_reference_and_notes_and_keeps_the_source() {
    for state in ["05-08", "05-08 held", "05-08 lapsed", "05-08 cancelled", "05-08 expired"] {
        let metadata = notes(&[("flight", "AZ 1471")]);
        let booking = Booking { origin: origin("a", "1"), metadata, ..booking(state, 1) };
        let room = calendar(&[]).room;
        let erased = erase(&booking, &room, now());
        let Ok(Decided::Changed(_, erased)) = erased else { panic!("{state}: {erased:?}") };
        assert_eq!(erased.origin, Origin { reference: None, ..origin("a", "1") }, "{state}");
        assert!(erased.metadata.is_empty(), "{state}");
        assert_eq!(erased.status, booking.status, "{state}");
        let again = erase(&erased, &room, now());
        assert!(matches!(again, Ok(Decided::Unchanged(_))), "{state}: {again:?}");
    }
}

fn notes(notes: &[(&str, &str)]) -> Metadata {
    let owned = notes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Metadata::parse(owned.collect()).expect("a few short notes")
}

fn origin(source: &str, reference: &str) -> Origin {
    Origin { source: Source::parse(source).ok(), reference: Reference::parse(reference).ok() }
}

fn closed(room: &Room) -> Room {
    let attributes = RoomAttributes { status: RoomStatus::Closed, ..room.attributes.clone() };
    Room { attributes, ..room.clone() }
}

fn guest() -> Guest {
    Guest { name: text("Ada"), email: None }
}

fn wish(stay: Stay, guests: i64, hold: Option<TimeDelta>) -> NewBooking {
    NewBooking {
        id: BookingId(Uuid::max()),
        guest: guest(),
        guests: self::guests(guests),
        stay,
        origin: Origin::default(),
        metadata: Metadata::default(),
        hold,
        made_by: None,
    }
}
