//! Money: whole minor units of one currency. What a night costs, and what a stay costs.

use crate::stay::{NIGHTS_MAX, Stay};

/// The largest [`Amount`], in minor units.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// The largest [`Total`], in minor units: the longest stay at the largest rate.
const TOTAL_MAX: i64 = AMOUNT_MAX * NIGHTS_MAX;

/// An ISO 4217 code, by shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Fails with what to correct unless `raw` is three upper-case letters.
    pub fn parse(raw: &str) -> Result<Self, String> {
        match <[u8; 3]>::try_from(raw.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            Ok(_) | Err(_) => {
                Err("must be three upper-case letters (ISO 4217), such as EUR".into())
            }
        }
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII letters were let in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What a night may cost, in minor units (cents for EUR, yen for JPY): 0 to 10^12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    /// Fails with what to correct unless `amount` is 0 to 10^12 minor units.
    pub fn new(amount: i64) -> Result<Self, String> {
        if (0..=AMOUNT_MAX).contains(&amount) {
            return Ok(Self(amount));
        }
        Err(format!("must be 0 to {AMOUNT_MAX} minor units"))
    }

    /// The minor units.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A nightly rate: an amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// What a night costs.
    pub amount: Amount,
    /// What the minor units are of.
    pub currency: Currency,
}

impl Money {
    /// What the nights of `stay` cost at this rate.
    #[must_use]
    pub fn for_stay(self, stay: Stay) -> Total {
        // Within bounds, because a stay has at most 365 nights.
        Total { amount: self.amount.0 * stay.nights(), currency: self.currency }
    }
}

/// The price of a stay: a rate times 1 to 365 nights, so 0 to 365 * 10^12 minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    amount: i64,
    currency: Currency,
}

impl Total {
    /// A price as it was computed before. Fails with what is wrong unless `amount` is 0 to
    /// 365 * 10^12 minor units.
    pub fn new(amount: i64, currency: Currency) -> Result<Self, String> {
        if (0..=TOTAL_MAX).contains(&amount) {
            return Ok(Self { amount, currency });
        }
        Err(format!("must be 0 to {TOTAL_MAX} minor units"))
    }

    /// The minor units.
    #[must_use]
    pub fn amount(self) -> i64 {
        self.amount
    }

    /// What the minor units are of.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The price of `to` at the rate at which this one is the price of `from`.
    #[must_use]
    pub fn at_the_rate_of(self, from: Stay, to: Stay) -> Self {
        // A total is a rate times nights, so nothing is left over; 365^2 * 10^12 fits into 64 bits.
        let amount = self.amount * to.nights() / from.nights();
        Self { amount: amount.min(TOTAL_MAX), ..self }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    #[test]
    fn the_largest_rate_for_the_longest_stay_is_the_largest_total() {
        let currency = Currency::parse("EUR").expect("a currency");
        let amount = Amount::new(AMOUNT_MAX).expect("the bound itself is allowed");
        let check_in = "2026-12-01".parse().expect("a day");
        let stay = Stay::new(check_in, check_in + Days::new(365)).expect("the longest stay");
        let total = Money { amount, currency }.for_stay(stay);
        assert_eq!(total.amount(), 365_000_000_000_000);
        assert_eq!(Total::new(total.amount(), currency), Ok(total));
        assert!(Total::new(total.amount() + 1, currency).is_err());
        assert!(Total::new(-1, currency).is_err());
    }

    #[test]
    fn nights_given_up_or_added_cost_what_was_agreed() {
        let stay = |nights| {
            let check_in = "2026-12-01".parse().expect("a day");
            Stay::new(check_in, check_in + Days::new(nights)).expect("a stay")
        };
        let currency = Currency::parse("EUR").expect("a currency");
        for (rate, from, to) in [(12_900, 3, 2), (1, 365, 1), (AMOUNT_MAX, 1, 365), (0, 2, 3)] {
            let rate = Money { amount: Amount::new(rate).expect("an amount"), currency };
            let kept = rate.for_stay(stay(from)).at_the_rate_of(stay(from), stay(to));
            assert_eq!(kept, rate.for_stay(stay(to)), "{rate:?} {from} {to}");
        }
    }

    #[test]
    fn an_amount_is_0_to_10_to_the_12th() {
        for (amount, ok) in [(-1, false), (0, true), (AMOUNT_MAX, true), (AMOUNT_MAX + 1, false)] {
            let read = Amount::new(amount).map(Amount::get);
            assert_eq!(read.is_ok(), ok, "{amount}");
            assert!(read.is_err() || read == Ok(amount), "{amount}");
        }
    }

    #[test]
    fn a_currency_is_three_upper_case_letters() {
        assert_eq!(Currency::parse("EUR").expect("a currency").as_str(), "EUR");
        for bad in ["", "EU", "eur", "EURO", "E1R", "ÜR"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
    }
}
