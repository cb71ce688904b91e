//! What the service needs to start and to stand still, on a SQLite file that is there already.

use std::time::{Duration, Instant};

use vacancy_testkit::database::Kind;

use crate::rig::Rig;
use crate::service::Service;
use crate::stats::with_range;

const STARTS: usize = 5;
/// After this it has done what it does once.
const SETTLED: Duration = Duration::from_secs(1);

/// Measures it, and returns its section.
pub async fn run(rig: &Rig) -> String {
    rig.progress("starting and standing still");
    let (database, _) = rig.database(Kind::Sqlite).await;
    let (mut starts, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        let service = Service::start(&rig.binary, database.url(), 1, &[]).await;
        starts.push(began.elapsed().as_secs_f64() * 1000.0);
        tokio::time::sleep(SETTLED).await;
        memory.push(service.memory_mib());
        service.stop().await;
    }
    format!(
        "### Idle\n\n| | |\n|---|---|\n| from start to ready, existing SQLite file, ms | {} |\n| resident memory a \
         second later, MiB | {} |\n",
        with_range(&starts),
        with_range(&memory),
    )
}
