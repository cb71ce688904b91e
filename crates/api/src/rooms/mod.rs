//! Rooms: the aggregate root of everything that is booked.

pub mod body;
pub mod handlers;
mod service;

pub use service::read;
