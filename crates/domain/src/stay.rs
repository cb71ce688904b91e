//! A stay: a half-open range of nights.

use chrono::Months;

use crate::invalid::{Field, Invalid};
use crate::time::Day;

/// The longest stay, in nights. The tables enforce it too, so that queries can rely on it.
pub const NIGHTS_MAX: i64 = 365;

/// How far ahead a check-in may lie, in years.
pub const YEARS_AHEAD_MAX: u32 = 3;

/// The nights `[check_in, check_out)`: the day one guest leaves is the day the next may arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay {
    check_in: Day,
    check_out: Day,
}

impl Stay {
    /// A stay of 1 to 365 nights. Fails with the field to correct.
    pub fn new(check_in: Day, check_out: Day) -> Result<Self, Invalid> {
        let stay = Self { check_in, check_out };
        if stay.nights() < 1 {
            return Err(Invalid::new(Field::CheckOut, "must be after check_in"));
        }
        if stay.nights() > NIGHTS_MAX {
            return Err(Invalid::new(
                Field::CheckOut,
                format!("a stay has at most {NIGHTS_MAX} nights"),
            ));
        }
        Ok(stay)
    }

    /// The day of arrival, and the first night.
    #[must_use]
    pub fn check_in(&self) -> Day {
        self.check_in
    }

    /// The day of departure, whose night is not part of the stay.
    #[must_use]
    pub fn check_out(&self) -> Day {
        self.check_out
    }

    /// How many nights.
    #[must_use]
    pub fn nights(&self) -> i64 {
        (self.check_out - self.check_in).num_days()
    }

    /// Whether some night belongs to both stays.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.check_in < other.check_out && other.check_in < self.check_out
    }

    /// Whether one may still arrive for it on the day `today`: not before it, and at most three
    /// years ahead. Fails with the field to correct.
    pub fn check_bookable(&self, today: Day) -> Result<(), Invalid> {
        if self.check_in < today {
            return Err(Invalid::new(
                Field::CheckIn,
                format!("must not be before today ({today} at the hotel)"),
            ));
        }
        let last = today.checked_add_months(Months::new(12 * YEARS_AHEAD_MAX));
        if last.is_none_or(|last| self.check_in > last) {
            return Err(Invalid::new(
                Field::CheckIn,
                format!("must be at most {YEARS_AHEAD_MAX} years ahead"),
            ));
        }
        Ok(())
    }

    /// The maximal runs of nights in `[from, to)` that none of `taken` touches, in order.
    #[must_use]
    pub fn gaps(from: Day, to: Day, taken: &[Self]) -> Vec<(Day, Day)> {
        let mut taken: Vec<_> = taken.iter().filter(|stay| stay.check_out > from).collect();
        taken.sort_unstable();
        let mut gaps = Vec::new();
        let mut free_from = from;
        for stay in taken {
            if stay.check_in >= to {
                break;
            }
            if stay.check_in > free_from {
                gaps.push((free_from, stay.check_in));
            }
            free_from = free_from.max(stay.check_out);
        }
        if free_from < to {
            gaps.push((free_from, to));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    #[test]
    fn a_stay_has_1_to_365_nights() {
        check_new("2026-12-01", "2026-12-02", true);
        check_new("2026-12-01", "2027-12-01", true);
        check_new("2026-12-01", "2027-12-02", false);
        check_new("2026-12-01", "2026-12-01", false);
        check_new("2026-12-02", "2026-12-01", false);
        check_new("0001-01-01", "9999-12-31", false);
    }

    #[test]
    fn neighbours_touch_and_do_not_overlap() {
        let stay = stay("2026-12-05", "2026-12-08");
        for (from, to, overlaps) in [
            ("2026-12-01", "2026-12-05", false),
            ("2026-12-08", "2026-12-09", false),
            ("2026-12-01", "2026-12-06", true),
            ("2026-12-07", "2026-12-09", true),
            ("2026-12-06", "2026-12-07", true),
            ("2026-12-01", "2026-12-31", true),
        ] {
            let other = self::stay(from, to);
            assert_eq!(stay.overlaps(&other), overlaps, "{from} {to}");
            assert_eq!(other.overlaps(&stay), overlaps, "overlap is mutual: {from} {to}");
        }
    }

    #[test]
    fn check_in_is_today_at_the_earliest_and_three_years_ahead_at_the_latest() {
        for (today, check_in, ok) in [
            ("2026-12-01", "2026-11-30", false),
            ("2026-12-01", "2026-12-01", true),
            ("2026-12-01", "2029-12-01", true),
            ("2026-12-01", "2029-12-02", false),
            ("2028-02-29", "2031-02-28", true),
            ("2028-02-29", "2031-03-01", false),
        ] {
            let check_in = day(check_in);
            let stay = Stay::new(check_in, check_in + Days::new(1)).expect("one night");
            assert_eq!(stay.check_bookable(day(today)).is_ok(), ok, "{today} {check_in}");
        }
    }

    #[test]
    fn gaps_are_what_the_stays_leave() {
        check_gaps(&[], &[("2026-12-01", "2026-12-11")]);
        check_gaps(&[("2026-11-20", "2026-12-20")], &[]);
        check_gaps(
            &[("2026-12-04", "2026-12-06"), ("2026-11-30", "2026-12-02")],
            &[("2026-12-02", "2026-12-04"), ("2026-12-06", "2026-12-11")],
        );
        check_gaps(
            &[("2026-12-02", "2026-12-04"), ("2026-12-04", "2026-12-11")],
            &[("2026-12-01", "2026-12-02")],
        );
        check_gaps(&[("2026-12-11", "2026-12-12")], &[("2026-12-01", "2026-12-11")]);
    }

    #[track_caller]
    fn check_gaps(taken: &[(&str, &str)], expect: &[(&str, &str)]) {
        let taken: Vec<_> = taken.iter().map(|(from, to)| stay(from, to)).collect();
        let expect: Vec<_> = expect.iter().map(|(from, to)| (day(from), day(to))).collect();
        assert_eq!(Stay::gaps(day("2026-12-01"), day("2026-12-11"), &taken), expect);
    }

    #[track_caller]
    fn check_new(check_in: &str, check_out: &str, ok: bool) {
        assert_eq!(Stay::new(day(check_in), day(check_out)).is_ok(), ok);
    }

    fn stay(check_in: &str, check_out: &str) -> Stay {
        Stay::new(day(check_in), day(check_out)).expect("a stay")
    }

    fn day(text: &str) -> Day {
        text.parse().expect("a day")
    }
}
