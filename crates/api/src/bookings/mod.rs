//! Bookings: from a wish for some nights to a confirmed stay, or not.

pub mod body;
pub mod handlers;
mod service;

pub use service::expire;
