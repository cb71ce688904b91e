//! One write from its request to its answer: a task that survives its client, the deadline, the
//! outcome.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;
use vacancy_domain::{Claim, Guests, Refusal, Stay};
use vacancy_persistence::{
    Answer, CommitGate, Record, RequestKey, Resolved, StoreError, StoredAnswer,
};

use super::conditions;
use super::counting::{Progress, count};
use super::end::Attempted;
use super::retry::{self, LostRace};
use crate::about::Kind;
use crate::app::App;
use crate::http::key;
use crate::http::problem::Problem;
use crate::http::reply::{Reply, ReplyKind};
use crate::http::request::WriteContext;
use crate::metrics::Operation;

/// How long a request waits for an earlier one with the same key that is still at work; half of its
/// time if that is less.
const DUPLICATE_WAIT_MAX: Duration = Duration::from_secs(2);
/// How many other rooms a refusal names.
const ALTERNATIVES_MAX: u64 = 5;

/// Why an attempt ended without an answer of success.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Another write came first: decide again.
    Lost,
    /// The outcome of the commit was unknown and turned out to be "not committed": decide again.
    Undone,
    /// This is the answer, unless another booking has the reference that the request wants.
    Claimed(Box<Claimed>),
    /// This is the answer, however often one tried.
    Problem(Problem),
}

/// See [`Failure::Claimed`].
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The reference.
    pub claim: Claim,
    /// What is to be said if no other booking has it: a rule's refusal, or that the database found one.
    pub problem: Problem,
    /// The stay and the number of guests that other rooms may be offered for.
    pub free: Option<(Stay, Guests)>,
}

impl LostRace for Failure {
    fn is_lost_race(&self) -> bool {
        matches!(self, Self::Lost | Self::Undone)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// One write on its way, shared by its attempts and by the task that supervises them.
#[derive(Debug)]
pub struct Run {
    /// The application.
    pub app: App,
    /// What the request came with.
    pub context: Arc<WriteContext>,
    /// Closed when the request is given up.
    pub gate: Arc<CommitGate>,
    /// By when it is answered.
    pub deadline: Instant,
    progress: Mutex<Progress>,
}

/// Carries out a write: `attempt` reads, decides and commits, again and again while it loses races
/// and the policy allows. `operation` is what it counts as until an attempt knows better.
pub async fn run_write<F, A>(
    app: &App,
    context: WriteContext,
    operation: Operation,
    attempt: A,
) -> Result<Reply, Problem>
where
    A: Fn(Arc<Run>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let run = Arc::new(Run {
        app: app.clone(),
        context: Arc::new(context),
        gate: Arc::default(),
        deadline: Instant::now() + app.settings.request_timeout,
        progress: Mutex::new(Progress { operation, attempt: 0, precondition: None, alone: false }),
    });
    let task = supervise(run, attempt).instrument(tracing::Span::current());
    app.spawn(task).await.unwrap_or_else(|error| Err(panicked(&error)))
}

/// Waits for the work until the deadline, then says what can be said, and counts it either way.
async fn supervise<F, A>(run: Arc<Run>, attempt: A) -> Result<Reply, Problem>
where
    A: Fn(Arc<Run>) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    // In a task of its own again: past the deadline it goes on, and a stop waits for it.
    let work = run_attempts(run.clone(), attempt).instrument(tracing::Span::current());
    let mut work = run.app.spawn(work);
    let result = match tokio::time::timeout_at(run.deadline, &mut work).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(panicked(&error)),
        Err(_) => {
            run.app.end_soon(work);
            if run.gate.abandon() {
                Err(Problem::unavailable("the deadline passed before the commit"))
            } else {
                Err(Problem::OutcomeUnknown)
            }
        }
    };
    count(&run.app.metrics, *run.progress(), &result);
    result
}

async fn run_attempts<F, A>(run: Arc<Run>, attempt: A) -> Result<Reply, Problem>
where
    A: Fn(Arc<Run>) -> F + Send + Sync,
    F: Future<Output = Result<Reply, Failure>> + Send,
{
    let app = &run.app;
    let _turn = match &run.context.key {
        Some(key) => {
            let patience = DUPLICATE_WAIT_MAX.min(app.settings.request_timeout / 2);
            let turn = app.keys.turn(key, patience).await;
            Some(turn.ok_or(Problem::IdempotencyInFlight)?)
        }
        None => None,
    };
    let before_sleep = |delay: &Duration| app.metrics.retried(run.progress().operation, *delay);
    let end = retry::until_settled(app.settings.retry, before_sleep, || {
        run.progress().attempt += 1;
        attempt(run.clone())
    });
    let end = match end.await {
        Err(Failure::Lost) => run.exhausted().await,
        end => end,
    };
    end.map_err(|failure| match failure {
        Failure::Problem(problem) => problem,
        Failure::Claimed(claimed) => claimed.problem,
        Failure::Lost => Problem::LockConflict { attempts: run.attempt() },
        Failure::Undone => {
            Problem::unavailable("the connection broke at the commit, which was undone")
        }
    })
}

