//! How a write is carried out: in a task of its own, attempt by attempt, counted once.
//!
//! The handler only waits. A client that goes away changes nothing, and no database future is ever
//! dropped half-way: the driver's `begin` is not safe to cancel.

mod counting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;
use vacancy_domain::{Change, Decision, HotelId, Instant as Moment, Refusal, Stay, Version};
use vacancy_persistence::{
    Answer, Candidates, CommitGate, HotelSnapshot, IdempotencyRecord, RequestKey, Resolved,
    Snapshot, SnapshotQuery, StoreError, StoredAnswer,
};

use crate::app::App;
use crate::http::key;
use crate::http::preconditions::Verdict;
use crate::http::problem::Problem;
use crate::http::reply::{Reply, ReplyKind};
use crate::http::request::WriteContext;
use crate::metrics::{KeyResult, Operation, PreconditionResult};
use crate::retry::{self, LostRace};

/// How long a request waits for an earlier one with the same key that is still at work; half of its
/// time if that is less.
const DUPLICATE_WAIT_MAX: Duration = Duration::from_secs(2);
/// How long our own keys are kept: longer than any request of theirs can take.
const OWN_KEY_TIME_TO_LIVE: Duration = Duration::from_mins(15);
/// Between two looks at a commit whose outcome is unknown.
const RESOLVE_PAUSE: Duration = Duration::from_millis(100);
/// How many other rooms a refusal names.
const ALTERNATIVES_MAX: u64 = 5;

/// Why an attempt ended without an answer of its own.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Someone wrote in between: decide again.
    Lost,
    /// The outcome of COMMIT was unknown and turned out to be "not committed": decide again.
    Undone,
    /// This is the answer, however often one tried.
    Problem(Problem),
    /// An earlier request with this key was answered so.
    Replayed(Answer),
}

impl LostRace for Stop {
    fn is_lost_race(&self) -> bool {
        matches!(self, Self::Lost | Self::Undone)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Problem(Problem::refused(refusal))
    }
}

/// One write on its way, shared by its attempts and by the one who supervises them.
#[derive(Debug)]
pub struct Writing {
    app: App,
    context: WriteContext,
    key: RequestKey,
    gate: CommitGate,
    deadline: Instant,
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    operation: Operation,
    attempt: u32,
    /// Set while a lost race is looked at again: everything up to the decision, and no further.
    probing: bool,
    precondition: Option<PreconditionResult>,
}

