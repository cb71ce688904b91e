//! Who may still say how a write ended: the writer that commits, or the one who stopped waiting.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const COMMITTING: u8 = 1;
const ABANDONED: u8 = 2;
const COMMITTING_ABANDONED: u8 = 3;

/// Stands before COMMIT. A deadline that passes while it is open closes it, and then nothing is
/// committed any more: "not applied" is the truth. One that passes while COMMIT is under way finds
/// it shut: the outcome is unknown.
#[derive(Debug, Default)]
pub struct CommitGate(AtomicU8);

impl CommitGate {
    /// Called right before COMMIT. False means that the caller has stopped waiting: roll back.
    pub(crate) fn enter(&self) -> bool {
        self.step(OPEN, COMMITTING)
    }

    /// Called when COMMIT is known to have changed nothing: another attempt may enter, unless the
    /// deadline has passed meanwhile.
    pub fn reopen(&self) {
        if !self.step(COMMITTING, OPEN) {
            self.step(COMMITTING_ABANDONED, ABANDONED);
        }
    }

    /// Gives up. True: nothing will be committed any more. False: a COMMIT was sent whose outcome
    /// is not known here.
    #[must_use]
    pub fn abandon(&self) -> bool {
        if self.step(COMMITTING, COMMITTING_ABANDONED) {
            return false;
        }
        self.step(OPEN, ABANDONED) || self.is_abandoned()
    }

    /// Whether [`Self::abandon`] has closed it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire) == ABANDONED
    }

    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_the_committer_or_the_deadline_passes_never_both() {
        let gate = CommitGate::default();
        assert!(gate.enter());
        gate.reopen();
        assert!(!gate.is_abandoned());
        assert!(gate.enter());
        assert!(!gate.abandon(), "COMMIT is under way");
        gate.reopen();
        assert!(gate.is_abandoned(), "the deadline has passed: there is no further attempt");
        assert!(gate.abandon());
        assert!(!gate.enter(), "no caller waits any more");
        gate.reopen();
        assert!(gate.is_abandoned(), "an abandoned gate stays closed");
    }
}
