//! Hotels.

mod body;
pub mod create_hotel;
pub mod delete_hotel;
pub mod edit_hotel;
pub mod list;
pub mod show;
mod subject;
pub mod view;
