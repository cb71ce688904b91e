//! What the service does beside what its database could do without it. `scripts/bench` builds and
//! runs it; `docs/performance.md` explains the report.

#![allow(clippy::print_stdout, reason = "a report on standard output is what it is for")]
#![allow(clippy::disallowed_methods, reason = "it measures time")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts, rates and times of a run, all far below 2^52"
)]

mod load;
mod machine;
mod open_loop;
mod options;
mod parts;
mod pgbench;
mod proc;
mod reference;
mod report;
mod requests;
mod rig;
mod rooms;
mod service;
mod slice;
mod sql;
mod stats;

use std::process::ExitCode;

use sea_orm::sqlx::{self, Connection, PgConnection};

use options::{Options, Part};
use rig::Rig;

// One thread, so that the client takes no more than one of the cores that it shares.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse(std::env::args().skip(1));
    let ran = match options {
        Ok(options) => run(options).await,
        Err(wrong) => Err(wrong),
    };
    match ran {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            eprintln!("bench: what must hold did not:\n{}", failures.join("\n"));
            ExitCode::FAILURE
        }
        Err(wrong) => {
            eprintln!("bench: {wrong}");
            ExitCode::from(2)
        }
    }
}

/// Measures what was asked for and reports. Returns what did not hold.
async fn run(options: Options) -> Result<Vec<String>, String> {
    let mut rig = Rig::new(options).await?;
    let mut sections = vec![head(&rig).await];
    for part in rig.options.parts.clone() {
        sections.push(match part {
            Part::Idle => parts::idle::run(&rig).await,
            Part::Trips => parts::trips::run(&mut rig).await,
            Part::Uniform => parts::uniform::run(&mut rig).await,
            Part::Hot => parts::hot::run(&mut rig).await,
            Part::Read => parts::read::run(&mut rig).await,
            Part::Sqlite => parts::sqlite::run(&mut rig).await,
            Part::Keyed => parts::keyed::run(&mut rig).await,
            Part::Overload => parts::overload::run(&mut rig).await,
            Part::Growth => parts::growth::run(&mut rig).await,
        });
    }
    let failures = &rig.failures;
    sections.push(if failures.is_empty() {
        "Every audit after these runs found every rule kept.\n".to_owned()
    } else {
        format!("**What must hold did not:** {}\n", failures.join("; "))
    });
    let report = sections.join("\n");
    println!("{report}");
    if let Some(file) = &rig.options.out {
        std::fs::write(file, &report).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let Some(document) = &rig.options.write {
        report::put_into(document, &report);
    }
    Ok(rig.failures)
}

/// The machine, the release and how it was measured.
async fn head(rig: &Rig) -> String {
    let connection = PgConnection::connect(&rig.server.url("postgres")).await;
    let mut connection = connection.expect("the server was started for us");
    let version = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await;
    let version: String = version.expect("it tells its version");
    let (release, _) = service::command(&rig.binary, &["--version"]).await;
    format!(
        "{} {release}, {} rounds of {} s, on {}.\n",
        machine::describe(version.split(' ').next().unwrap_or_default()),
        rig.options.rounds,
        rig.options.seconds,
        requests::today(),
    )
}
