//! Rooms: the aggregate root of everything that is booked.

pub mod availability;
mod body;
pub mod bookings;
pub mod create_room;
pub mod delete_room;
pub mod edit_room;
pub mod events;
pub mod list;
pub mod money;
pub mod show;
pub mod view;
