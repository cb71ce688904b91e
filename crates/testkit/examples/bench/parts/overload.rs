//! More bookings than can be done: one, two and three times what the service did in a closed loop
//! right before, and half of it right after, from clients that wait a second and from clients that wait
//! less.

use std::time::Duration;

use vacancy_testkit::database::Kind;

use crate::load;
use crate::open_loop::{self, Offer, Outcome};
use crate::requests::Uniform;
use crate::rig::{ROOMS, Rig};
use crate::service::Service;
use crate::stats::{median, percentile, short, with_range};

/// Clients of the closed loop.
const CLIENTS: usize = 64;
/// How long clients wait for their answers.
const PATIENCES_MS: [u64; 2] = [1_000, 300];
/// How much is offered, by the capacity; the last comes right after the one before.
const OFFERS: [f64; 4] = [1.0, 2.0, 3.0, 0.5];

/// One row of the table: the same offer in several rounds.
#[derive(Default)]
struct Row {
    goodput: Vec<f64>,
    shed: Vec<f64>,
    gave_up: Vec<f64>,
    p99_ms: Vec<f64>,
}

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let mut lines = Vec::new();
    for kind in [Kind::Postgres, Kind::Sqlite] {
        for patience_ms in PATIENCES_MS {
            let rows = measure(rig, kind, patience_ms).await;
            for (times, row) in OFFERS.iter().zip(rows) {
                lines.push(format!(
                    "| {kind:?} | {patience_ms} ms | {times} | {} | {} | {} | {} |",
                    with_range(&row.goodput),
                    short(median(&row.shed)),
                    short(median(&row.gave_up)),
                    short(median(&row.p99_ms)),
                ));
            }
        }
    }
    format!(
        "### More bookings than can be done\n\n\
         Goodput is what was created and answered within the client's patience, as a share of what {CLIENTS} clients \
         in a closed loop got right before. The offer of 0.5 follows at once on that of 3.\n\n\
         | database | patience | offered / capacity | goodput / capacity | shed, share of requests | gave up | \
         p99 of 201, ms |\n|---|---|---|---|---|---|---|\n{}\n",
        lines.join("\n")
    )
}

async fn measure(rig: &mut Rig, kind: Kind, patience_ms: u64) -> [Row; 4] {
    let (database, _) = rig.database_with_rooms(kind).await;
    let requests = Uniform::new(ROOMS as u64, 0).requests(false);
    let mut rows: [Row; 4] = Default::default();
    for round in 1..=rig.options.rounds {
        rig.progress(&format!("overload, {kind:?}, patience {patience_ms} ms, round {round}"));
        rig.settle(&database).await;
        let service = Service::start(&rig.binary, database.url(), 1, &[]).await;
        let address = service.addresses()[0];
        let mut capacity = 0.0;
        for (row, times) in rows.iter_mut().zip(OFFERS) {
            if times >= 1.0 {
                let closed = load::run(&[address], CLIENTS, rig.duration(), &requests).await;
                capacity = closed.count(201) as f64 / closed.elapsed.as_secs_f64();
            }
            let patience = Duration::from_millis(patience_ms);
            let offer = Offer { rate: capacity * times, duration: rig.duration(), patience };
            let outcome = open_loop::run(address, offer, &requests).await;
            row.add(&outcome, outcome.goodput(offer) / capacity);
        }
        service.stop().await;
    }
    rig.audit(&database, "overload").await;
    rows
}

impl Row {
    fn add(&mut self, outcome: &Outcome, goodput: f64) {
        let share = |count: u64| count as f64 / outcome.due.max(1) as f64;
        let mut latencies = outcome.latencies.clone();
        latencies.sort_unstable();
        self.goodput.push(goodput);
        self.shed.push(share(outcome.by_status.get(&503).copied().unwrap_or_default()));
        self.gave_up.push(share(outcome.gave_up));
        self.p99_ms.push(f64::from(percentile(&latencies, 99)) / 1000.0);
    }
}
