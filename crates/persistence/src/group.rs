//! Group commit on SQLite: one writer takes all writes that wait, of whatever rooms, and commits
//! them in one transaction, a savepoint each, with one flush to the disk.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sqlx::sqlite::{Sqlite, SqlitePool};
use sea_orm::sqlx::{Connection, Transaction};
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
    /// Keeps `write`, with others that wait. Whoever's turn it is commits for all of them.
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

async fn commit_all(writer: &SqlitePool, batch: &[Waiting]) -> Vec<Result<(), StoreError>> {
    let mut transaction = match writer.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction,
        Err(error) => {
            let error = StoreError::of(error);
            return batch.iter().map(|_| Err(error.clone())).collect();
        }
    };
    let mut ends = Vec::with_capacity(batch.len());
    for waiting in batch {
        ends.push(keep_one(&mut transaction, &waiting.write).await);
    }
    let ended = transaction.commit().await;
    let ended = ended.map_err(|error| StoreError::at_commit_of(StoreError::of(error)));
    for (waiting, end) in batch.iter().zip(&mut ends) {
        if end.is_ok() {
            end.clone_from(&ended);
        }
        let open = matches!(end, Ok(()) | Err(StoreError::Unknown(_) | StoreError::Abandoned));
        if !open {
            waiting.write.reopen();
        }
    }
    ends
}

/// One write in a savepoint of its own: what fails in it leaves the others as they are.
async fn keep_one(
    transaction: &mut Transaction<'static, Sqlite>,
    write: &Write,
) -> Result<(), StoreError> {
    if !write.enter() {
        return Err(StoreError::Abandoned);
    }
    let mut savepoint = transaction.begin().await.map_err(StoreError::of)?;
    match commit_sqlite::keep(&mut savepoint, write).await {
        Ok(()) => savepoint.commit().await.map_err(StoreError::of),
        Err(error) => {
            savepoint.rollback().await.map_err(StoreError::of)?;
            Err(error)
        }
    }
}
