//! Who asks, and what that caller may do: from the credential of a request to an [`access::Access`],
//! which travels with the request to where it is decided.

pub mod access;
mod cache;
mod credential;
mod denials;
pub mod guard;
pub mod jwt;
pub mod key_text;
mod limits;
mod lookups;
mod origin;
pub mod root_key;
pub mod scopes;
pub mod table;
mod warnings;