/// Carries out a write: `attempt` reads, decides and commits through the [`Writing`] it is given,
/// again and again while it loses races and the policy allows.
///
/// `operation` is what it counts as until an attempt knows better.
pub async fn carry_out<F, A>(
    app: &App,
    context: WriteContext,
    operation: Operation,
    attempt: A,
) -> Result<Reply, Problem>
where
    A: Fn(Arc<Writing>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Stop>> + Send + 'static,
{
    let writing = Arc::new(Writing::new(app.clone(), context, operation));
    let task = supervise(writing, attempt).instrument(tracing::Span::current());
    app.spawn(task).await.unwrap_or_else(|error| Err(panicked(&error)))
}

/// Waits for the work until the deadline, then says what can be said, and counts it either way.
async fn supervise<F, A>(writing: Arc<Writing>, attempt: A) -> Result<Reply, Problem>
where
    A: Fn(Arc<Writing>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Stop>> + Send + 'static,
{
    let work = run_attempts(writing.clone(), attempt).instrument(tracing::Span::current());
    // In a task of its own again: past the deadline it goes on, and a stop waits for it.
    let mut work = writing.app.spawn(work);
    let result = match tokio::time::timeout_at(writing.deadline, &mut work).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(panicked(&error)),
        Err(_) => {
            writing.app.end_soon(work);
            if writing.gate.abandon() {
                Err(Problem::unavailable("the deadline passed before COMMIT"))
            } else {
                Err(Problem::OutcomeUnknown)
            }
        }
    };
    writing.count(&result);
    result
}

async fn run_attempts<F, A>(writing: Arc<Writing>, attempt: A) -> Result<Reply, Problem>
where
    A: Fn(Arc<Writing>) -> F + Send + Sync,
    F: Future<Output = Result<Reply, Stop>> + Send,
{
    let app = &writing.app;
    let _turn = match &writing.context.key {
        Some(key) => {
            let patience = DUPLICATE_WAIT_MAX.min(app.settings.request_timeout / 2);
            let turn = app.keys.turn(key, patience).await;
            Some(turn.ok_or(Problem::IdempotencyInFlight)?)
        }
        None => None,
    };
    let before_sleep = |delay: &Duration| app.metrics.retried(writing.operation(), *delay);
    let end = retry::until_settled(app.settings.retry, before_sleep, || {
        writing.progress().attempt += 1;
        one_attempt(&writing, &attempt)
    });
    let end = match end.await {
        Err(Stop::Lost) => Err(writing.used_up().await),
        end => end,
    };
    match end {
        Ok(reply) => Ok(reply),
        Err(Stop::Replayed(answer)) => Ok(writing.reply(answer, ReplyKind::Replayed)),
        Err(Stop::Problem(problem)) => Err(problem),
        Err(Stop::Lost) => Err(Problem::LockConflict { attempts: writing.attempt() }),
        Err(Stop::Undone) => {
            Err(Problem::unavailable("the connection broke at COMMIT, which was undone"))
        }
    }
}

async fn one_attempt<F, A>(writing: &Arc<Writing>, attempt: &A) -> Result<Reply, Stop>
where
    A: Fn(Arc<Writing>) -> F,
    F: Future<Output = Result<Reply, Stop>>,
{
    if writing.gate.is_abandoned() {
        return Err(Problem::unavailable("the deadline passed").into());
    }
    let end = attempt(writing.clone()).await;
    let names_a_version = writing
        .context
        .preconditions
        .read()
        .is_ok_and(|preconditions| preconditions.name_a_version());
    if !(names_a_version && matches!(end, Err(Stop::Lost))) {
        return end;
    }
    // The client's precondition is never outlived: once the version it names is gone, that is the
    // answer, without waiting and without another attempt.
    writing.progress().probing = true;
    let seen = attempt(writing.clone()).await;
    writing.progress().probing = false;
    seen
}

impl Writing {
    fn new(app: App, context: WriteContext, operation: Operation) -> Self {
        let (text, time_to_live) = match &context.key {
            Some(key) => (key.0.clone(), app.settings.key_time_to_live),
            None => (key::own_key(), OWN_KEY_TIME_TO_LIVE),
        };
        let key = RequestKey { text, fingerprint: context.fingerprint, time_to_live };
        let progress = Progress { operation, attempt: 0, probing: false, precondition: None };
        let deadline = Instant::now() + app.settings.request_timeout;
        let (gate, progress) = (CommitGate::default(), Mutex::new(progress));
        Self { app, context, key, gate, deadline, progress }
    }

    /// Says what the write counts as, now that its body is known.
    pub fn is_a(&self, operation: Operation) {
        self.progress().operation = operation;
    }

    /// Reads what a decision about a room or a booking needs, and stops if the key was used.
    pub async fn snapshot(&self, ask: SnapshotQuery<'_>) -> Result<Snapshot, Stop> {
        let ask = SnapshotQuery { key: Some(&self.key.text), ..ask };
        let seen = self.app.store.snapshot(&ask).await.map_err(|error| self.stop(error))?;
        self.stop_if_used(seen.earlier.as_ref())?;
        Ok(seen)
    }

    /// Reads what a decision about a hotel needs, and stops if the key was used.
    pub async fn hotel_snapshot(&self, hotel: Option<HotelId>) -> Result<HotelSnapshot, Stop> {
        let seen = self.app.store.hotel_snapshot(Some(&self.key.text), hotel).await;
        let seen = seen.map_err(|error| self.stop(error))?;
        self.stop_if_used(seen.earlier.as_ref())?;
        Ok(seen)
    }

    /// Reads where an automatic booking may try, and stops if the key was used.
    pub async fn candidates(
        &self,
        hotel: HotelId,
        stay: Stay,
        guests: i64,
        kind: Option<&str>,
    ) -> Result<Candidates, Stop> {
        let key = Some(self.key.text.as_str());
        let seen = self.app.store.candidates(key, hotel, stay, guests, kind).await;
        let seen = seen.map_err(|error| self.stop(error))?;
        self.stop_if_used(seen.earlier.as_ref())?;
        Ok(seen)
    }

    fn stop_if_used(&self, earlier: Option<&StoredAnswer>) -> Result<(), Stop> {
        match earlier {
            None => Ok(()),
            Some(earlier) if earlier.fingerprint == self.key.fingerprint => {
                Err(Stop::Replayed(earlier.answer.clone()))
            }
            Some(_) => Err(Problem::IdempotencyMismatch.into()),
        }
    }

    /// For what is sent to a collection, which has no version that `If-Match` could name: a
    /// precondition that cannot be held must not be ignored. Fails with 400.
    pub fn check_no_if_match(&self) -> Result<(), Stop> {
        if self.context.preconditions.suffice_for_an_edit() {
            let why = "If-Match names a version, and what this operation is sent to has none";
            return Err(Problem::InvalidRequest(why.into()).into());
        }
        Ok(())
    }

    /// Holds an edit to its preconditions: it must have some, and they must be met by `current`.
    pub fn check_edit(&self, kind: &'static str, id: Uuid, current: Version) -> Result<(), Stop> {
        if !self.context.preconditions.suffice_for_an_edit() {
            self.progress().precondition = Some(PreconditionResult::Missing428);
            return Err(Problem::PreconditionRequired.into());
        }
        self.check_command(kind, id, current)
    }

    /// Holds a command to its preconditions, if it has any.
    pub fn check_command(
        &self,
        kind: &'static str,
        id: Uuid,
        current: Version,
    ) -> Result<(), Stop> {
        let (result, problem) = match self.context.preconditions.check(kind, id, current) {
            Verdict::Absent => return Ok(()),
            Verdict::Passed => (PreconditionResult::Passed, None),
            Verdict::NotModified => {
                (PreconditionResult::Failed412, Some(Problem::PreconditionFailed { current }))
            }
            Verdict::Failed(result, problem) => (result, Some(problem)),
        };
        self.progress().precondition = Some(result);
        problem.map_or(Ok(()), |problem| Err(problem.into()))
    }

    /// Keeps what was decided at `now`, with the answer that `answer` writes for the state after it
    /// and the number of this attempt.
    pub async fn conclude<T>(
        &self,
        decision: Decision<T>,
        now: Moment,
        answer: impl FnOnce(&T, u32) -> Result<Answer, Problem>,
    ) -> Result<Reply, Stop> {
        if self.progress().probing {
            return Err(Stop::Lost);
        }
        match decision {
            Decision::Accepted(change, state) => {
                let answer = answer(&state, self.attempt())?;
                self.commit(&change, &answer, now).await?;
                Ok(self.reply(answer, ReplyKind::Written))
            }
            Decision::Unchanged(state) => {
                let answer = answer(&state, self.attempt())?;
                if self.context.key.is_some() {
                    self.commit(&Change::default(), &answer, now).await?;
                }
                Ok(self.reply(answer, ReplyKind::Unchanged))
            }
            Decision::Refused(refusal, lapsed) => {
                if let Some(lapsed) = lapsed {
                    self.commit_expiry(&lapsed).await?;
                }
                Err(refusal.into())
            }
        }
    }

    /// Records lapsed holds, and nothing else.
    async fn commit_expiry(&self, lapsed: &Change) -> Result<(), Stop> {
        let request = &self.context.request.0;
        match self.app.store.commit(lapsed, None, request, &self.gate).await {
            Ok(()) => {
                self.gate.reopen();
                self.count_expired(lapsed);
                Ok(())
            }
            // Whether it was recorded shows in the next snapshot.
            Err(StoreError::Unknown(_)) => {
                self.gate.reopen();
                Err(Stop::Undone)
            }
            Err(error) => Err(self.stop(error)),
        }
    }

    /// Keeps a change and its answer.
    async fn commit(&self, change: &Change, answer: &Answer, now: Moment) -> Result<(), Stop> {
        let record = IdempotencyRecord { key: &self.key, answer, at: now };
        let request = &self.context.request.0;
        match self.app.store.commit(change, Some(record), request, &self.gate).await {
            Ok(()) => {}
            Err(StoreError::Unknown(error)) => {
                tracing::warn!(%error, "the outcome of COMMIT is unknown; finding out");
                self.resolve_unknown(answer).await?;
            }
            Err(taken @ StoreError::DuplicateRoomNumber) => {
                // Perhaps by this very request, sent twice: the other copy's room came with the key.
                self.hotel_snapshot(None).await?;
                return Err(self.stop(taken));
            }
            Err(error) => return Err(self.stop(error)),
        }
        self.count_expired(change);
        if self.context.key.is_some() {
            self.app.metrics.idempotency(KeyResult::New);
        }
        Ok(())
    }

    /// Learns what became of a COMMIT, while there is time. It was committed, or this stops.
    async fn resolve_unknown(&self, answer: &Answer) -> Result<(), Stop> {
        while Instant::now() < self.deadline {
            match self.app.store.resolve(&self.key, Some(answer)).await {
                Ok(Resolved::Committed) => return Ok(()),
                Ok(Resolved::NotCommitted) => {
                    self.gate.reopen();
                    return Err(Stop::Undone);
                }
                Ok(Resolved::UsedBy(other)) => {
                    self.gate.reopen();
                    return self.stop_if_used(Some(&other));
                }
                Err(error) => tracing::debug!(%error, "the outcome of COMMIT is still unknown"),
            }
            tokio::time::sleep(RESOLVE_PAUSE).await;
        }
        Err(Problem::OutcomeUnknown.into())
    }

    /// What to say when every attempt was lost. Perhaps it was lost to an earlier copy of this very
    /// request, in another process, whose key is not committed yet or was committed just now.
    async fn used_up(&self) -> Stop {
        if self.context.key.is_none() {
            return Stop::Lost;
        }
        match self.app.store.resolve(&self.key, None).await {
            Ok(Resolved::UsedBy(earlier)) => {
                self.stop_if_used(Some(&earlier)).err().unwrap_or(Stop::Lost)
            }
            Ok(Resolved::Committed | Resolved::NotCommitted) => Stop::Lost,
            Err(StoreError::Lost { .. }) => Problem::IdempotencyInFlight.into(),
            Err(error) => Stop::Problem(error.into()),
        }
    }

    /// Names other rooms beside a refusal that the room is taken. They are a hint: without them the
    /// refusal is as true.
    pub async fn with_alternatives(&self, stop: Stop, stay: Stay, guests: i64) -> Stop {
        let Stop::Problem(Problem::Refused {
            refusal: refusal @ Refusal::RoomUnavailable { room, .. },
            ..
        }) = stop
        else {
            return stop;
        };
        let others = self.app.store.alternatives(room, stay, guests, ALTERNATIVES_MAX).await;
        let alternatives = others.unwrap_or_default();
        Stop::Problem(Problem::Refused { refusal, alternatives })
    }

    fn stop(&self, error: StoreError) -> Stop {
        if let StoreError::Lost { guard } = error {
            self.app.metrics.lost_race(self.operation());
            if guard {
                tracing::error!("the database's guard against overlapping bookings fired");
                self.app.metrics.guard_fired();
            }
            return Stop::Lost;
        }
        Stop::Problem(error.into())
    }

    fn reply(&self, answer: Answer, kind: ReplyKind) -> Reply {
        Reply { answer, kind, minimal: self.context.minimal }
    }

    fn operation(&self) -> Operation {
        self.progress().operation
    }

    /// The number of the attempt under way, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.progress().attempt
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Plain numbers and flags: as good after a panic elsewhere as before.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panicked(error: &tokio::task::JoinError) -> Problem {
    Problem::internal(format!("the write's task ended early: {error}"))
}
