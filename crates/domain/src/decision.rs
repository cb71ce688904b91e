//! How a decision ends.

use crate::change::Change;
use crate::invalid::Invalid;
use crate::refusal::Refusal;

/// A decision that was not refused, or why it was. `T` is the state after it.
pub type Decision<T> = Result<Decided<T>, Refused>;

/// What was asked for is, or can be made, true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided<T> {
    /// Commit the change, all of it or none.
    Changed(Change, T),
    /// It is already as asked: nothing to write, no new version.
    Unchanged(T),
}

/// It is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct Refused {
    /// The rule that says no.
    pub refusal: Refusal,
    /// Records the lapsed holds met on the way, where there are any: commit it all the same.
    pub lapsed: Option<Box<Change>>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, lapsed: None }
    }
}

impl From<Invalid> for Refused {
    fn from(invalid: Invalid) -> Self {
        Refusal::from(invalid).into()
    }
}
