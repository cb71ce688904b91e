//! One room read on PostgreSQL, beside its row selected; and what HTTP costs without a database.

use std::sync::Arc;

use vacancy_testkit::database::Kind;

use crate::load::Next;
use crate::pgbench::Pgbench;
use crate::reference;
use crate::report::{self, Row};
use crate::requests::{self, Dice};
use crate::rig::{ROOMS, Rig};
use crate::rooms;
use crate::service::Service;
use crate::slice::{Load, Reference, Slice};
use crate::sql::id;

const CLIENTS: usize = 16;

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, sql) = rig.database_with_rooms(Kind::Postgres).await;
    let postmaster = rig.server.pid();
    let dice = Dice::default();
    let room: Next = Arc::new(move |buffer| {
        let room = id(rooms::ROOMS, dice.roll(ROOMS as u64));
        requests::get(buffer, &format!("/v1/rooms/{room}"));
        true
    });
    let alive: Next = Arc::new(|buffer| {
        requests::get(buffer, "/livez");
        true
    });
    let mut rows = [Row::new("`GET /v1/rooms/{id}`"), Row::new("`GET /livez`")];
    let script = reference::read(&sql);
    for round in 1..=rig.options.rounds {
        rig.progress(&format!("one room read, round {round}"));
        let pgbench = Pgbench {
            script: &script,
            clients: CLIENTS,
            seconds: rig.options.seconds,
            variables: &[("rooms", ROOMS)],
        };
        rows[0].references.push(Reference::pgbench(pgbench, database.url(), postmaster).await);
        let service = Service::start(&rig.binary, database.url(), 1, &[]).await;
        let load = Load { clients: CLIENTS, duration: rig.duration(), expected: 200 };
        for (row, requests) in rows.iter_mut().zip([&room, &alive]) {
            let slice = Slice::run(&service, Some(postmaster), load, requests).await;
            rig.failures.extend(slice.unwell(&row.work));
            row.slices.push(slice);
        }
        service.stop().await;
    }
    report::tables(&format!("PostgreSQL: one room read, {CLIENTS} clients"), &rows, &[])
}
