//! Money as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vacancy_domain::{Money, Total};

/// An amount in minor units of a currency.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
#[serde(deny_unknown_fields)]
pub struct MoneyBody {
    /// Minor units: cents for EUR, yen for JPY.
    #[schema(minimum = 0, example = 12_900)]
    pub amount: i64,
    /// ISO 4217, upper case.
    #[schema(pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
}

impl From<&Money> for MoneyBody {
    fn from(money: &Money) -> Self {
        Self { amount: money.amount.get(), currency: money.currency.as_str().to_owned() }
    }
}

impl From<&Total> for MoneyBody {
    fn from(total: &Total) -> Self {
        Self { amount: total.amount(), currency: total.currency().as_str().to_owned() }
    }
}
