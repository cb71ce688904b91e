//! The only crate that knows SQL: one concrete [`Store`] over SQLite and PostgreSQL.
//!
//! A decision is made on one snapshot read ([`Store::snapshot`] and its kin: one statement each) and
//! kept by one transaction ([`Store::commit`]) that begins with the compare-and-set of every room it
//! writes. The two databases differ in `dialect`, in how they are opened (`connect`) and in
//! which of their errors mean a lost race (`error`).

mod api_keys;
mod audit;
mod commit_hotel;
mod commit_postgres;
mod commit_sqlite;
mod connect;
mod dialect;
mod entity;
mod error;
mod gate;
mod group;
mod hot;
mod hotels;
mod keys;
mod listing;
mod meaning;
#[cfg(any())]
mod plans;
mod query;
mod receipt;
mod rows;
mod schema;
mod seam;
mod session;
mod single;
mod snapshot;
mod sweep;
mod tx;
mod vacancies;
mod write;

use std::sync::Arc;

use sea_orm::DatabaseConnection;

use connect::Pools;

pub use api_keys::{ApiKey, KeyEdit, KeyLookup};
pub use commit_hotel::Resolved;
pub use connect::{ConnectError, PoolUse, Readiness, StoreOptions};
pub use error::StoreError;
pub use gate::CommitGate;
pub use hotels::HotelSnapshot;
pub use keys::{Answer, Record, RequestKey, StoredAnswer};
pub use listing::{BookingFilter, HistoryEvent, Page, RoomFilter, RoomPosition, RoomSort};
pub use schema::SchemaState;
pub use seam::Seam;
pub use session::Session;
pub use snapshot::{NightsQuery, Snapshot, SnapshotQuery};
pub use vacancies::Candidates;
pub use write::{Fate, Part, Receipt, Write};

/// An open database of either kind. Clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    pools: Pools,
    /// For reads outside transactions.
    reader: connect::Reader,
    /// For transactions. On SQLite a pool of one connection, which is fair where its busy handler
    /// is not; on PostgreSQL the same pool as `reader`.
    writer: DatabaseConnection,
    dialect: dialect::Dialect,
    seam: Seam,
    /// Which connections must not be lent again; the pools ask it.
    retirement: connect::Retirement,
    /// The SQLite file, of a process that writes it.
    file: Option<Arc<connect::FileWatch>>,
    /// Held for the life of the store: one process writes one SQLite file.
    _lock: Option<Arc<connect::FileLock>>,
}

impl Store {
    /// Puts `seam` between decisions and commits. For tests, which provoke conflicts there.
    #[must_use]
    pub fn with_seam(self, seam: Seam) -> Self {
        Self { seam, ..self }
    }

    /// To be awaited right before a commit of what was decided. In production it is ready.
    pub async fn seam(&self) {
        self.seam.reached().await;
    }
}
