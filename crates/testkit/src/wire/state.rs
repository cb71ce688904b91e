//! What the connections of one wire share: what to do to commits, and what was counted.

use std::sync::{Mutex, MutexGuard};

/// The most statements that a wire keeps while recording; later ones are passed over.
const RECORDED_MAX: usize = 100_000;

/// What happens to the next commits on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// They pass.
    #[default]
    None,
    /// Of the next that many, PostgreSQL never hears: COMMIT is swallowed, the connection closed.
    BeforeCommit(u32),
    /// The next that many take effect and the client never hears: COMMIT is forwarded, the server's
    /// answer awaited and swallowed, the connection closed.
    AfterCommit(u32),
    /// The next that many take effect, and from then on nothing comes back: the server's answer is
    /// awaited and swallowed, the connection stays open.
    Unanswered(u32),
}

impl Cut {
    /// What to do to one commit, and with that the number of those still to come goes down.
    fn take(&mut self) -> Self {
        let taken = *self;
        match self {
            Self::None => {}
            Self::BeforeCommit(rest) | Self::AfterCommit(rest) | Self::Unanswered(rest) => {
                *rest = rest.saturating_sub(1);
                if *rest == 0 {
                    *self = Self::None;
                }
            }
        }
        taken
    }
}

/// What a wire has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections passed on to PostgreSQL.
    pub connections: u64,
    /// Connections turned away while refusing.
    pub refused: u64,
    /// Commits that passed unharmed.
    pub passed: u64,
    /// Commits swallowed.
    pub cut_before: u64,
    /// Commits that took effect and whose answer was swallowed.
    pub cut_after: u64,
    /// Commits forwarded to be cut afterwards that PostgreSQL answered by an error or a rollback;
    /// that answer was swallowed too.
    pub failed: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) cut: Cut,
    pub(super) refusing: bool,
    pub(super) counters: Counters,
    pub(super) recorded: Option<Vec<String>>,
    /// Requests that the server was asked to answer in full, since recording last began.
    pub(super) round_trips: u64,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the state panics")
    }

    pub(super) fn record(&self, statement: &str) {
        if let Some(recorded) = &mut self.state().recorded
            && recorded.len() < RECORDED_MAX
        {
            recorded.push(statement.to_owned());
        }
    }

    /// What to do to a commit that came; counted, unless its fate is still open.
    pub(super) fn next_commit(&self) -> Cut {
        let state = &mut *self.state();
        let cut = state.cut.take();
        match cut {
            Cut::None => state.counters.passed += 1,
            Cut::BeforeCommit(_) => state.counters.cut_before += 1,
            Cut::AfterCommit(_) | Cut::Unanswered(_) => {}
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_happens_once() {
        let mut cut = Cut::AfterCommit(2);
        assert_eq!(cut.take(), Cut::AfterCommit(2));
        assert_eq!(cut.take(), Cut::AfterCommit(1));
        assert_eq!(cut.take(), Cut::None);
    }
}
