//! The application: what its handlers share, and the router as a map.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vacancy_persistence::{Readiness, Store, StoreError};

use crate::config::RetryPolicy;
use crate::http::idempotency::InFlight;
use crate::http::layers::{frame, panicked};
use crate::http::problem::{Code, Problem};
use crate::metrics::{self, Metrics};
use crate::{bookings, docs, hotels, openapi, rooms};

/// How many requests are worked on at once; more are answered 503. Each waits for the database most
/// of its time, and a queue longer than this would outlive its deadlines.
const REQUESTS_MAX: usize = 1_024;
/// How long work may go on after its deadline. What has not ended by then waits for a server that
/// does not answer any more.
const OVERTIME: Duration = Duration::from_secs(2);
/// How long `/readyz` asks the database: probes give up after a second or two.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// What the request whose handler runs here was let in with.
    static PERMIT: Option<Arc<OwnedSemaphorePermit>>;
}

/// What the handlers share. Clones are the same application.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

/// See [`App`].
#[derive(Debug)]
pub struct Shared {
    /// The database.
    pub store: Store,
    /// Everything that is counted.
    pub metrics: Arc<Metrics>,
    /// What the operator chose.
    pub settings: Settings,
    /// The idempotency keys at work here.
    pub keys: Arc<InFlight>,
    /// Work that outlives its client; a stop waits for it.
    pub tasks: TaskTracker,
    /// Cancelled when the process has been asked to stop.
    pub stopping: CancellationToken,
    permits: Arc<Semaphore>,
    openapi: Bytes,
}

/// What of the configuration the application itself needs.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How often and after which delays a lost race is decided again.
    pub retry: RetryPolicy,
    /// By when every request is answered, from the moment it has been read.
    pub request_timeout: Duration,
    /// How long a client's idempotency key is kept.
    pub key_time_to_live: Duration,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// An application on `store`, ready to be routed to.
    ///
    /// # Panics
    /// Not with the document that the routes generate; a test writes it too.
    #[must_use]
    pub fn new(store: Store, settings: Settings) -> Self {
        let openapi = openapi::document(routes().into_openapi());
        let json = openapi.to_json().expect("a document made of plain data can be written");
        Self(Arc::new(Shared {
            store,
            metrics: Arc::new(Metrics::new(&Code::conflicts())),
            settings,
            keys: Arc::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            permits: Arc::new(Semaphore::new(REQUESTS_MAX)),
            openapi: json.into(),
        }))
    }

    /// Runs a read in a task of its own, so that the driver's futures run to their end when the
    /// client goes away. Fails with 503 when it takes longer than a request may.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, Problem> {
        let mut reading = self.spawn(read);
        match tokio::time::timeout(self.settings.request_timeout, &mut reading).await {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(error)) => Err(Problem::Internal(format!("a read ended early: {error}").into())),
            Err(_) => {
                self.end_soon(reading);
                Err(Problem::Unavailable("the deadline passed during a read".into()))
            }
        }
    }

    /// Runs work that outlives its client. It keeps the request's permit until it ends, and so does
    /// what it spawns in turn: clients that hang up must not let in more work than is permitted.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let permit = PERMIT.try_with(Clone::clone).ok().flatten();
        self.tasks.spawn(PERMIT.scope(permit, work))
    }

    /// Lets work whose deadline has passed come to its end, but not for ever: a connection on which
    /// nothing comes back any more would be lost to the pool, and so would the key the work holds.
    /// Dropped work gives its connection back to the pool, which closes it if it does not answer.
    pub fn end_soon<T: Send + 'static>(&self, mut work: JoinHandle<T>) {
        self.tasks.spawn(async move {
            if tokio::time::timeout(OVERTIME, &mut work).await.is_err() {
                tracing::warn!("dropped work that the database does not answer");
                work.abort();
            }
        });
    }

    /// Runs a request's handler with a permit, of which there are as many as requests may be at work
    /// at once; fails with 503 when none is left. Probes and `/metrics` need none.
    pub async fn with_permit<T>(
        &self,
        route: &str,
        handler: impl Future<Output = T>,
    ) -> Result<T, Problem> {
        let permit = if route.starts_with("/v1/") {
            let permit = self.permits.clone().try_acquire_owned();
            let full = |_| Problem::Unavailable("too many requests at once".into());
            Some(Arc::new(permit.map_err(full)?))
        } else {
            None
        };
        Ok(PERMIT.scope(permit, handler).await)
    }

    /// The router, with everything around it.
    pub fn router(&self) -> Router {
        let (router, _) = routes().split_for_parts();
        router
            .route("/", get(|| async { Redirect::temporary("/docs") }))
            .route("/livez", get(|| async { status("alive") }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(render_metrics))
            .route("/openapi.json", get(openapi_json))
            .route("/docs", get(docs::page))
            .route("/docs/", get(docs::page))
            .route("/docs/{*file}", get(docs::asset))
            .route("/problems/{code}", get(docs::problem))
            .fallback(|| async { Problem::NotFound("path") })
            .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(self.clone(), frame))
            .with_state(self.clone())
    }
}

/// Every path of the API, with its documentation.
#[must_use]
pub fn routes() -> OpenApiRouter<App> {
    use {bookings::handlers as booking, hotels::handlers as hotel, rooms::handlers as room};

    OpenApiRouter::with_openapi(OpenApi::default())
        .routes(routes!(hotel::list, hotel::create))
        .routes(routes!(hotel::show, hotel::put, hotel::patch, hotel::delete))
        .routes(routes!(room::create))
        .routes(routes!(booking::book_any))
        .routes(routes!(room::list))
        .routes(routes!(room::show, room::put, room::patch, room::delete))
        .routes(routes!(room::availability))
        .routes(routes!(room::bookings, booking::book))
        .routes(routes!(room::events))
        .routes(routes!(booking::list))
        .routes(routes!(booking::show, booking::patch))
        .routes(routes!(booking::confirm))
        .routes(routes!(booking::cancel))
}

/// 200 while requests should come here: the database can be written and has our tables, and no stop
/// has been asked for.
async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::Unavailable("the process is stopping".into()));
    }
    let store = app.store.clone();
    let asking = app.read(async move { store.readiness().await });
    let asked = tokio::time::timeout(READY_TIMEOUT, asking).await;
    let asked = asked.map_err(|_| Problem::Unavailable("the database is slow to answer".into()))?;
    match asked? {
        Readiness::Ready => Ok(status("ready")),
        Readiness::CannotWrite(why) => Err(Problem::Unavailable(why.into())),
        Readiness::MigrationsMissing(steps) => {
            Err(Problem::Unavailable(format!("migrations missing: {steps}").into()))
        }
    }
}

fn status(status: &str) -> Response {
    axum::Json(serde_json::json!({ "status": status })).into_response()
}

async fn render_metrics(State(app): State<App>) -> Response {
    let text = app.metrics.render(app.store.pool_use());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn openapi_json(State(app): State<App>) -> Response {
    let json = HeaderValue::from_static("application/json");
    (StatusCode::OK, [(header::CONTENT_TYPE, json)], app.openapi.clone()).into_response()
}
