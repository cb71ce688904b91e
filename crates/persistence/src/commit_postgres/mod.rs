//! Keeping writes on PostgreSQL: one statement, which is a transaction of its own.

mod bind;
mod shape;

use std::collections::HashSet;
use std::sync::Arc;

use sea_orm::sqlx::{Row, query};
use uuid::Uuid;
use vacancy_domain::{BookingChange, RoomId};

use self::bind::{bind, bind_keys, keys_of};
use self::shape::{Rooms, Shape};
use crate::StoreError;
use crate::hot::{Lent, Link};
use crate::meaning::room_is_held;
use crate::write::Write;

const KEYS_ONLY: &str = include_str!("../sql/keys_postgres.sql");
const LOCK: &str = "SELECT id FROM rooms WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";

/// Begins a transaction that holds `rooms` against every other writer.
pub(crate) async fn lock(link: &mut Link, rooms: &[RoomId]) -> Result<(), StoreError> {
    link.in_transaction = true;
    let begun = query("BEGIN").persistent(false).execute(link.start()).await;
    link.settle(begun)?;
    let rooms: Vec<Uuid> = rooms.iter().map(|room| room.0).collect();
    let locked = query(LOCK).bind(rooms).execute(link.start()).await;
    let held = locked.as_ref().is_err_and(room_is_held);
    if let Err(error) = link.settle(locked) {
        roll_back(link).await;
        return Err(if held { StoreError::Held } else { error });
    }
    Ok(())
}

/// Ends a transaction without a trace. A connection on which that fails is not used again.
pub(crate) async fn roll_back(link: &mut Link) {
    let ended = query("ROLLBACK").persistent(false).execute(link.start()).await;
    match link.settle(ended) {
        Ok(_) => link.in_transaction = false,
        Err(error) => tracing::debug!(%error, "a connection was lost at ROLLBACK"),
    }
}

/// Keeps `write` by a statement that is its own transaction.
pub(crate) async fn commit(link: &mut Link, write: &Arc<Write>) -> Result<(), StoreError> {
    if !write.enter() {
        return Err(StoreError::Abandoned);
    }
    keep(link, write).await.inspect_err(|error| reopen(write, error))
}

/// Keeps `write` in the transaction that [`lock`] began, and ends it.
pub(crate) async fn commit_locked(mut link: Lent, write: &Arc<Write>) -> Result<(), StoreError> {
    if !write.enter() {
        roll_back(&mut link).await;
        return Err(StoreError::Abandoned);
    }
    let kept = match keep(&mut link, write).await {
        Ok(()) => end(&mut link).await,
        // Nothing of it is committed, however the connection fares.
        Err(StoreError::Unknown(error)) => Err(StoreError::Unavailable(error)),
        Err(error) => {
            roll_back(&mut link).await;
            Err(error)
        }
    };
    kept.inspect_err(|error| reopen(write, error))
}

async fn end(link: &mut Link) -> Result<(), StoreError> {
    let ended = query("COMMIT").persistent(false).execute(link.start()).await;
    link.settle(ended).map_err(StoreError::at_commit_of)?;
    link.in_transaction = false;
    Ok(())
}

/// Whether `write` may share a statement with others: the counters of one room move on, and nothing of
/// it needs another room to be there. One with a reference goes alone: that it is taken is found out by
/// the commit, which would undo the others, and sending a reservation again is no rare thing.
pub(crate) fn may_share(write: &Write) -> bool {
    let claims = |change: &BookingChange| change.to().origin.reference.is_some();
    Rooms::of(write) == Rooms::Advance && !write.change.bookings.iter().any(claims)
}

/// How a call that came along with others ended.
#[derive(Debug)]
pub(crate) enum Shared<T> {
    /// As if it had been alone.
    Ended(Result<T, StoreError>),
    /// It has done nothing, and goes again by itself: its room was held or has moved on, or the
    /// statement failed, by the fault of any of them.
    Alone,
}

/// Keeps several writes that [may share](may_share) a statement. Of several of one room the first.
pub(crate) async fn commit_many(link: &mut Link, writes: &[Arc<Write>]) -> Vec<Shared<()>> {
    let mut taken = HashSet::new();
    let mut first = |write: &Write| write.change.rooms.iter().all(|it| taken.insert(it.to.id));
    let goes: Vec<_> = writes.iter().map(|write| first(write).then(|| write.enter())).collect();
    let under_way = writes.iter().zip(&goes).filter(|(_, goes)| **goes == Some(true));
    let under_way: Vec<_> = under_way.map(|(write, _)| write.clone()).collect();
    let hit = advance(link, &under_way).await;
    let ends = writes.iter().zip(goes).map(|(write, goes)| match (goes, &hit) {
        (None, _) => Shared::Alone,
        (Some(false), _) => Shared::Ended(Err(StoreError::Abandoned)),
        (Some(true), Ok(rooms))
            if write.change.rooms.iter().all(|it| rooms.contains(&it.to.id)) =>
        {
            Shared::Ended(Ok(()))
        }
        (
            Some(true),
            Err(
                error @ (StoreError::Unknown(_)
                | StoreError::Unavailable(_)
                | StoreError::Late
                | StoreError::StalePlan(_)),
            ),
        ) => {
            reopen(write, error);
            Shared::Ended(Err(error.clone()))
        }
        (Some(true), Ok(_) | Err(_)) => {
            write.reopen();
            Shared::Alone
        }
    });
    ends.collect()
}

fn reopen(write: &Write, error: &StoreError) {
    if !matches!(error, StoreError::Unknown(_)) {
        write.reopen();
    }
}

async fn keep(link: &mut Link, write: &Arc<Write>) -> Result<(), StoreError> {
    let rooms = write.change.rooms.len();
    if rooms == 0 {
        let keys: Vec<_> = keys_of(write).collect();
        let kept = bind_keys(query(KEYS_ONLY), &keys).execute(link.start()).await;
        return link.settle(kept).map(|_| ()).map_err(StoreError::at_commit_of);
    }
    let hit = advance(link, std::slice::from_ref(write)).await?;
    // Two of which one was missed have failed by themselves.
    if hit.len() == rooms { Ok(()) } else { Err(StoreError::Missed) }
}

/// The rooms that the compare-and-set hit. All of them, if it is one write's.
async fn advance(link: &mut Link, writes: &[Arc<Write>]) -> Result<HashSet<RoomId>, StoreError> {
    let shape = Shape::of(writes);
    let statement = bind(query(shape.text()), shape.rooms, writes);
    let hit = statement.fetch_all(link.start()).await;
    let held = hit.as_ref().is_err_and(room_is_held);
    let hit = link.settle(hit).map_err(StoreError::at_commit_of);
    let hit = hit.map_err(|error| if held { StoreError::Held } else { error })?;
    let ids = hit.iter().map(|row| {
        let id: Option<Uuid> = row.try_get(0).map_err(StoreError::of)?;
        id.map(RoomId).ok_or(StoreError::Late)
    });
    ids.collect()
}
