//! How an attempt ends for one request.

use vacancy_domain::{Guests, Stay};
use vacancy_persistence::Answer;

use crate::http::problem::Problem;
use crate::http::reply::ReplyKind;
use crate::metrics::{Operation, PreconditionResult};

/// How an attempt ended for one request.
#[derive(Debug)]
pub struct Attempted {
    /// The end.
    pub end: End,
    /// How its preconditions were answered, if they were looked at.
    pub precondition: Option<PreconditionResult>,
    /// What it counts as, as far as is known.
    pub counts_as: Operation,
}

/// See [`Attempted`].
#[derive(Debug)]
pub enum End {
    /// It was done, or was done before.
    Done(Answer, ReplyKind),
    /// It was not, and this is the answer; the stay is what other rooms may be offered for.
    Stopped(Problem, Option<(Stay, Guests)>),
    /// Another write came first.
    Lost,
    /// The commit broke off and left nothing.
    Undone,
    /// It rests on another request of its batch, which was not committed, or on a failure that may
    /// be another's: again at once, which is no further attempt.
    Again {
        /// Without company.
        alone: bool,
    },
    /// The booking is in another room meanwhile.
    Elsewhere,
}
