//! Rows as they lie in the tables, and their way to and from the domain's types.

pub mod booking;
pub mod hotel;
pub mod idempotency_key;
pub mod room;
pub mod room_event;

use vacancy_domain::{Currency, Money, Text};

use crate::StoreError;

/// Reads a column that the domain wrote. Failing means that the row was written by other hands.
fn stored<T>(column: &str, parsed: Result<T, String>) -> Result<T, StoreError> {
    parsed.map_err(|why| StoreError::corrupt(&format!("{column} {why}")))
}

fn text(column: &str, raw: &str) -> Result<Text, StoreError> {
    stored(column, Text::parse(raw))
}

fn money(amount: Option<i64>, currency: Option<String>) -> Result<Option<Money>, StoreError> {
    match (amount, currency) {
        (Some(amount), Some(currency)) => {
            let currency = stored("currency", Currency::parse(&currency))?;
            Ok(Some(Money { amount, currency }))
        }
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            Err(StoreError::corrupt("an amount and its currency go together"))
        }
    }
}

fn money_columns(money: Option<&Money>) -> (Option<i64>, Option<String>) {
    money.map(|money| (money.amount, money.currency.as_str().to_owned())).unzip()
}
