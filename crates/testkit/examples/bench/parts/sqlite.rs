//! Bookings on SQLite, beside one thread that books with one transaction each in a file of its own.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use vacancy_testkit::database::{Database, Kind};

use crate::parts::hot::{BALANCE, Books, NO_LANES, lanes};
use crate::reference;
use crate::report::{self, Row};
use crate::requests::{Hot, Uniform};
use crate::rig::{HOT_ROOMS, ROOMS, Rig};
use crate::rooms;
use crate::service::Service;
use crate::slice::{Load, Reference, Slice};
use crate::sql::{self, Sql};

const CLIENTS: usize = 32;
const HOT_CLIENTS: usize = 64;
const SCRIPT: &str = include_str!("../sqlite_reference.py");

/// Which rooms are booked, and how.
#[derive(Clone, Copy)]
enum Work {
    Uniform { keyed: bool },
    Hot,
}

/// Measures it, and returns its section.
pub async fn run(rig: &mut Rig) -> String {
    let (database, sql) = rig.database_with_rooms(Kind::Sqlite).await;
    let (beside, _) = rig.database_with_rooms(Kind::Sqlite).await;
    let (uniform, hot) = (Uniform::new(ROOMS as u64, 0), Hot::new(HOT_ROOMS as u64));
    let lanes = lanes(rig).await;
    let row = |work: &str, clients| Row::new(format!("{work}, {clients} clients"));
    let mut rows = vec![
        row("over 10,000 rooms, without a key", CLIENTS),
        row("over 10,000 rooms, with a key", CLIENTS),
    ];
    let mut works = vec![
        (Work::Uniform { keyed: false }, Vec::new()),
        (Work::Uniform { keyed: true }, Vec::new()),
    ];
    for (name, arguments) in &lanes {
        rows.push(row(&format!("one room{name}"), HOT_CLIENTS));
        works.push((Work::Hot, arguments.clone()));
    }
    let mut slices = 0;
    for round in 1..=rig.options.rounds {
        for (row, (work, arguments)) in rows.iter_mut().zip(&works) {
            rig.progress(&format!("SQLite, round {round}, {}", row.work));
            let plan = plan(rig, &beside, &sql, *work, slices);
            row.references.push(reference(&plan).await);
            slices += 1;
            let requests = match work {
                Work::Uniform { keyed } => uniform.requests(*keyed),
                Work::Hot => hot.requests(),
            };
            hot.turn_to_a_fresh_room();
            let before = Books::of(&database, &sql).await;
            let service = Service::start(&rig.binary, database.url(), 1, arguments).await;
            let clients = if matches!(work, Work::Hot) { HOT_CLIENTS } else { CLIENTS };
            let load = Load { clients, duration: rig.duration(), expected: 201 };
            let slice = Slice::run(&service, None, load, &requests).await;
            service.stop().await;
            let written = Books::of(&database, &sql).await.since(before);
            if matches!(work, Work::Hot) {
                rig.failures.extend(written.compare(&slice, &row.work));
            }
            rig.failures.extend(slice.unwell(&row.work));
            row.slices.push(slice);
        }
    }
    rig.audit(&database, "sqlite").await;
    rig.audit(&beside, "sqlite reference").await;
    let mut notes = vec![BALANCE.to_owned()];
    if lanes.len() == 1 {
        notes.push(NO_LANES.to_owned());
    }
    report::tables("SQLite: bookings", &rows, &notes)
}

/// What the script is told.
fn plan(rig: &Rig, database: &Database, sql: &Sql, work: Work, slices: u32) -> Value {
    let (family, first_room, rooms, keyed) = match work {
        Work::Uniform { keyed } => (rooms::ROOMS, 0, ROOMS, keyed),
        Work::Hot => (rooms::REFERENCE_ROOMS, slices, 1, false),
    };
    let (read, writes) = reference::sqlite(sql, keyed);
    let prefix: String =
        sql::id(family, 0).chars().filter(char::is_ascii_hexdigit).take(20).collect();
    let file = database.url().trim_start_matches("sqlite://").split('?').next();
    json!({
        "file": file, "seconds": rig.options.seconds, "room_prefix": prefix,
        "first_room": first_room, "rooms": rooms, "first": (u64::from(slices) + 1) * 50_000,
        "read": read, "writes": writes,
    })
}

/// Runs the script. Panics when it fails.
async fn reference(plan: &Value) -> Reference {
    let mut command = tokio::process::Command::new("python3");
    command.args(["-c", SCRIPT]).stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("python3 is needed");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(plan.to_string().as_bytes()).await.expect("it reads its plan");
    drop(stdin);
    let output = child.wait_with_output().await.expect("our own child can be waited for");
    let said: Value = serde_json::from_slice(&output.stdout).expect("it says what it did");
    let number = |name: &str| said[name].as_f64().expect("a number");
    Reference { rate: number("rate"), database_ms: 1000.0 * number("cpu") / number("transactions") }
}
