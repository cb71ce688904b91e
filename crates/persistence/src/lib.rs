//! The only crate that knows SQL: one concrete [`Store`] over SQLite and PostgreSQL.
//!
//! A [`Session`] reads one snapshot by one statement and keeps what was decided on it by one commit,
//! which begins with the compare-and-set of every room it writes. The two databases differ in
//! `dialect`, in how they are opened (`connect`), in how a write is kept (`commit_postgres`,
//! `commit_sqlite`) and in which of their errors mean a lost race (`error`).

mod api_keys;
mod audit;
mod batches;
mod by_id;
mod claims;
mod combine;
mod commit_hotel;
mod commit_postgres;
mod commit_sqlite;
mod connect;
mod dialect;
mod entity;
mod error;
mod failpoint;
mod gate;
mod group;
mod hot;
mod hotels;
mod keys;
mod legs;
mod listing;
mod meaning;
#[cfg(test)]
mod plans;
mod query;
mod receipt;
mod rows;
mod schema;
mod session;
mod single;
mod snapshot;
mod stale;
mod store;
mod sweep;
mod tx;
mod vacancies;
mod write;

pub use api_keys::{ApiKey, KeyEdit, KeyLookup};
pub use claims::Holder;
pub use commit_hotel::Resolved;
pub use connect::{ConnectError, PoolUse, Readiness, StoreOptions};
pub use error::StoreError;
pub use failpoint::Failpoint;
pub use gate::CommitGate;
pub use hotels::HotelSnapshot;
pub use keys::{Answer, Record, RequestKey, StoredAnswer};
pub use listing::{
    BookingFilter, HistoryEvent, Page, ROOMS_EXAMINED_MAX, RoomFilter, RoomPage, RoomPosition,
    RoomSort,
};
pub use schema::SchemaState;
pub use session::Session;
pub use snapshot::{NightsQuery, Snapshot, SnapshotQuery};
pub use store::Store;
pub use vacancies::Candidates;
pub use write::{Fate, Part, Receipt, Write};
