//! The open database.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use vacancy_domain::{Instant, Zones};

use crate::connect::{FileLock, FileWatch, PoolUse, Pools, Reader, Retirement};
use crate::dialect::Dialect;
use crate::failpoint::Failpoint;
use crate::write::{Part, Write};

/// An open database of either kind. Clones share its pools.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pools: Pools,
    /// For reads outside transactions.
    pub(crate) reader: Reader,
    /// For transactions. On SQLite a pool of one connection, which is fair where its busy handler
    /// is not; on PostgreSQL the same pool as `reader`.
    pub(crate) writer: DatabaseConnection,
    pub(crate) dialect: Dialect,
    pub(crate) failpoint: Failpoint,
    /// How long after it was sent a commit may begin.
    pub(crate) fence: Duration,
    /// By which the names of hotels' time zones are read.
    pub(crate) zones: Zones,
    /// Which connections must not be lent again; the pools ask it.
    pub(crate) retirement: Retirement,
    /// The SQLite file, of a process that writes it.
    pub(crate) file: Option<Arc<FileWatch>>,
    /// Held for the life of the store: one process writes one SQLite file.
    pub(crate) _lock: Option<Arc<FileLock>>,
}

impl Store {
    /// Puts `failpoint` between decisions and commits. For tests, which provoke conflicts there.
    #[must_use]
    pub fn with_failpoint(self, failpoint: Failpoint) -> Self {
        Self { failpoint, ..self }
    }

    /// Lets a commit begin so long after it was sent. For tests that count what is sent, to which a machine
    /// that is slow to begin it must not add, and for those of what comes too late.
    #[must_use]
    pub fn with_fence(self, fence: Duration) -> Self {
        Self { fence, ..self }
    }

    /// A write of `parts`, decided one after the other on one snapshot taken at `at`.
    #[must_use]
    pub fn write(&self, parts: Vec<Part>, at: Instant) -> Write {
        Write::new(parts, at, self.fence)
    }

    /// Reads the hotels' time zones by the rules of `zones` instead of those compiled in.
    #[must_use]
    pub fn with_zones(self, zones: Zones) -> Self {
        Self { zones, ..self }
    }

    /// The time zones that hotels may be in.
    #[must_use]
    pub fn zones(&self) -> &Zones {
        &self.zones
    }

    /// To be awaited right before a commit of what was decided. In production it is ready.
    pub async fn failpoint(&self) {
        self.failpoint.reached().await;
    }

    /// How full the pools are.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        self.pools.usage()
    }

    /// Waits for every lent connection and closes all. Later calls fail as unavailable.
    pub async fn close(&self) {
        self.pools.close().await;
    }
}
