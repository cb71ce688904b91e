//! What becomes of a request for a reference that another booking of the hotel may have.
//!
//! A channel that sends a reservation again must find the first one. The nights are taken then, by that
//! one, so its reference is looked for whenever a rule refuses the request, and whenever the database
//! does; a request that is carried out pays for nothing.

use std::sync::Arc;

use vacancy_domain::Claim;
use vacancy_persistence::Holder;

use super::expire::expire;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::WriteContext;
use crate::metrics;
use crate::write::{Claimed, Failure, Operation, Run, attempt_in_room, run_write};

/// How many lapsed holds that have the reference one attempt expires: between two of them another
/// request must have come and held anew.
const LAPSED_MAX: usize = 2;

/// Carries out a write to a booking that may want a reference.
pub async fn write(
    app: &App,
    context: WriteContext,
    operation: impl Operation,
) -> Result<Reply, Problem> {
    let counts_as: metrics::Operation = operation.counts_as();
    let operation: Arc<dyn Operation> = Arc::new(operation);
    let attempt_it = move |run: Arc<Run>| {
        let operation = operation.clone();
        async move { attempt(&run, operation).await }
    };
    run_write(app, context, counts_as, attempt_it).await
}

/// One attempt of such a write.
pub async fn attempt(run: &Arc<Run>, operation: Arc<dyn Operation>) -> Result<Reply, Failure> {
    for _ in 0..=LAPSED_MAX {
        let claimed = match attempt_in_room(run, operation.clone()).await {
            Err(Failure::Claimed(claimed)) => *claimed,
            done => return done,
        };
        let Claimed { claim, problem, free } = claimed;
        let found_by_database = matches!(problem, Problem::ReferenceTaken { .. });
        if found_by_database && let Some(reply) = run.replay_if_answered().await? {
            // By an earlier copy of this very request, in another process.
            return Ok(reply);
        }
        match holder(run, &claim).await? {
            Some(Holder { booking, has_lapsed: true }) if found_by_database => {
                if let Err(problem) = expire(&run.app, booking.id).await {
                    tracing::debug!(booking = %booking.id, %problem, "a lapsed hold was not expired");
                    return Err(run.lost());
                }
            }
            Some(holder) if !holder.has_lapsed => return Err(taken(run, &holder).into()),
            Some(_) | None if found_by_database => return Err(run.lost()),
            Some(_) | None => return Err(run.with_alternatives(problem, free).await.into()),
        }
    }
    Err(run.lost())
}

/// Why a request was refused: because another booking has the reference, if one has it.
pub async fn or_taken(
    run: &Run,
    claim: Option<&Claim>,
    problem: Problem,
) -> Result<Problem, Failure> {
    let Some(claim) = claim else { return Ok(problem) };
    let holder = holder(run, claim).await?.filter(|holder| !holder.has_lapsed);
    Ok(holder.map_or(problem, |holder| taken(run, &holder)))
}

async fn holder(run: &Run, claim: &Claim) -> Result<Option<Holder>, Failure> {
    Ok(run.app.store.holder_of(claim).await.map_err(Problem::from)?)
}

fn taken(run: &Run, holder: &Holder) -> Problem {
    let booking = run.context.access.visible(Some(&holder.booking));
    Problem::ReferenceTaken { booking: booking.map(|booking| booking.id) }
}
