//! A request's preconditions, held against the version of what it is about.

use super::operation::Subject;
use crate::about::Kind;
use crate::http::preconditions::{RawPreconditions, Verdict};
use crate::http::problem::Problem;
use crate::metrics::PreconditionResult;

/// Checks the preconditions of an operation of some `kind` on `subject`, which is absent for what is
/// sent to a collection. Says what to count, and fails with the answer.
pub(super) fn check(
    preconditions: &RawPreconditions,
    kind: Kind,
    subject: Option<Subject>,
) -> (Option<PreconditionResult>, Result<(), Problem>) {
    let names_a_version = preconditions.suffice_for_an_edit();
    let subject = subject.filter(|_| kind.is_versioned());
    let Some(Subject { kind: what, id, version }) = subject else {
        // A precondition that cannot be held must not be ignored.
        let why = "If-Match names a version, and what this operation is sent to has none";
        let refused = names_a_version.then(|| Problem::InvalidRequest(why.into()));
        return (None, refused.map_or(Ok(()), Err));
    };
    if kind.edits() && !names_a_version {
        return (Some(PreconditionResult::Missing428), Err(Problem::PreconditionRequired));
    }
    match preconditions.check(what, id, version) {
        Verdict::Absent => (None, Ok(())),
        Verdict::Passed => (Some(PreconditionResult::Passed), Ok(())),
        Verdict::NotModified => {
            let problem = Problem::PreconditionFailed { current: version };
            (Some(PreconditionResult::Failed412), Err(problem))
        }
        Verdict::Failed(result, problem) => (Some(result), Err(problem)),
    }
}
