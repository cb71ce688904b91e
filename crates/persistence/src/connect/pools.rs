//! The driver's pools: how full they are, and closing them.

use sea_orm::sqlx::postgres::PgPool;
use sea_orm::sqlx::sqlite::SqlitePool;

use crate::Store;

/// The driver's pools, for what the ORM does not show: how full they are, and closing them.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    Sqlite {
        reader: SqlitePool,
        writer: SqlitePool,
        /// One connection that is never lent. SQLite removes the log with the last connection that
        /// closes, and as long as this one is open no other is the last.
        anchor: SqlitePool,
    },
    Postgres(PgPool),
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Open and waiting for work.
    pub idle: u64,
    /// Lent to somebody.
    pub in_use: u64,
}

impl Store {
    /// How full the pools are.
    #[must_use]
    pub fn pool_use(&self) -> PoolUse {
        let count = |size: u32, idle: usize| {
            let idle = (idle as u64).min(u64::from(size));
            PoolUse { idle, in_use: u64::from(size) - idle }
        };
        match &self.pools {
            Pools::Postgres(pool) => count(pool.size(), pool.num_idle()),
            Pools::Sqlite { reader, writer, .. } => {
                let reader = count(reader.size(), reader.num_idle());
                let writer = count(writer.size(), writer.num_idle());
                PoolUse { idle: reader.idle + writer.idle, in_use: reader.in_use + writer.in_use }
            }
        }
    }

    /// Waits for every lent connection and closes all. Later calls fail as unavailable.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Postgres(pool) => pool.close().await,
            Pools::Sqlite { reader, writer, anchor } => {
                reader.close().await;
                writer.close().await;
                anchor.close().await;
            }
        }
    }
}
