//! One attempt, for one request or for several about the same rooms: read one snapshot, decide in
//! order of arrival, commit once, tell each its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use vacancy_domain::{BookingChange, Change, Claim, RoomId};
use vacancy_persistence::{Fate, Part, Session, SnapshotQuery, StoreError};

use super::conditions;
use super::counting::count_expired;
use super::end::{Attempted, End, Wanted};
use super::fate::settle;
use super::lane::Turns;
use super::operation::{Member, Ruling, Seen, Stop, Turn};
use super::permitted;
use super::run::Run;
use crate::app::App;
use crate::http::key;
use crate::http::problem::Problem;
use crate::http::reply::ReplyKind;
use crate::metrics::{KeyResult, Operation, PreconditionResult};

/// A request of the batch that is decided, and how it ends if the batch is committed.
struct Decided {
    member: Member,
    attempted: Attempted,
    /// Its share of the commit.
    part: Option<Part>,
}

/// Carries out one attempt of `members`, in their order. `turns` keep others away from the rooms; they
/// end with the attempt, and at the latest before the fate of a commit is waited for.
pub(super) async fn attempt(
    app: App,
    rooms: Vec<RoomId>,
    members: Vec<Member>,
    turns: impl Turns<Member>,
) {
    let (members, abandoned): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|member| !member.gate.is_abandoned());
    for member in abandoned {
        tell(member, stopped(Problem::unavailable("the deadline passed")));
    }
    let mut members = members;
    while !members.is_empty() {
        let locks = members.iter().any(|member| member.way.locks);
        let (session, mut seen) = match look(&app, &rooms, &members, locks).await {
            Ok(seen) => seen,
            Err(error) => {
                if matches!(error, StoreError::Held) {
                    members.extend(turns.take_all());
                }
                return tell_all(&app, members, &error);
            }
        };
        let mut decided: Vec<_> =
            members.drain(..).map(|member| decide(&app, member, &mut seen)).collect();
        let parts: Vec<_> = decided.iter_mut().filter_map(|one| one.part.clone()).collect();
        if parts.is_empty() {
            session.end().await;
            drop(turns);
            return decided.into_iter().for_each(|one| one.member.tell(one.attempted));
        }
        let write = Arc::new(app.store.write(parts, seen.now()));
        if !locks {
            app.store.failpoint().await;
        }
        match session.commit(write.clone()).await {
            Err(StoreError::Abandoned) => {
                // The others are decided again, without those that were given up.
                let (given_up, left): (Vec<_>, Vec<_>) = decided
                    .into_iter()
                    .map(|one| one.member)
                    .partition(|it| it.gate.is_abandoned());
                for member in given_up {
                    tell(member, stopped(Problem::unavailable("the deadline passed")));
                }
                members = left;
            }
            Err(StoreError::Unknown(error)) => {
                drop(turns);
                tracing::warn!(%error, "the outcome of a commit is unknown; finding out");
                let last = decided.iter().map(|one| one.member.deadline).max();
                let fate = settle(&app.store, &write, last).await;
                return conclude_unknown(&app, decided, fate);
            }
            committed => {
                // Who waits behind a room that another session holds would wait in vain, one by one.
                let held = matches!(committed, Err(StoreError::Held));
                let behind = if held { turns.take_all() } else { Vec::new() };
                drop(turns);
                tell_all(&app, behind, &StoreError::Held);
                return conclude(&app, decided, &committed);
            }
        }
    }
}

/// Reads what the members look at. What is read under lock stays as it is until the commit.
async fn look(
    app: &App,
    rooms: &[RoomId],
    members: &[Member],
    locks: bool,
) -> Result<(Session, Seen), StoreError> {
    let mut ask = SnapshotQuery { rooms: rooms.to_vec(), ..SnapshotQuery::default() };
    for member in members {
        let look = member.operation.looks_at();
        ask.keys.extend(member.context.key.iter().map(|key| key.0.clone()));
        ask.bookings.extend(look.booking);
        let room = look.target.or(look.room).or_else(|| rooms.first().copied());
        ask.nights.extend(room.and_then(|room| look.nights_in(room)));
    }
    let mut session = app.store.session()?;
    if locks {
        session = session.lock(rooms).await?;
    }
    match session.snapshot(&ask).await {
        Ok(snapshot) => Ok((session, Seen(snapshot))),
        Err(error) => {
            session.end().await;
            Err(error)
        }
    }
}

