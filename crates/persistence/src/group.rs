//! Group commit on SQLite: one writer takes all writes that wait, of whatever rooms, and commits
//! them in one transaction, with one flush to the disk.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sqlx::Transaction;
use sea_orm::sqlx::sqlite::{Sqlite, SqlitePool};
use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::write::Write;
use crate::{StoreError, commit_sqlite};

/// The most writes of one transaction: what waits longer than that for its flush waits too long.
const WRITES_MAX: usize = 256;

/// The writes that wait, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Group {
    waiting: Mutex<Vec<Waiting>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Waiting {
    write: Arc<Write>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Group {
    /// Keeps `write`, with others that wait. The write whose turn it is commits for all of them.
    pub(crate) async fn commit(
        self: &Arc<Self>,
        writer: &SqlitePool,
        write: Arc<Write>,
    ) -> Result<(), StoreError> {
        let (done, mut kept) = oneshot::channel();
        self.waiting().push(Waiting { write, done });
        loop {
            tokio::select! {
                biased;
                kept = &mut kept => return kept.unwrap_or(Err(StoreError::Abandoned)),
                turn = self.turn.clone().lock_owned() => {
                    let batch = self.next_batch();
                    if !batch.is_empty() {
                        // In a task of its own: a request that is given up must not take the
                        // others' writes with it.
                        tokio::spawn(carry_out(writer.clone(), batch, turn));
                    }
                }
            }
        }
    }

    fn next_batch(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(WRITES_MAX);
        waiting.drain(..count).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn carry_out(writer: SqlitePool, batch: Vec<Waiting>, turn: OwnedMutexGuard<()>) {
    let ends = commit_all(&writer, &batch).await;
    drop(turn);
    for (waiting, end) in batch.into_iter().zip(ends) {
        // A request that was given up hears nothing.
        let _ = waiting.done.send(end);
    }
}

type End = Result<(), StoreError>;

async fn commit_all(writer: &SqlitePool, batch: &[Waiting]) -> Vec<End> {
    let mut ends: Vec<Option<End>> = batch.iter().map(|_| None).collect();
    // Each round ends all of them, or one that the transaction did not survive.
    while ends.iter().any(Option::is_none) {
        commit_open(writer, batch, &mut ends).await;
    }
    ends.into_iter().flatten().collect()
}

/// Commits those that have no end yet in one transaction.
async fn commit_open(writer: &SqlitePool, batch: &[Waiting], ends: &mut [Option<End>]) {
    let mut transaction = match writer.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = StoreError::of(error);
            let open = ends.iter_mut().filter(|end| end.is_none());
            return open.for_each(|end| *end = Some(Err(error.clone())));
        }
    };
    let mut kept = Vec::new();
    for (waiting, end) in batch.iter().zip(ends).filter(|(_, end)| end.is_none()) {
        let (done, intact) = keep_one(&mut transaction, &waiting.write).await;
        match done {
            Ok(()) => kept.push((waiting, end)),
            Err(_) => *end = Some(done),
        }
        if !intact {
            // It holds a part of that write; or SQLite has ended it, as it does when its disk is full,
            // and what would be written now would be committed one by one. The others go again in a
            // new one.
            for (waiting, _) in &kept {
                waiting.write.reopen();
            }
            if let Err(error) = transaction.rollback().await {
                tracing::debug!(%error, "a transaction had ended by itself");
            }
            return;
        }
    }
    let ended = transaction.commit().await;
    let ended = ended.map_err(|error| StoreError::at_commit_of(StoreError::of(error)));
    for (waiting, end) in kept {
        if !matches!(ended, Ok(()) | Err(StoreError::Unknown(_))) {
            waiting.write.reopen();
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
