//! What has become of a write whose commit broke off: whether its first event is there.

use chrono::TimeDelta;
use sea_orm::sqlx::{Row, query};
use uuid::Uuid;

use crate::connect::Pools;
use crate::hot::Link;
use crate::write::{Fate, Receipt};
use crate::{Store, StoreError, commit_postgres};

/// What the server needs, at most, from a statement's beginning to its waiting for the room's row.
const QUEUED: TimeDelta = TimeDelta::milliseconds(250);

/// The event may be of another write, whose name may be absent.
const FOUND: &str = "
SELECT (SELECT write_id FROM room_events WHERE room_id = $1 AND version = $2),
       EXISTS (SELECT 1 FROM room_events WHERE room_id = $1 AND version = $2),
       clock_timestamp() > $3";

pub(crate) const FOUND_SQLITE: &str =
    "SELECT write_id FROM room_events WHERE room_id = ?1 AND version = ?2";

impl Store {
    /// Finds out what has become of a write. Its transaction holds the row of its room, or waits for
    /// it, so this waits for the row too: behind it, nothing is under way any more, once the moment
    /// has passed after which the write cannot begin.
    pub async fn fate(&self, receipt: &Receipt) -> Result<Fate, StoreError> {
        match &self.pools {
            Pools::Postgres { hot, .. } => {
                let mut lent = hot.lend_locked(&[receipt.room]).await?;
                let fate = fate(&mut lent, receipt).await;
                commit_postgres::roll_back(&mut lent).await;
                fate
            }
            Pools::Sqlite { writer, .. } => {
                // The only writer: what is not there now never will be.
                let found = query(FOUND_SQLITE).bind(receipt.room.0).bind(receipt.version.0);
                let found = found.fetch_optional(writer).await.map_err(StoreError::of)?;
                let name: Option<Option<Uuid>> =
                    found.map(|row| row.try_get(0)).transpose().map_err(StoreError::of)?;
                let ours = name.flatten() == Some(receipt.write);
                Ok(if ours { Fate::Committed } else { Fate::NotCommitted })
            }
        }
    }
}

async fn fate(link: &mut Link, receipt: &Receipt) -> Result<Fate, StoreError> {
    let found = query(FOUND)
        .bind(receipt.room.0)
        .bind(receipt.version.0)
        .bind(receipt.fence + QUEUED)
        .fetch_one(link.start())
        .await;
    let row = link.settle(found)?;
    let name: Option<Uuid> = row.try_get(0).map_err(StoreError::of)?;
    let taken: bool = row.try_get(1).map_err(StoreError::of)?;
    let too_late: bool = row.try_get(2).map_err(StoreError::of)?;
    Ok(match (name == Some(receipt.write), taken || too_late) {
        (true, _) => Fate::Committed,
        (false, true) => Fate::NotCommitted,
        (false, false) => Fate::Open,
    })
}
