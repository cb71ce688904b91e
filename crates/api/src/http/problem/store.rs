//! How a failure of the database is answered.

use vacancy_persistence::StoreError;

use super::problem::Problem;

impl From<StoreError> for Problem {
    /// For reads. The write path decides itself what a lost race or an unknown outcome leads to.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DuplicateRoomNumber => Self::Duplicate,
            StoreError::DuplicateReference => Self::ReferenceTaken { booking: None },
            StoreError::Lost { .. }
            | StoreError::Missed
            | StoreError::Held
            | StoreError::Abandoned
            | StoreError::Late
            | StoreError::StalePlan(_)
            | StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Unknown(_) => Self::OutcomeUnknown,
            StoreError::Corrupt { .. } | StoreError::Failed(_) => Self::internal(error),
        }
    }
}
