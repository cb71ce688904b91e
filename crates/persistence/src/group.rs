//! Group commit on SQLite: one writer takes all writes that wait, of whatever rooms, and commits
//! them in one transaction, with one flush to the disk.

use std::sync::Arc;

use sea_orm::sqlx::Transaction;
use sea_orm::sqlx::sqlite::{Sqlite, SqlitePool};

use crate::combine::Combiner;
use crate::write::Write;
use crate::{StoreError, commit_sqlite};

/// The most writes of one transaction: what waits longer than that for its flush waits too long.
const WRITES_MAX: usize = 256;

/// The one writer, whom the writes wait for.
pub(crate) type Group = Combiner<Arc<Write>, End>;

/// The group that commits on `writer`, one transaction at a time.
pub(crate) fn group(writer: &SqlitePool) -> Group {
    let writer = writer.clone();
    Combiner::new(1, WRITES_MAX, move |batch| {
        let writer = writer.clone();
        async move { commit_all(&writer, &batch).await }
    })
}

type End = Result<(), StoreError>;

async fn commit_all(writer: &SqlitePool, batch: &[Arc<Write>]) -> Vec<End> {
    let mut ends: Vec<Option<End>> = batch.iter().map(|_| None).collect();
    // Each round ends all of them, or one that the transaction did not survive.
    while ends.iter().any(Option::is_none) {
        commit_open(writer, batch, &mut ends).await;
    }
    ends.into_iter().flatten().collect()
}

/// Commits those that have no end yet in one transaction.
async fn commit_open(writer: &SqlitePool, batch: &[Arc<Write>], ends: &mut [Option<End>]) {
    let mut transaction = match writer.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = StoreError::of(error);
            let open = ends.iter_mut().filter(|end| end.is_none());
            return open.for_each(|end| *end = Some(Err(error.clone())));
        }
    };
    let mut kept = Vec::new();
    for (write, end) in batch.iter().zip(ends).filter(|(_, end)| end.is_none()) {
        let (done, intact) = keep_one(&mut transaction, write).await;
        match done {
            Ok(()) => kept.push((write, end)),
            Err(_) => *end = Some(done),
        }
        if !intact {
            // It holds a part of that write; or SQLite has ended it, as it does when its disk is full,
            // and what would be written now would be committed one by one. The others go again in a
            // new one.
            for (write, _) in &kept {
                write.reopen();
            }
            if let Err(error) = transaction.rollback().await {
                tracing::debug!(%error, "a transaction had ended by itself");
            }
            return;
        }
    }
    let ended = transaction.commit().await;
    let ended = ended.map_err(|error| StoreError::at_commit_of(StoreError::of(error)));
    for (write, end) in kept {
        if !matches!(ended, Ok(()) | Err(StoreError::Unknown(_))) {
            write.reopen();
        }
        *end = Some(ended.clone());
    }
}

/// Writes one of the group. Says also whether the transaction holds what the others wrote, and nothing
/// of this one if it failed: so it does after a compare-and-set that hit no row, which has written
/// nothing. After any other failure the transaction is given up, and the others go again without this
/// one; a savepoint for each write would spare them that, at the price of two statements for every
/// write that succeeds.
async fn keep_one(transaction: &mut Transaction<'static, Sqlite>, write: &Write) -> (End, bool) {
    if !write.enter() {
        return (Err(StoreError::Abandoned), true);
    }
    let kept = commit_sqlite::keep(transaction, write).await;
    let missed = matches!(kept, Err(StoreError::Missed)) && write.change.rooms.len() == 1;
    if kept.is_err() {
        write.reopen();
    }
    let intact = kept.is_ok() || missed;
    (kept, intact)
}
