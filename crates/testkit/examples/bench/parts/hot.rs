//! Bookings of one room, a night each, on PostgreSQL, at several replicas, beside transactions that
//! lock the room first.

use vacancy_testkit::database::{Database, Kind};

use crate::pgbench::Pgbench;
use crate::reference;
use crate::report::{self, Row};
use crate::requests::Hot;
use crate::rig::{HOT_ROOMS, Rig};
use crate::rooms;
use crate::service::{self, Service};
use crate::slice::{Load, Reference, Slice};
use crate::sql::Sql;

const CLIENTS: usize = 64;
const REPLICAS: [usize; 3] = [1, 2, 4];
/// The option that lets writes of one room queue within a process.
pub const LANES: &str = "--room-lanes";
/// Said when the release does not have it.
pub const NO_LANES: &str =
    "This release has no `--room-lanes`: its rows with and without lanes are one.";

/// How a release is run.
struct Variant {
    replicas: usize,
    arguments: Vec<&'static str>,
}

/// The arguments to compare: with and without lanes, or none if the release has no such option.
pub async fn lanes(rig: &Rig) -> Vec<(&'static str, Vec<&'static str>)> {
    if service::knows(&rig.binary, LANES).await {
        vec![(", lanes", vec![LANES, "yes"]), (", no lanes", vec![LANES, "no"])]
    } else {
        vec![("", Vec::new())]
    }
}

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, sql) = rig.database_with_rooms(Kind::Postgres).await;
    let postmaster = rig.server.pid();
    let lanes = lanes(rig).await;
    let (mut variants, mut rows) = (Vec::new(), Vec::new());
    for (name, arguments) in &lanes {
        for replicas in REPLICAS {
            let plural = if replicas == 1 { "" } else { "s" };
            rows.push(Row::new(format!("{replicas} replica{plural}{name}")));
            variants.push(Variant { replicas, arguments: arguments.clone() });
        }
    }
    let bookings = Hot::new(HOT_ROOMS as u64);
    let script = reference::hot(&sql);
    let mut room = 0;
    for round in 1..=rig.options.rounds {
        for (row, variant) in rows.iter_mut().zip(&variants) {
            rig.progress(&format!("bookings of one room, round {round}, {}", row.work));
            rig.settle(&database).await;
            let pgbench = Pgbench {
                script: &script,
                clients: CLIENTS,
                seconds: rig.options.seconds,
                variables: &[("room", room), ("n", room * 10_000)],
            };
            row.references.push(Reference::pgbench(pgbench, database.url(), postmaster).await);
            room += 1;
            rig.settle(&database).await;
            bookings.turn_to_a_fresh_room();
            let before = Books::of(&database, &sql).await;
            let service =
                Service::start(&rig.binary, database.url(), variant.replicas, &variant.arguments);
            let service = service.await;
            let load = Load { clients: CLIENTS, duration: rig.duration(), expected: 201 };
            let slice = Slice::run(&service, Some(postmaster), load, &bookings.requests()).await;
            service.stop().await;
            let written = Books::of(&database, &sql).await.since(before);
            rig.failures.extend(written.compare(&slice, &row.work));
            rig.failures.extend(slice.unwell(&row.work));
            row.slices.push(slice);
        }
    }
    rig.audit(&database, "hot").await;
    let mut notes = vec![BALANCE.to_owned()];
    if lanes.len() == 1 {
        notes.push(NO_LANES.to_owned());
    }
    let title = format!("PostgreSQL: bookings of one room, {CLIENTS} clients");
    report::tables(&title, &rows, &notes)
}

/// Said below the table; a run in which it does not hold fails.
pub const BALANCE: &str = "In every slice the answers 201, the room's steps in version and in \
                           `times_booked`, and its new rows are equal in number.";

/// What the rows say of all hot rooms together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    versions: i64,
    times_booked: i64,
    bookings: i64,
}

impl Books {
    /// As the rows are now.
    pub async fn of(database: &Database, sql: &Sql) -> Self {
        let rooms = rooms::bounds(sql, rooms::HOT_ROOMS);
        let sum =
            |column| format!("SELECT CAST(SUM({column}) AS bigint) FROM rooms WHERE id {rooms}");
        let bookings = format!("SELECT COUNT(*) FROM bookings WHERE room_id {rooms}");
        Self {
            versions: database.count(&sum("version")).await,
            times_booked: database.count(&sum("times_booked")).await,
            bookings: database.count(&bookings).await,
        }
    }

    /// What was added since.
    pub fn since(self, before: Self) -> Self {
        Self {
            versions: self.versions - before.versions,
            times_booked: self.times_booked - before.times_booked,
            bookings: self.bookings - before.bookings,
        }
    }

    /// What is wrong with these, after the answers of a slice; nothing when they agree. An answer
    /// that leaves the outcome open may or may not have written.
    pub fn compare(self, slice: &Slice, work: &str) -> Option<String> {
        let told = i64::try_from(slice.count(201)).expect("not that many");
        let open = i64::try_from(slice.answers.open() + slice.warm_up.open()).expect("few");
        let agree = self.versions == self.bookings && self.times_booked == self.bookings;
        let counted = (told..=told + open).contains(&self.bookings);
        (!agree || !counted).then(|| format!("{work}: {told} × 201, {open} open, but {self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::load::Answers;

    #[test]
    fn books_that_do_not_balance_are_told() {
        let answers = |status, count| Answers {
            by_status: BTreeMap::from([(201, 3), (status, count)]),
            ..Answers::default()
        };
        let slice = |answers| Slice {
            rate: 1.0,
            answers,
            warm_up: Answers::default(),
            service_ms: 1.0,
            database_ms: None,
            client_ms: 1.0,
            peak_mib: 1.0,
        };
        let books = |versions, times_booked, bookings| Books { versions, times_booked, bookings };
        let sure = slice(answers(409, 9));
        assert_eq!(books(3, 3, 3).compare(&sure, "w"), None);
        for wrong in [books(4, 3, 3), books(3, 2, 3), books(3, 3, 2), books(4, 4, 4)] {
            assert!(wrong.compare(&sure, "w").is_some(), "{wrong:?}");
        }
        let open = slice(answers(504, 1));
        assert_eq!(books(4, 4, 4).compare(&open, "w"), None);
        assert!(books(5, 5, 5).compare(&open, "w").is_some());
    }
}
