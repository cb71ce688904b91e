//! The only crate that knows SQL: one concrete [`Store`] over SQLite and PostgreSQL.
//!
//! A decision is made on one snapshot read ([`Store::snapshot`] and its kin: one statement each) and
//! kept by one transaction ([`Store::commit`]) that begins with the compare-and-set of every room it
//! writes. The two databases differ in `dialect`, in how they are opened (`connect`) and in
//! which of their errors mean a lost race (`error`).

mod audit;
mod commit;
mod connect;
mod dialect;
mod entity;
mod error;
mod gate;
mod listing;
#[cfg(test)]
mod plans;
mod query;
mod schema;
mod seam;
mod snapshot;
mod sweep;
mod tx;
mod vacancies;

use std::fs::File;
use std::sync::Arc;

use sea_orm::DatabaseConnection;

pub use commit::{Answer, IdempotencyRecord, RequestKey, Resolved};
pub use connect::{ConnectError, PoolUse, StoreOptions};
pub use error::StoreError;
pub use gate::CommitGate;
pub use listing::{
    BookingFilter, HistoryEvent, Page, ROOMS_EXAMINED_MAX, RoomFilter, RoomPage, RoomPosition,
    RoomSort,
};
pub use schema::SchemaState;
pub use seam::Seam;
pub use snapshot::{HotelSnapshot, Nights, Snapshot, SnapshotQuery, StoredAnswer};
pub use vacancies::Candidates;

/// An open database of either kind. Clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    pools: connect::Pools,
    /// For reads outside transactions.
    reader: DatabaseConnection,
    /// For transactions. On SQLite a pool of one connection, which is fair where its busy handler
    /// is not; on PostgreSQL the same pool as `reader`.
    writer: DatabaseConnection,
    dialect: dialect::Dialect,
    seam: Seam,
    /// Held for the life of the store: one process writes one SQLite file.
    _lock: Option<Arc<File>>,
}

impl Store {
    /// Puts `seam` between decisions and commits. For tests, which provoke conflicts there.
    #[must_use]
    pub fn with_seam(self, seam: Seam) -> Self {
        Self { seam, ..self }
    }
}
