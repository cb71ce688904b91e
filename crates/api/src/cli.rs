//! What the program does: `serve`, `migrate`, `audit`, `openapi`, `healthcheck`. Whatever goes wrong
//! ends in one line on standard error and a status other than 0.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use vacancy_persistence::{SchemaState, Store, StoreOptions};

use crate::app::{App, Settings, routes};
use crate::config::{Command, Config, LogFormat, ServeConfig};
use crate::server::{self, Limits};
use crate::{demo, healthcheck, openapi, sweeper, telemetry};

/// How long a statement of `audit` may run: it reads everything.
const AUDIT_TIMEOUT: Duration = Duration::from_mins(10);
/// From the signal to the closing of the database, at most. The process promises to end within ten
/// seconds, and what is left of them is for ending.
const STOP_DEADLINE: Duration = Duration::from_millis(9_500);

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
    ended.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &anyhow::Error) -> ExitCode {
    let line = one_line(error);
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "vacancy: {line}");
    ExitCode::FAILURE
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
    match config.command {
        Command::Openapi => {
            let document = openapi::document(routes().into_openapi());
            say(&document.to_pretty_json()?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Healthcheck => {
            healthcheck::check(config.serve.listen).await.map_err(anyhow::Error::msg)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Audit { json } => audit(&config, json).await,
        Command::Migrate => {
            let store = connect(&config, true, AUDIT_TIMEOUT).await?;
            migrate(&store).await?;
            store.close().await;
            say("the database is up to date")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve => serve(&config).await,
    }
}

async fn connect(config: &Config, exclusive: bool, timeout: Duration) -> anyhow::Result<Store> {
    let options = StoreOptions {
        url: config.database.url.as_str().to_owned(),
        connections: config.database.connections,
        statement_timeout: timeout,
        exclusive,
    };
    Ok(Store::connect(&options).await?)
}

/// Brings the tables up to date, unless a newer release has been here.
async fn migrate(store: &Store) -> anyhow::Result<()> {
    if let SchemaState::Behind(_) = known_schema(store).await? {
        store.migrate().await.context("the migration failed")?;
    }
    Ok(())
}

async fn known_schema(store: &Store) -> anyhow::Result<SchemaState> {
    let state = store.schema_state().await.context("cannot read the state of the tables")?;
    if let SchemaState::Newer(step) = &state {
        bail!(
            "the database has migration {step}, which this release does not know: a newer one has \
             upgraded it; run that one"
        );
    }
    Ok(state)
}

async fn audit(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let store = connect(config, false, AUDIT_TIMEOUT).await?;
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

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let ServeConfig { listen, .. } = config.serve;
    // Before the database: a port in use must not migrate anything.
    let listener = TcpListener::bind(listen).await;
    let listener = listener.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.local_addr()?;
    let store = connect(config, true, config.serve.request_timeout).await?;
    if config.serve.migrate {
        migrate(&store).await?;
    } else if let SchemaState::Behind(steps) = known_schema(&store).await? {
        bail!("migrations missing: {steps}; run vacancy migrate, or serve with --migrate=yes");
    }
    if config.serve.demo && !demo::load(&store).await? {
        tracing::info!("the database has hotels, so --demo adds nothing");
    }
    let app = App::new(store, Settings::from(&config.serve));
    let stopping = app.stopping.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("asked to stop");
        stopping.cancel();
    });
    greet(address, config.log.format)?;
    run_until_stopped(&app, listener, config.serve.sweep_interval).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until `app.stopping` is cancelled; then finishes what runs and closes the database, in ten
/// seconds at most.
pub async fn run_until_stopped(
    app: &App,
    listener: TcpListener,
    sweep_interval: Option<Duration>,
) -> anyhow::Result<()> {
    if let Some(interval) = sweep_interval {
        app.tasks.spawn(sweeper::run(app.clone(), interval));
    }
    app.metrics.spawn_upkeep();
    let limits = Limits { drain_deadline: STOP_DEADLINE.mul_f64(0.8), ..Limits::default() };
    let asked = app.stopping.clone();
    let asked_at = tokio::spawn(async move {
        asked.cancelled().await;
        tokio::time::Instant::now()
    });
    let served = server::serve(listener, app.router(), app.stopping.clone(), limits).await;
    app.stopping.cancel();
    let deadline = asked_at.await? + STOP_DEADLINE;
    app.tasks.close();
    let finished = async {
        app.tasks.wait().await;
        app.store.close().await;
    };
    if tokio::time::timeout_at(deadline, finished).await.is_err() {
        tracing::warn!("stopped with work unfinished; its clients were told the outcome is open");
    }
    served.context("cannot accept connections any more")
}

impl From<&ServeConfig> for Settings {
    fn from(config: &ServeConfig) -> Self {
        Self {
            retry: config.retry,
            request_timeout: config.request_timeout,
            key_time_to_live: config.idempotency_ttl,
        }
    }
}

/// Says where it listens and what to try.
fn greet(address: SocketAddr, format: LogFormat) -> anyhow::Result<()> {
    if format == LogFormat::Json {
        // Whoever collects it reads one document a line.
        let line = serde_json::json!({ "message": format!("vacancy listens on http://{address}") });
        return say(&line.to_string());
    }
    say(&format!(
        "vacancy listens on http://{address}\n\
         \n  the API, to browse   http://{address}/docs\
         \n  metrics              http://{address}/metrics\
         \n  a first hotel        curl -s http://{address}/v1/hotels -H 'Content-Type: application/json' \
         -d '{{\"name\":\"Rialto\",\"city\":\"Venice\",\"time_zone\":\"Europe/Rome\"}}'\
         \n  rooms to book        start with --demo, then curl -s 'http://{address}/v1/rooms?limit=3'\n"
    ))
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush().context("cannot write to standard output")
}
