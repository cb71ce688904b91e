//! Reading what is there: lists by keyset. A page costs the same however much
//! lies before it and however long the past is: every combination of filters has an index that
//! gives its rows in the list's order (`plans`).

mod bookings;
mod events;
mod hotels;
mod page;
mod rooms;

pub use bookings::BookingFilter;
pub use events::HistoryEvent;
pub use page::Page;
pub use rooms::{ROOMS_EXAMINED_MAX, RoomFilter, RoomPage, RoomPosition, RoomSort};