impl Run {
    /// The number of the attempt under way, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.progress().attempt
    }

    /// Whether the attempt under way is the last, and not the first.
    #[must_use]
    pub fn is_last_of_several(&self) -> bool {
        let attempt = self.attempt();
        attempt > 1 && attempt >= self.app.settings.retry.attempts
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        // Plain numbers and flags: as good after a panic elsewhere as before.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what an attempt found out about what the write counts as.
    pub(super) fn note(&self, attempted: &Attempted) {
        let mut progress = self.progress();
        progress.operation = attempted.counts_as;
        if attempted.precondition.is_some() {
            progress.precondition = attempted.precondition;
        }
    }

    /// The client's key with an answer, if it sent one.
    pub(super) fn record(context: &WriteContext, app: &App, answer: &Answer) -> Option<Record> {
        let text = context.key.as_ref()?.0.clone();
        let time_to_live = app.settings.key_time_to_live;
        let key = RequestKey { text, fingerprint: context.fingerprint, time_to_live };
        Some(Record { key, answer: answer.clone() })
    }

    pub(super) fn reply(&self, answer: Answer, kind: ReplyKind) -> Reply {
        Reply { answer, kind, minimal: self.context.minimal }
    }

    /// What an earlier answer under the request's key means for it: the same again, or 422.
    pub fn replay(&self, earlier: &StoredAnswer) -> Result<Reply, Failure> {
        let answer = key::replayed(&self.context.fingerprint, earlier)?;
        Ok(self.reply(answer, ReplyKind::Replayed))
    }

    /// The answer to an earlier copy of the request, if there was one meanwhile.
    pub async fn replay_if_answered(&self) -> Result<Option<Reply>, Failure> {
        let Some(key) = &self.context.key else { return Ok(None) };
        let seen = self.app.store.hotel_snapshot(Some(&key.0), None).await;
        let earlier = seen.map_err(Problem::from)?.earlier;
        earlier.map(|earlier| self.replay(&earlier)).transpose()
    }

    /// Counts a lost race that no commit told of.
    pub fn lost(&self) -> Failure {
        self.app.metrics.lost_race(self.progress().operation);
        Failure::Lost
    }

    /// What to say when every attempt was lost. Perhaps it was lost to an earlier copy of this very
    /// request, in another process, whose key is not committed yet or was committed just now.
    async fn exhausted(&self) -> Result<Reply, Failure> {
        let Some(client) = &self.context.key else { return Err(Failure::Lost) };
        let key = RequestKey {
            text: client.0.clone(),
            fingerprint: self.context.fingerprint,
            time_to_live: self.app.settings.key_time_to_live,
        };
        match self.app.store.resolve(&key, None).await {
            Ok(Resolved::UsedBy(earlier)) => self.replay(&earlier),
            Ok(Resolved::Committed | Resolved::NotCommitted) => Err(Failure::Lost),
            Err(StoreError::Lost { .. }) => Err(Problem::IdempotencyInFlight.into()),
            Err(error) => Err(Problem::from(error).into()),
        }
    }

    /// Names other rooms beside a refusal that the room is taken. They are a hint: without them the
    /// refusal is as true.
    pub async fn with_alternatives(
        &self,
        problem: Problem,
        wanted: Option<(Stay, Guests)>,
    ) -> Problem {
        let (
            Problem::Refused { refusal: refusal @ Refusal::RoomUnavailable { room, .. }, .. },
            Some((stay, guests)),
        ) = (&problem, wanted)
        else {
            return problem;
        };
        let others = self.app.store.alternatives(*room, stay, guests.get(), ALTERNATIVES_MAX).await;
        Problem::Refused { refusal: refusal.clone(), alternatives: others.unwrap_or_default() }
    }
}

/// For what is sent to a collection: a precondition that cannot be held must not be ignored. Fails
/// with 400.
pub fn check_no_precondition(run: &Run) -> Result<(), Problem> {
    conditions::check(&run.context.preconditions, Kind::Create, None).1
}

fn panicked(error: &tokio::task::JoinError) -> Problem {
    Problem::internal(format!("the write's task ended early: {error}"))
}
