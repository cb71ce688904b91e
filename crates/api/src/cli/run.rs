//! The commands, and how the program ends.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use vacancy_persistence::SchemaState;

use super::database::{connect, known_schema, migrate};
use super::keys::keys;
use super::output::{NotRead, say};
use super::serve::serve;
use super::signals::Stop;
use crate::config::{Command, Config, ConfigError, OpenapiVersion};
use crate::openapi::version_3_0;
use crate::{healthcheck, router, telemetry};

/// How long a statement of `audit` may run: it reads everything.
const AUDIT_TIMEOUT: Duration = Duration::from_mins(10);
/// Does what `config` says, and tells how it ended.
#[must_use]
pub fn run(config: Config) -> ExitCode {
    if matches!(config.command, Command::Serve | Command::Migrate)
        && let Err(error) = telemetry::init(&config.log)
    {
        return fail(&anyhow::Error::msg(error));
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let ended = runtime.block_on(command(config));
    // What is left by now is work whose deadline has passed.
    runtime.shutdown_background();
    let ended = ended.unwrap_or_else(|error| fail(&error));
    telemetry::end();
    ended
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if error.is::<NotRead>() {
        return NotRead::STATUS.into();
    }
    telemetry::last_line(&one_line(error));
    // Options that do not fit what they were given for are found out late, and end as those that do
    // not read.
    if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// An error with its causes, of which many of the driver's repeat what they are caused by.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line += if line.is_empty() { "" } else { ": " };
            line += &cause;
        }
    }
    line.replace('\n', " ")
}

async fn command(config: Config) -> anyhow::Result<ExitCode> {
    let stop = Stop::on_signals()?;
    match config.command {
        Command::Serve => serve(&config, &stop).await,
        // What is given up before it has committed is undone.
        Command::Openapi { .. }
        | Command::Healthcheck
        | Command::Audit { .. }
        | Command::Keys { .. }
        | Command::Migrate => {
            tokio::select! {
                ended = one_shot(&config) => ended,
                () = stop.asked().cancelled() => Ok(stop.status().into()),
            }
        }
    }
}

/// Does one thing and ends.
async fn one_shot(config: &Config) -> anyhow::Result<ExitCode> {
    match &config.command {
        Command::Openapi { version } => {
            let document = match version {
                OpenapiVersion::V3_1 => router::description(),
                OpenapiVersion::V3_0 => version_3_0::rewritten(router::description()),
            };
            say(&serde_json::to_string_pretty(&document)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Healthcheck => {
            healthcheck::check(config.http.listen.as_str()).await.map_err(anyhow::Error::msg)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Audit { json } => audit(config, *json).await,
        Command::Keys { command } => keys(config, command).await,
        Command::Migrate => {
            let store = connect(&config.database, true, AUDIT_TIMEOUT).await?;
            migrate(&store).await?;
            store.close().await;
            say("the database is up to date")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve => bail!("this command does not end by itself"),
    }
}

async fn audit(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let store = connect(&config.database, false, AUDIT_TIMEOUT).await?;
    if let SchemaState::Behind(steps) = known_schema(&store).await? {
        bail!("migrations missing: {steps}; run vacancy migrate first");
    }
    let violations = store.audit().await.context("the audit could not be completed")?;
    store.close().await;
    if json {
        let report = serde_json::json!({ "ok": violations.is_empty(), "violations": violations });
        say(&report.to_string())?;
    } else if violations.is_empty() {
        say("audit: every rule holds")?;
    } else {
        say(&violations.join("\n"))?;
    }
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
