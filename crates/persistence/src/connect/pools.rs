//! The pools: how full they are, and closing them.

use sea_orm::sqlx::postgres::PgPool;
use sea_orm::sqlx::sqlite::SqlitePool;

use crate::batches::Batches;
use crate::group::Group;

/// Where connections come from.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    Sqlite {
        reader: SqlitePool,
        writer: SqlitePool,
        group: Group,
        /// One connection that is never lent. SQLite removes the log with the last connection that
        /// closes, and as long as this one is open no other is the last.
        anchor: SqlitePool,
    },
    /// `hot` for single resources and writes to rooms; `wide` for all that may take longer.
    Postgres { hot: Batches, wide: PgPool },
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Open and waiting for work.
    pub idle: u64,
    /// Lent to a read or a write.
    pub in_use: u64,
}

impl Pools {
    /// How full they are.
    pub(crate) fn usage(&self) -> PoolUse {
        let count = |size: u32, idle: usize| {
            let idle = (idle as u64).min(u64::from(size));
            PoolUse { idle, in_use: u64::from(size) - idle }
        };
        match self {
            Pools::Postgres { hot, wide } => {
                let hot = hot.state();
                let hot = count(hot.connections, hot.idle_connections as usize);
                let wide = count(wide.size(), wide.num_idle());
                PoolUse { idle: hot.idle + wide.idle, in_use: hot.in_use + wide.in_use }
            }
            Pools::Sqlite { reader, writer, .. } => {
                let reader = count(reader.size(), reader.num_idle());
                let writer = count(writer.size(), writer.num_idle());
                PoolUse { idle: reader.idle + writer.idle, in_use: reader.in_use + writer.in_use }
            }
        }
    }

    /// See [`crate::Store::close`].
    pub(crate) async fn close(&self) {
        match self {
            // The hot connections close when they come back, or with the store.
            Pools::Postgres { wide, .. } => wide.close().await,
            Pools::Sqlite { reader, writer, anchor, .. } => {
                reader.close().await;
                writer.close().await;
                anchor.close().await;
            }
        }
    }
}