/// Decides one request on the picture that those before it leave.
fn decide(app: &App, member: Member, seen: &mut Seen) -> Decided {
    let counts_as = member.operation.counts_as();
    let access = member.context.access.clone();
    let mut turn = Turn { attempt: member.attempt, counts_as, access };
    let mut precondition = None;
    let judged =
        catch_unwind(AssertUnwindSafe(|| judge(&member, seen, &mut turn, &mut precondition)));
    let (end, change) = match judged {
        Ok(Ok((end, change))) => (end, change),
        Ok(Err(Stop { problem, lapsed, wanted })) => {
            (End::Stopped(problem, wanted), lapsed.map(|change| *change))
        }
        // Its own fault, and nothing of it was applied: the others go on.
        Err(_) => (stopped(Problem::internal("a decision panicked")), None),
    };
    let done = match &end {
        End::Done(answer, ReplyKind::Written | ReplyKind::Unchanged) => Some(answer),
        End::Done(_, ReplyKind::Replayed)
        | End::Stopped(..)
        | End::Lost
        | End::Undone
        | End::Again { .. }
        | End::Elsewhere => None,
    };
    let record = done.and_then(|answer| Run::record(&member.context, app, answer));
    if let Some(change) = &change {
        seen.apply(change);
    }
    let part = (change.is_some() || record.is_some()).then(|| Part {
        change: change.unwrap_or_default(),
        request: member.context.request.0.clone(),
        actor: member.context.access.principal().cloned(),
        record,
        gate: member.gate.clone(),
    });
    let attempted = Attempted { end, precondition, counts_as: turn.counts_as };
    Decided { member, attempted, part }
}

/// The order of the contract: the key, the resource, its preconditions, then the request itself.
fn judge(
    member: &Member,
    seen: &Seen,
    turn: &mut Turn,
    precondition: &mut Option<PreconditionResult>,
) -> Result<(End, Option<Change>), Stop> {
    let Member { operation, context, .. } = member;
    if let Some(earlier) = context.key.as_ref().and_then(|key| seen.used(&key.0)) {
        let answer = key::replayed(&context.fingerprint, earlier)?;
        return Ok((End::Done(answer, ReplyKind::Replayed), None));
    }
    let look = operation.looks_at();
    if look.booking.is_some_and(|id| member.resolved && seen.booking(id).is_err()) {
        return Ok((End::Elsewhere, None));
    }
    let subject = operation.subject(seen)?;
    permitted::rooms(&context.access, &look, seen)?;
    let checked;
    (*precondition, checked) =
        conditions::check(&context.preconditions, operation.about().kind, Some(subject));
    checked?;
    if member.way.looks_only {
        return Ok((End::Lost, None));
    }
    Ok(match operation.decide(seen, turn)? {
        Ruling::Write(change, answer) => (End::Done(answer, ReplyKind::Written), Some(change)),
        Ruling::Unchanged(answer) => (End::Done(answer, ReplyKind::Unchanged), None),
    })
}

/// Tells every member what the commit, or its failure, means for it.
fn conclude(app: &App, decided: Vec<Decided>, committed: &Result<(), StoreError>) {
    let parts: Vec<_> = decided.iter().filter_map(|one| one.part.as_ref()).collect();
    let several = parts.len() > 1;
    let own = parts.iter().any(|part| holds_up_itself(part));
    if matches!(committed, Err(StoreError::Lost { guard: true })) {
        // Whichever request it was: alone, it may be refused before the guard sees it again.
        tracing::error!("the database's guard against overlapping bookings fired");
        app.metrics.guard_fired();
    }
    for Decided { member, mut attempted, part } in decided {
        let rests = part.is_none();
        attempted.end = match committed {
            Ok(()) => {
                if let Some(part) = &part {
                    let expired = part.change.holds_expired();
                    count_expired(&app.metrics, expired, member.attempt);
                    if part.record.is_some() {
                        app.metrics.idempotency(KeyResult::New);
                    }
                }
                attempted.end
            }
            // What others were to leave did not come about.
            Err(_) if rests => End::Again { alone: false },
            // A lock was waited for in vain that is not the room's: a key's or a reference's, in all
            // likelihood, which is one request's own matter.
            Err(StoreError::Lost { guard: false }) if several && own => {
                End::Again { alone: part.is_some_and(|part| holds_up_itself(&part)) }
            }
            // Whose reference another booking has shows when those that want one come alone.
            Err(StoreError::DuplicateReference) if several => {
                End::Again { alone: part.is_some_and(|part| claim_of(&part.change).is_some()) }
            }
            Err(StoreError::DuplicateReference) => {
                let claim = part.and_then(|part| claim_of(&part.change));
                let wanted = Wanted { claim: claim.map(Box::new), free: None };
                End::Stopped(StoreError::DuplicateReference.into(), wanted)
            }
            // Lost together; or the fault of no request, where company changes nothing.
            Err(
                error @ (StoreError::Missed
                | StoreError::Held
                | StoreError::Lost { guard: false }
                | StoreError::Late
                | StoreError::StalePlan(_)),
            ) => fault(app, attempted.counts_as, error),
            // Perhaps another's fault: what is this one's own shows when it comes alone.
            Err(_) if several => End::Again { alone: true },
            Err(error) => fault(app, attempted.counts_as, error),
        };
        member.tell(attempted);
    }
}

