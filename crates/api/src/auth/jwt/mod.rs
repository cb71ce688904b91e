//! Tokens of identity providers: JWTs, checked with the keys that their issuers publish.

mod claims;
mod fetch;
pub mod issuer;
mod keys;
mod ring_provider;
mod strict;
pub mod verify;

pub use self::fetch::may_fetch;
