//! The attempts of a write to rooms: where it queues, whom it takes along, when it looks again.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;
use vacancy_domain::RoomId;

use super::attempt::attempt;
use super::end::{Attempted, End, Wanted};
use super::lane::Turns;
use super::operation::{Look, Member, Operation, Way};
use super::run::{Claimed, Failure, Run, run_write};
use crate::app::{App, OVERTIME};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::WriteContext;

/// The most requests of one batch.
const BATCH_MAX: usize = 64;
/// How often one attempt may go again without having lost: because of those it rested on, of tables that
/// are altered, of a commit that was begun too late.
const AGAIN_MAX: usize = 16;

/// Carries out a write to rooms.
pub async fn write_rooms(
    app: &App,
    context: WriteContext,
    operation: impl Operation,
) -> Result<Reply, Problem> {
    let counts_as = operation.counts_as();
    let operation: Arc<dyn Operation> = Arc::new(operation);
    let attempt = move |run: Arc<Run>| {
        let operation = operation.clone();
        async move { attempt_in_room(&run, operation).await }
    };
    run_write(app, context, counts_as, attempt).await
}

/// One attempt of a write to rooms.
pub async fn attempt_in_room(
    run: &Arc<Run>,
    operation: Arc<dyn Operation>,
) -> Result<Reply, Failure> {
    let locks = run.app.settings.room_lanes && run.is_last_of_several();
    let mut way = Way { locks, alone: run.progress().alone, ..Way::default() };
    for _ in 0..AGAIN_MAX {
        let attempted = go(run, &operation, way).await?;
        run.note(&attempted);
        match attempted.end {
            End::Done(answer, kind) => return Ok(run.reply(answer, kind)),
            End::Stopped(problem, Wanted { free, claim: Some(claim) }) => {
                return Err(Failure::Claimed(Box::new(Claimed { claim: *claim, problem, free })));
            }
            End::Stopped(problem, Wanted { free, claim: None }) => {
                return Err(run.with_alternatives(problem, free).await.into());
            }
            End::Undone => return Err(Failure::Undone),
            // A precondition of the client is never outlived: once the version it names is gone,
            // that is the answer, without waiting and without another attempt.
            End::Lost if names_a_version(run) && !way.looks_only => {
                way = Way { looks_only: true, ..Way::default() };
            }
            End::Lost => return Err(Failure::Lost),
            End::Again { alone } => {
                way.alone |= alone;
                // What was its own fault once may be so at the next attempt.
                run.progress().alone = way.alone;
            }
            End::Elsewhere => {}
        }
    }
    Err(Problem::unavailable(
        "the write was begun too late, or failed by what it went with, again and again",
    )
    .into())
}

fn names_a_version(run: &Run) -> bool {
    let preconditions = run.context.preconditions.read();
    preconditions.is_ok_and(|preconditions| preconditions.name_a_version())
}

/// Finds the rooms, waits for its turn there, or for the turn of one that takes it along.
async fn go(
    run: &Arc<Run>,
    operation: &Arc<dyn Operation>,
    way: Way,
) -> Result<Attempted, Failure> {
    let app = &run.app;
    let look = operation.looks_at();
    let home = match (look.room, look.booking) {
        (None, Some(booking)) => app.store.place_of(booking).await.map_err(Problem::from)?,
        (room, _) => room,
    };
    let (ended, mut end) = oneshot::channel();
    let member = Member {
        operation: operation.clone(),
        context: run.context.clone(),
        gate: run.gate.clone(),
        deadline: run.deadline,
        attempt: run.attempt(),
        way: Way { alone: way.alone || look.alone, ..way },
        resolved: home.is_some(),
        since: Instant::now(),
        ended,
    };
    let rooms = rooms_of(home, &look);
    if !app.settings.room_lanes || way.looks_only || rooms.is_empty() {
        spawn(app, rooms, vec![member], ());
        return heard(end.await);
    }
    if let [first, second] = rooms[..] {
        // Both lanes, in ascending order as for the rooms' rows: none waits in a circle.
        let member = vec![member];
        let turns = (app.lanes.place(first).turn().await, app.lanes.place(second).turn().await);
        count_batch(app, &member);
        spawn(app, rooms, member, turns);
        return heard(end.await);
    }
    let place = app.lanes.place(rooms[0]);
    place.wait(member);
    loop {
        tokio::select! {
            biased;
            end = &mut end => return heard(end),
            turn = place.turn() => {
                let members = turn.take(BATCH_MAX, |member| member.way.alone);
                if members.is_empty() {
                    // Another turn took it along, and tells it, be it only when the fate of its
                    // commit is known: to come here again and again until then would be work.
                    drop(turn);
                    return heard(end.await);
                }
                count_batch(app, &members);
                spawn(app, rooms.clone(), members, turn);
            }
        }
    }
}

/// The rooms a write takes, in ascending order.
fn rooms_of(home: Option<RoomId>, look: &Look) -> Vec<RoomId> {
    let mut rooms: Vec<_> = home.into_iter().chain(look.target).collect();
    rooms.sort_unstable();
    rooms.dedup();
    rooms
}

fn count_batch(app: &App, members: &[Member]) {
    for member in members {
        app.metrics.lane_waited(member.since.elapsed());
    }
    app.metrics.lane_batch(members.len());
}

/// In a task of its own: a request that is given up must not take along those it leads.
fn spawn(app: &App, rooms: Vec<RoomId>, members: Vec<Member>, turns: impl Turns<Member>) {
    let last = members.iter().map(|member| member.deadline).max().unwrap_or_else(Instant::now);
    let work = attempt(app.clone(), rooms, members, turns).instrument(tracing::Span::current());
    app.spawn(async move {
        // Nothing waits for it any more then, and the rooms must not wait for it either.
        if tokio::time::timeout_at(last + OVERTIME, work).await.is_err() {
            tracing::warn!("dropped an attempt that the database does not answer");
        }
    });
}

fn heard(end: Result<Attempted, oneshot::error::RecvError>) -> Result<Attempted, Failure> {
    // Only with a runtime that is being shut down, or a panic of the executor itself.
    end.map_err(|_| Problem::internal("the attempt ended early").into())
}
