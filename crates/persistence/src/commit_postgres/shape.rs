//! The texts of the commit statement: one for every kind of write, so that none is made for a
//! request.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use vacancy_domain::{BookingChange, RoomWrite};

use crate::write::Write;

const COMMIT: &str = include_str!("../sql/commit_postgres.sql");

static TEXTS: LazyLock<HashMap<Shape, String>> = LazyLock::new(|| {
    let rooms = [Rooms::Advance, Rooms::Rewrite, Rooms::AdvanceTwo, Rooms::AdvanceMany];
    let shapes = rooms.into_iter().flat_map(|rooms| {
        [(false, false), (false, true), (true, false), (true, true)]
            .map(|(changes, answers)| Shape { rooms, changes, answers })
    });
    shapes.map(|shape| (shape, shape.compose())).collect()
});

/// What kind of write it is, as far as the statement depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) rooms: Rooms,
    /// Whether bookings change that are there, and not only new ones come.
    changes: bool,
    /// Whether answers are kept under keys.
    answers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rooms {
    /// One room's counters.
    Advance,
    /// One room's attributes too, or that it is deleted.
    Rewrite,
    /// The counters of the two rooms of a move: both, or nothing is written.
    AdvanceTwo,
    /// The counters of several rooms of as many writes, each of which is written or not.
    AdvanceMany,
}

impl Shape {
    /// The shape of one write, or of several that share a statement.
    pub(super) fn of(writes: &[Arc<Write>]) -> Self {
        let rooms = match writes {
            [only] => Rooms::of(only),
            _ => Rooms::AdvanceMany,
        };
        let is_new = |change: &BookingChange| matches!(change, BookingChange::Insert(_));
        let changes = !writes.iter().all(|write| write.change.bookings.iter().all(is_new));
        let answers = writes.iter().any(|write| write.records().next().is_some());
        Self { rooms, changes, answers }
    }

    pub(super) fn text(self) -> &'static str {
        &TEXTS[&self]
    }

    fn compose(self) -> String {
        let rooms = match self.rooms {
            Rooms::Advance => include_str!("../sql/rooms_advance.sql"),
            Rooms::Rewrite => include_str!("../sql/rooms_rewrite.sql"),
            Rooms::AdvanceTwo => include_str!("../sql/rooms_advance_two.sql"),
            Rooms::AdvanceMany => include_str!("../sql/rooms_advance_many.sql"),
        };
        let changes = if self.changes {
            include_str!("../sql/changes_postgres.sql")
        } else {
            include_str!("../sql/no_changes_postgres.sql")
        };
        let answers = if self.answers { include_str!("../sql/answers_postgres.sql") } else { "" };
        COMMIT
            .replace("{rooms}", rooms.trim_end())
            .replace("{changes}", changes.trim_end())
            .replace("{answers}", answers.trim_end())
    }
}

impl Rooms {
    pub(super) fn of(write: &Write) -> Self {
        let rewrites = |write: RoomWrite| matches!(write, RoomWrite::Replace | RoomWrite::Delete);
        match write.change.rooms.as_slice() {
            [only] if rewrites(only.write) => Self::Rewrite,
            [_] => Self::Advance,
            _ => Self::AdvanceTwo,
        }
    }
}
