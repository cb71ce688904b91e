//! Who may do what: every operation with every kind of credential, keys from their making to their
//! end, and what a service says that is started without saying who is let in.

mod dump;
mod erase;
mod flood;
mod idp;
mod issuers;
mod jwt;
mod keys;
mod matrix;
mod open;
mod retention;
mod startup;
pub mod world;
