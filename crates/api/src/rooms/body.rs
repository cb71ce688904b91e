//! What a client sets of a room.

use serde::Deserialize;
use utoipa::ToSchema;
use vacancy_domain::{Amount, Capacity, Currency, Money, RoomAttributes, RoomStatus, Text};

use super::money::MoneyBody;
use crate::http::fields::FieldErrors;
use crate::http::problem::Problem;

/// What a client sets of a room.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomBody {
    /// Unique among the hotel's rooms; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "101")]
    pub number: String,
    /// Free text, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "double")]
    pub kind: String,
    /// How many guests it takes.
    #[schema(minimum = 1, maximum = 100, example = 2)]
    pub capacity: i64,
    /// What a night costs. Bookings of a room without a rate have no total.
    pub nightly_rate: Option<MoneyBody>,
    /// `open` (if absent) or `closed`.
    #[schema(pattern = "^(open|closed)$", example = "open")]
    pub status: Option<String>,
}

impl RoomBody {
    /// Reads every field; fails with 422 and all that is wrong.
    pub fn parse(&self) -> Result<RoomAttributes, Problem> {
        let mut errors = FieldErrors::default();
        let number = errors.at("/number", Text::label(&self.number));
        let kind = errors.at("/kind", Text::parse(&self.kind));
        let capacity = errors.at("/capacity", Capacity::new(self.capacity));
        let nightly_rate = match &self.nightly_rate {
            None => Some(None),
            Some(rate) => {
                let amount = Amount::new(rate.amount);
                let amount = errors.at("/nightly_rate/amount", amount);
                let currency = Currency::parse(&rate.currency);
                let currency = errors.at("/nightly_rate/currency", currency);
                amount.zip(currency).map(|(amount, currency)| Some(Money { amount, currency }))
            }
        };
        let status = self.status.as_deref().map(RoomStatus::parse).transpose();
        let status = errors.at("/status", status).flatten().unwrap_or_default();
        let room = || {
            let (number, kind, capacity) = (number?, kind?, capacity?);
            Some(RoomAttributes { number, kind, capacity, nightly_rate: nightly_rate?, status })
        };
        Ok(errors.finish(room())?)
    }
}
