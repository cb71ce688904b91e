//! The service from its start to its end.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use vacancy_domain::Zones;
use vacancy_persistence::{SchemaState, Store};

use super::database::{connect, known_schema, migrate};
use super::letting_in;
use super::output::say;
use super::signals::Stop;
use crate::app::{App, Settings};
use crate::auth::guard::GuardOptions;
use crate::config::{Config, LogFormat};
use crate::server::{self, Limits};
use crate::{demo, router, sweeper, zoneinfo};

/// From the signal to the closing of the database, at most. The process promises to end within ten
/// seconds, and what is left of them is for ending.
const STOP_DEADLINE: Duration = Duration::from_millis(9_500);
/// How many connections the kernel may have accepted before the service takes them.
const BACKLOG: u32 = 1_024;

/// Serves until a signal asks for a stop. One that comes before the service is ready ends it at once.
pub(super) async fn serve(config: &Config, stop: &Stop) -> anyhow::Result<ExitCode> {
    let listen = config.http.listen.as_str();
    let cannot_listen = || format!("cannot listen on {listen}");
    // Before the database: a port in use must not migrate anything. But connections are taken only
    // when they can be answered; until then they are refused, which balancers understand.
    let socket = bind(listen).await.with_context(cannot_listen)?;
    let bound = socket.local_addr()?;
    let guard = letting_in::guard(&config.auth, bound)?;
    let found = zoneinfo::Found::at(&config.zoneinfo)?;
    let store = tokio::select! {
        store = open(config, &guard, found.zones.clone()) => store?,
        () = stop.asked().cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let listener = socket.listen(BACKLOG).with_context(cannot_listen)?;
    let address = listener.local_addr()?;
    letting_in::warn_if_open(&guard, address);
    found.tell();
    let app = App::guarded(store, Settings::from(config), guard);
    let (asked, stopping) = (stop.asked().clone(), app.stopping.clone());
    tokio::spawn(async move {
        asked.cancelled().await;
        stopping.cancel();
    });
    greet(address, config.log.format, config.serve.demo);
    let sweep_interval = config.serve.sweeps_every();
    run_within(&app, listener, sweep_interval, limits(config)).await?;
    Ok(ExitCode::SUCCESS)
}

/// The first of the name's addresses that is free.
async fn bind(listen: &str) -> io::Result<TcpSocket> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(listen).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // The connections of a process that has just ended must not keep the port from the next.
        socket.set_reuseaddr(true)?;
        match socket.bind(address) {
            Ok(()) => return Ok(socket),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// The database, with its tables up to date.
async fn open(config: &Config, guard: &GuardOptions, zones: Zones) -> anyhow::Result<Store> {
    let store = connect(&config.database, true, config.serve.request_timeout).await?;
    let store = store.with_zones(zones);
    if config.serve.migrate {
        migrate(&store).await?;
    } else if let SchemaState::Behind(steps) = known_schema(&store).await? {
        bail!("migrations missing: {steps}; run vacancy migrate, or serve with --migrate=yes");
    }
    letting_in::check_any_key(guard, &store).await?;
    if config.serve.demo {
        if demo::load(&store).await? {
            tracing::info!("--demo has loaded {}", demo::told());
        } else {
            tracing::info!("the database has hotels, so --demo adds nothing");
        }
    }
    Ok(store)
}

/// What clients may use, within what the operating system allows this process.
fn limits(config: &Config) -> Limits {
    let descriptors = server::raise_descriptors();
    let limits = Limits::default();
    let connections_max = server::connections_for(
        limits.connections_max,
        descriptors,
        config.database.connections,
        limits.probe_connections_max,
    );
    tracing::info!(descriptors, connections_max, "limits of this process");
    Limits { connections_max, idle_timeout: config.http.keep_alive_timeout, ..limits }
}

/// Serves with the default limits until `app.stopping` is cancelled; then finishes what runs and
/// closes the database, in ten seconds at most.
pub async fn run_until_stopped(
    app: &App,
    listener: TcpListener,
    sweep_interval: Option<Duration>,
) -> anyhow::Result<()> {
    run_within(app, listener, sweep_interval, Limits::default()).await
}

async fn run_within(
    app: &App,
    listener: TcpListener,
    sweep_interval: Option<Duration>,
    limits: Limits,
) -> anyhow::Result<()> {
    if let Some(interval) = sweep_interval {
        app.tasks.spawn(sweeper::run(app.clone(), interval));
    }
    if let Some(tokens) = app.guard.tokens().cloned() {
        let (metrics, stopping) = (app.metrics.clone(), app.stopping.clone());
        app.tasks.spawn(async move {
            stopping.run_until_cancelled(tokens.keep_fresh(&metrics)).await;
        });
    }
    app.metrics.spawn_upkeep();
    let limits = Limits { drain_deadline: STOP_DEADLINE.mul_f64(0.8), ..limits };
    let asked = app.stopping.clone();
    let asked_at = tokio::spawn(async move {
        asked.cancelled().await;
        tokio::time::Instant::now()
    });
    let served = server::serve(listener, router::router(app), app.stopping.clone(), limits).await;
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

impl From<&Config> for Settings {
    fn from(Config { serve, http, .. }: &Config) -> Self {
        Self {
            retry: serve.retry,
            request_timeout: serve.request_timeout,
            key_time_to_live: serve.idempotency_ttl,
            room_lanes: serve.room_lanes,
            forwarded_prefix: http.forwarded_prefix,
            guest_retention_days: serve.forgets_guests_after(),
        }
    }
}

/// Says where it listens and what to try. A standard output that cannot be written, or is not
/// read, keeps no request from its answer.
fn greet(address: SocketAddr, format: LogFormat, demo: bool) {
    let first = if demo { "" } else { "start with --demo, then " };
    let text = match format {
        // A log collector reads one document a line.
        LogFormat::Json => {
            serde_json::json!({ "message": format!("vacancy listens on http://{address}") })
                .to_string()
        }
        LogFormat::Text => format!(
            "vacancy listens on http://{address}\n\
             \n  the API, to browse   http://{address}/docs\
             \n  metrics              http://{address}/metrics\
             \n  a first hotel        curl -s http://{address}/v1/hotels \
             -H 'Content-Type: application/json' \
             -d '{{\"name\":\"Rialto\",\"city\":\"Venice\",\"time_zone\":\"Europe/Rome\"}}'\
             \n  rooms to book        {first}curl -s 'http://{address}/v1/rooms?limit=3'\n"
        ),
    };
    tokio::task::spawn_blocking(move || {
        if let Err(error) = say(&text) {
            tracing::warn!(%error, "cannot say where the service listens");
        }
    });
}
