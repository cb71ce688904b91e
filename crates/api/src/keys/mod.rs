//! API keys: who may do what.

pub mod body;
pub mod create_key;
pub mod edit_key;
pub mod list;
pub mod me;
mod path;
pub mod revoke_key;
pub mod show;
mod view;
