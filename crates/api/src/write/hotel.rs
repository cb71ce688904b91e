//! Writes to hotels, and rooms that come to be: each alone, with its key as the receipt of its commit.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vacancy_domain::{Change, HotelId};
use vacancy_persistence::{HotelSnapshot, Record, RequestKey, Resolved, StoreError};

use super::conditions;
use super::operation::{Ruling, Stop, Subject};
use super::permitted;
use super::run::{Failure, Run, run_write};
use crate::about::About;
use crate::app::App;
use crate::http::key;
use crate::http::problem::Problem;
use crate::http::reply::{Reply, ReplyKind};
use crate::http::request::WriteContext;
use crate::metrics::{KeyResult, Operation};

/// How long our own keys are kept: longer than any request of theirs can take.
const OWN_KEY_TIME_TO_LIVE: Duration = Duration::from_mins(15);
/// Between two looks at a commit whose outcome is unknown.
const RESOLVE_PAUSE: Duration = Duration::from_millis(100);

/// One write to a hotel.
pub trait HotelOperation: Debug + Send + Sync + 'static {
    /// What it is.
    fn about(&self) -> &'static About;

    /// What it counts as.
    fn counts_as(&self) -> Operation;

    /// The hotel it is about, unless it creates one.
    fn hotel(&self) -> Option<HotelId>;

    /// What its preconditions are compared with, unless it is sent to a collection. Fails with 404.
    fn subject(&self, seen: &HotelSnapshot) -> Result<Option<Subject>, Problem>;

    /// Decides.
    fn decide(&self, seen: &HotelSnapshot) -> Result<Ruling, Stop>;
}

/// Carries out a write to a hotel.
pub async fn write_hotel(
    app: &App,
    context: WriteContext,
    operation: impl HotelOperation,
) -> Result<Reply, Problem> {
    let counts_as = operation.counts_as();
    let operation: Arc<dyn HotelOperation> = Arc::new(operation);
    // One for all attempts: the receipt of any of them.
    let (text, time_to_live) = match &context.key {
        Some(key) => (key.0.clone(), app.settings.key_time_to_live),
        None => (key::own_key(), OWN_KEY_TIME_TO_LIVE),
    };
    let key = Arc::new(RequestKey { text, fingerprint: context.fingerprint, time_to_live });
    let attempt = move |run: Arc<Run>| {
        let (operation, key) = (operation.clone(), key.clone());
        async move { attempt(&run, &*operation, &key).await }
    };
    run_write(app, context, counts_as, attempt).await
}

async fn attempt(
    run: &Run,
    operation: &dyn HotelOperation,
    key: &RequestKey,
) -> Result<Reply, Failure> {
    if run.gate.is_abandoned() {
        return Err(Problem::unavailable("the deadline passed").into());
    }
    let seen = match look(run, operation, key).await? {
        Looked::Replay(reply) => return Ok(reply),
        Looked::Seen(seen) => seen,
    };
    let (change, answer, kind) = match operation.decide(&seen).map_err(|stop| stop.problem)? {
        Ruling::Write(change, answer) => (change, answer, ReplyKind::Written),
        Ruling::Unchanged(answer) if run.context.key.is_none() => {
            return Ok(run.reply(answer, ReplyKind::Unchanged));
        }
        Ruling::Unchanged(answer) => (Change::default(), answer, ReplyKind::Unchanged),
    };
    run.app.store.failpoint().await;
    let record = Record { key: key.clone(), answer };
    let actor = run.context.access.principal().map(|actor| &**actor);
    let (store, by) = (&run.app.store, (&*run.context.request.0, actor));
    match store.commit_hotel(&change, &record, seen.now, by, &run.gate).await {
        Ok(()) => {}
        Err(StoreError::Unknown(error)) => {
            tracing::warn!(%error, "the outcome of COMMIT is unknown; finding out");
            if let Some(reply) = resolve(run, &record).await? {
                return Ok(reply);
            }
        }
        Err(error) => return lost_or_failed(run, operation, key, error).await,
    }
    if run.context.key.is_some() {
        run.app.metrics.idempotency(KeyResult::New);
    }
    Ok(run.reply(record.answer, kind))
}

enum Looked {
    Seen(HotelSnapshot),
    Replay(Reply),
}

/// Reads, and checks everything before the decision, in the order of the contract.
async fn look(
    run: &Run,
    operation: &dyn HotelOperation,
    key: &RequestKey,
) -> Result<Looked, Failure> {
    let seen = run.app.store.hotel_snapshot(Some(&key.text), operation.hotel()).await;
    let seen = seen.map_err(Problem::from)?;
    if let Some(earlier) = &seen.earlier {
        return Ok(Looked::Replay(run.replay(earlier)?));
    }
    let subject = operation.subject(&seen)?;
    permitted::hotel(&run.context.access, operation.hotel(), &seen)?;
    let kind = operation.about().kind;
    let (precondition, checked) = conditions::check(&run.context.preconditions, kind, subject);
    if precondition.is_some() {
        run.progress().precondition = precondition;
    }
    checked?;
    Ok(Looked::Seen(seen))
}

async fn lost_or_failed(
    run: &Run,
    operation: &dyn HotelOperation,
    key: &RequestKey,
    error: StoreError,
) -> Result<Reply, Failure> {
    match error {
        StoreError::Lost { .. } | StoreError::Missed | StoreError::Held => {
            run.app.metrics.lost_race(operation.counts_as());
            // A precondition of the client is never outlived.
            let names = run.context.preconditions.read();
            if names.is_ok_and(|preconditions| preconditions.name_a_version())
                && let Looked::Replay(reply) = look(run, operation, key).await?
            {
                return Ok(reply);
            }
            Err(Failure::Lost)
        }
        StoreError::DuplicateRoomNumber => {
            // Perhaps by this very request, sent twice: the other copy's room came with the key.
            let seen = run.app.store.hotel_snapshot(Some(&key.text), None).await;
            match seen.map_err(Problem::from)?.earlier {
                Some(earlier) => run.replay(&earlier),
                None => Err(Problem::from(error).into()),
            }
        }
        StoreError::DuplicateReference
        | StoreError::Unknown(_)
        | StoreError::Abandoned
        | StoreError::Late
        | StoreError::StalePlan(_)
        | StoreError::Unavailable(_)
        | StoreError::Corrupt { .. }
        | StoreError::Failed(_) => Err(Problem::from(error).into()),
    }
}

/// Learns what became of a COMMIT, while there is time. Nothing: it was committed. A reply: another
/// request with the key was.
async fn resolve(run: &Run, record: &Record) -> Result<Option<Reply>, Failure> {
    while Instant::now() < run.deadline {
        match run.app.store.resolve(&record.key, Some(&record.answer)).await {
            Ok(Resolved::Committed) => return Ok(None),
            Ok(Resolved::NotCommitted) => {
                run.gate.reopen();
                return Err(Failure::Undone);
            }
            Ok(Resolved::UsedBy(other)) => {
                run.gate.reopen();
                return run.replay(&other).map(Some);
            }
            Err(error) => tracing::debug!(%error, "the outcome of COMMIT is still unknown"),
        }
        tokio::time::sleep(RESOLVE_PAUSE).await;
    }
    Err(Problem::OutcomeUnknown.into())
}
