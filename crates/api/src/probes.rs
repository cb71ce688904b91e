//! What orchestrators and Prometheus ask for: `/livez`, `/readyz`, `/metrics`.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use vacancy_persistence::Readiness;

use crate::app::App;
use crate::http::problem::Problem;
use crate::metrics;

/// How long `/readyz` asks the database: probes give up after a second or two.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// `GET /livez`: 200 as long as the process answers at all.
pub async fn livez() -> Response {
    status("alive")
}

/// `GET /readyz`: 200 while requests should come here: the database can be written and has
/// our tables, and no stop has been asked for.
pub async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    if app.stopping.is_cancelled() {
        return Err(Problem::unavailable("the process is stopping"));
    }
    let store = app.store.clone();
    let asking = app.read(async move { store.readiness().await });
    let asked = tokio::time::timeout(READY_TIMEOUT, asking).await;
    let asked = asked.map_err(|_| Problem::unavailable("the database is slow to answer"))?;
    match asked? {
        Readiness::Ready => Ok(status("ready")),
        Readiness::CannotWrite(why) => Err(Problem::unavailable(why)),
        Readiness::MigrationsMissing(steps) => {
            Err(Problem::unavailable(format!("migrations missing: {steps}")))
        }
    }
}

fn status(status: &str) -> Response {
    axum::Json(serde_json::json!({ "status": status })).into_response()
}

/// `GET /metrics`: the counters of this process, in the text format of Prometheus.
pub async fn metrics(State(app): State<App>) -> Response {
    for (issuer, seconds) in app.guard.tokens().into_iter().flat_map(|tokens| tokens.ages()) {
        app.metrics.jwks_age(issuer, seconds);
    }
    let text = app.metrics.render(app.store.pool_use(), app.lanes.waiting());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
