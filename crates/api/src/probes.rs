//! What orchestrators and Prometheus ask for: `/livez`, `/readyz`, `/metrics`.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use vacancy_persistence::SchemaState;

use crate::app::App;
use crate::http::problem::Problem;
use crate::metrics;

/// How long `/readyz` asks the database: probes give up after a second or two.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// `GET /livez`: 200 as long as the process answers at all.
pub async fn livez() -> Response {
    status("alive")
}

/// `GET /readyz`: 200 while requests should come here: the database answers and has our tables, and no stop has
/// been asked for.
pub async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::unavailable("the process is stopping"));
    }
    let store = app.store.clone();
    let asking = app.read(async move { store.schema_state().await });
    let asked = tokio::time::timeout(READY_TIMEOUT, asking).await;
    let asked = asked.map_err(|_| Problem::unavailable("the database is slow to answer"))?;
    match asked? {
        // A newer release migrates first; this one can live with what it added.
        SchemaState::Current | SchemaState::Newer(_) => Ok(status("ready")),
        SchemaState::Behind(steps) => {
            Err(Problem::unavailable(format!("migrations missing: {steps}")))
        }
    }
}

fn status(status: &str) -> Response {
    axum::Json(serde_json::json!({ "status": status })).into_response()
}

/// `GET /metrics`: the counters of this process, in the text format of Prometheus.
pub async fn metrics(State(app): State<App>) -> Response {
    let text = app.metrics.render(app.store.pool_use());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
