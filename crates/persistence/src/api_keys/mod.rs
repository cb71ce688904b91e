//! API keys, and the log of what was done to them.

mod change;
mod find;
mod row;

pub use self::row::{ApiKey, KeyEdit, KeyLookup};
