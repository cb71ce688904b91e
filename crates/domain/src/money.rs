//! Money: whole minor units of one currency.

/// The largest amount of a nightly rate, in minor units.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// An ISO 4217 code, by shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency(String);

impl Currency {
    /// Fails with what to correct unless `raw` is three upper-case letters.
    pub fn parse(raw: &str) -> Result<Self, String> {
        if raw.len() == 3 && raw.bytes().all(|b| b.is_ascii_uppercase()) {
            return Ok(Self(raw.to_owned()));
        }
        Err("must be three upper-case letters (ISO 4217), such as EUR".into())
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An amount in minor units (cents for EUR, yen for JPY) of a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units; a rate is 0 to 10^12, a total at most 365 times that.
    pub amount: i64,
    /// What the units are of.
    pub currency: Currency,
}

impl Money {
    /// Whether `amount` may be a nightly rate. Fails with what to correct.
    pub fn check_amount(amount: i64) -> Result<i64, String> {
        if (0..=AMOUNT_MAX).contains(&amount) {
            return Ok(amount);
        }
        Err(format!("must be 0 to {AMOUNT_MAX} minor units"))
    }

    /// What `nights` cost at this rate. A stay has at most 365 nights, so this cannot overflow.
    #[must_use]
    pub fn times(&self, nights: i64) -> Self {
        Self { amount: self.amount * nights, currency: self.currency.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_rate_for_the_longest_stay_fits() {
        let rate = Money {
            amount: Money::check_amount(AMOUNT_MAX).expect("the bound itself is allowed"),
            currency: Currency::parse("EUR").expect("a currency"),
        };
        assert_eq!(rate.times(365).amount, 365_000_000_000_000);
        assert!(Money::check_amount(AMOUNT_MAX + 1).is_err());
        assert!(Money::check_amount(-1).is_err());
    }

    #[test]
    fn a_currency_is_three_upper_case_letters() {
        assert!(Currency::parse("EUR").is_ok());
        for bad in ["", "EU", "eur", "EURO", "E1R"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
    }
}
