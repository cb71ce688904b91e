//! Reading the columns of one row: whatever is wrong is reported with table, column and id.

use sea_orm::prelude::Uuid;
use vacancy_domain::{Currency, Text};

use crate::StoreError;

/// Which row is read.
#[derive(Clone, Copy)]
pub struct Row {
    /// Its table.
    pub table: &'static str,
    /// Its id.
    pub id: Uuid,
}

impl Row {
    /// Takes what was read of a column. Failing means that the row was written by other hands.
    pub fn stored<T>(
        self,
        column: &'static str,
        parsed: Result<T, String>,
    ) -> Result<T, StoreError> {
        parsed.map_err(|why| StoreError::corrupt(self.table, column, self.id.to_string(), why))
    }

    /// Reads a name.
    pub fn text(self, column: &'static str, raw: &str) -> Result<Text, StoreError> {
        self.stored(column, Text::stored(raw))
    }

    /// Reads an amount by `new` with its currency, which are both there or both absent.
    pub fn money<T>(
        self,
        (amount_column, amount): (&'static str, Option<i64>),
        (currency_column, currency): (&'static str, Option<&str>),
        new: impl FnOnce(i64, Currency) -> Result<T, String>,
    ) -> Result<Option<T>, StoreError> {
        match (amount, currency) {
            (Some(amount), Some(currency)) => {
                let currency = self.stored(currency_column, Currency::parse(currency))?;
                self.stored(amount_column, new(amount, currency)).map(Some)
            }
            (None, None) => Ok(None),
            (Some(_), None) => self.stored(currency_column, Err("an amount without it".into())),
            (None, Some(_)) => self.stored(amount_column, Err("a currency without it".into())),
        }
    }
}
