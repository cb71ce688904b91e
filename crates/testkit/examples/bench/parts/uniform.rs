//! Bookings over many rooms on PostgreSQL, beside one read and one statement that writes the rows.

use vacancy_testkit::database::Kind;

use crate::pgbench::Pgbench;
use crate::reference;
use crate::report::{self, Row};
use crate::requests::Uniform;
use crate::rig::{ROOMS, Rig};
use crate::service::Service;
use crate::slice::{Load, Reference, Slice};
use crate::stats::grouped;

const CLIENTS: usize = 32;

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, sql) = rig.database_with_rooms(Kind::Postgres).await;
    let postmaster = rig.server.pid();
    let bookings = Uniform::new(ROOMS as u64, 0);
    let mut rows = [Row::new("without a key"), Row::new("with a key")];
    let mut slices = 0;
    for round in 1..=rig.options.rounds {
        for (row, keyed) in rows.iter_mut().zip([false, true]) {
            rig.progress(&format!("bookings over {ROOMS} rooms, round {round}, {}", row.work));
            rig.settle(&database).await;
            slices += 1;
            let pgbench = Pgbench {
                script: &reference::uniform(&sql, keyed),
                clients: CLIENTS,
                seconds: rig.options.seconds,
                variables: &[("rooms", ROOMS), ("n", slices * 10_000)],
            };
            row.references.push(Reference::pgbench(pgbench, database.url(), postmaster).await);
            rig.settle(&database).await;
            let service = Service::start(&rig.binary, database.url(), 1, &[]).await;
            let load = Load { clients: CLIENTS, duration: rig.duration(), expected: 201 };
            let requests = bookings.requests(keyed);
            let slice = Slice::run(&service, Some(postmaster), load, &requests).await;
            service.stop().await;
            rig.failures.extend(slice.unwell(&row.work));
            row.slices.push(slice);
        }
    }
    rig.audit(&database, "uniform").await;
    let title = format!("PostgreSQL: bookings over {} rooms, {CLIENTS} clients", grouped(ROOMS));
    report::tables(&title, &rows, &[])
}