/// What a failure of a request's own commit, or of its reading, means for it.
fn fault(app: &App, counts_as: Operation, error: &StoreError) -> End {
    match error {
        StoreError::Lost { .. } | StoreError::Missed | StoreError::Held => {
            app.metrics.lost_race(counts_as);
            End::Lost
        }
        // The tables were altered under a prepared statement: on a new connection it fits again.
        StoreError::StalePlan(_) => End::Again { alone: false },
        StoreError::Late => {
            tracing::warn!(%error, "it is decided again");
            End::Again { alone: false }
        }
        StoreError::DuplicateRoomNumber
        | StoreError::DuplicateReference
        | StoreError::Unknown(_)
        | StoreError::Abandoned
        | StoreError::Unavailable(_)
        | StoreError::Corrupt { .. }
        | StoreError::Failed(_) => stopped(error.clone().into()),
    }
}

fn conclude_unknown(app: &App, decided: Vec<Decided>, fate: Fate) {
    match fate {
        Fate::Committed => conclude(app, decided, &Ok(())),
        Fate::NotCommitted => {
            for Decided { member, mut attempted, part } in decided {
                let rests = part.is_none();
                member.gate.reopen();
                attempted.end = if rests { End::Again { alone: false } } else { End::Undone };
                member.tell(attempted);
            }
        }
        Fate::Open => {
            for Decided { member, mut attempted, part } in decided {
                let rests = part.is_none();
                let problem = if rests {
                    Problem::unavailable("the outcome of what it rests on is unknown")
                } else {
                    Problem::OutcomeUnknown
                };
                attempted.end = stopped(problem);
                member.tell(attempted);
            }
        }
    }
}

/// Nothing could be read, or the rooms could not be locked.
fn tell_all(app: &App, members: Vec<Member>, error: &StoreError) {
    let several = members.len() > 1;
    let all = matches!(
        error,
        StoreError::Unavailable(_)
            | StoreError::StalePlan(_)
            | StoreError::Lost { .. }
            | StoreError::Held
    );
    for member in members {
        let counts_as = member.operation.counts_as();
        let end =
            if several && !all { End::Again { alone: true } } else { fault(app, counts_as, error) };
        tell(member, end);
    }
}

fn tell(member: Member, end: End) {
    let counts_as = member.operation.counts_as();
    member.tell(Attempted { end, precondition: None, counts_as });
}

fn stopped(problem: Problem) -> End {
    End::Stopped(problem, Wanted::default())
}

/// Whether it may wait for what is not the room's: its key, or a reference.
fn holds_up_itself(part: &Part) -> bool {
    part.record.is_some() || claim_of(&part.change).is_some()
}

/// The reference that a change of one request wants for its booking.
fn claim_of(change: &Change) -> Option<Claim> {
    let bookings = change.bookings.iter().map(BookingChange::to);
    let mut taking = bookings.filter(|booking| booking.status.is_stored_as_taking());
    taking.find_map(|booking| booking.origin.claim(booking.hotel))
}

impl Member {
    fn tell(self, attempted: Attempted) {
        // A request that was given up hears nothing.
        let _ = self.ended.send(attempted);
    }
}

#[cfg(test)]
mod tests;
