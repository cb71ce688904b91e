//! Rows as they lie in the tables, and their way to and from the domain's types.

pub mod booking;
pub mod hotel;
pub mod idempotency_key;
pub mod room;
pub mod room_event;
mod row;
#[cfg(test)]
mod tests;
