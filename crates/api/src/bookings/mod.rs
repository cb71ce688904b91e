//! Bookings: from a request for some nights to a confirmed stay, or not.

pub mod auto_book;
pub mod book;
pub mod cancel;
mod command;
pub mod confirm;
pub mod edit_booking;
pub mod erase;
pub mod expire;
mod fields;
pub mod list;
mod reference;
mod request;
pub mod show;
pub mod view;
