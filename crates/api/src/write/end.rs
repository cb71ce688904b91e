//! How an attempt ends for one request.

use vacancy_domain::{Claim, Guests, Stay};
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

/// What a request wanted, so that its refusal can say more.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The stay and the number of guests that other rooms may be offered for.
    pub free: Option<(Stay, Guests)>,
    /// The reference that another booking may have: then that is the answer.
    pub claim: Option<Box<Claim>>,
}

/// See [`Attempted`].
#[derive(Debug)]
pub enum End {
    /// It was done, or was done before.
    Done(Answer, ReplyKind),
    /// It was not, and this is the answer, to which what it wanted may add.
    Stopped(Problem, Wanted),
    /// Another write came first.
    Lost,
    /// The commit broke off and left nothing.
    Undone,
    /// It rests on another request of its batch, which was not committed, or on a failure that may
    /// be another's, or its commit was begun too late, or the tables were altered: again at once, which is
    /// no further attempt.
    Again {
        /// Without company.
        alone: bool,
    },
    /// The booking is in another room meanwhile.
    Elsewhere,
}
