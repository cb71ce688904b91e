//! What surrounds a request, one layer a file.

mod beyond_limit;
mod bodies;
mod guard;
mod head;
mod log;
mod metrics;
mod overload;
mod panics;
mod permits;
mod prefix;
mod problems;
mod request_id;
mod route;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::auth::table::Table;
use crate::http::arrival::Bodies;

/// Puts every route, and the answer to a path that is none, inside of these layers, the outermost
/// first. The log and the metrics see the answer as it leaves; they need the id that comes before
/// them and the problem that the layer behind them leaves in the response.
pub fn around_everything(router: Router<App>, app: &App, bodies: &Bodies) -> Router<App> {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn(request_id::name))
            .layer(from_fn(log::write))
            .layer(from_fn_with_state(app.metrics.clone(), metrics::count))
            .layer(from_fn(problems::write))
            .layer(from_fn_with_state(app.clone(), prefix::read))
            .layer(from_fn(beyond_limit::refuse))
            .layer(from_fn(head::limit))
            .layer(CatchPanicLayer::custom(panics::answer))
            .layer(from_fn_with_state((app.clone(), bodies.clone()), overload::shed)),
    )
}

/// Puts these routes, inside of what surrounds everything, behind the check of credentials.
pub fn behind_guard(router: Router<App>, app: &App, table: Table) -> Router<App> {
    let guarded = guard::Guarded { app: app.clone(), table: Arc::new(table) };
    router.route_layer(from_fn_with_state(guarded, guard::admit))
}

/// Puts these routes, inside of what surrounds everything, behind the limit on requests at work, which
/// are those whose body has arrived.
pub fn with_permits(router: Router<App>, app: &App, bodies: &Bodies) -> Router<App> {
    router.route_layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(bodies.clone(), bodies::await_arrival))
            .layer(from_fn_with_state(app.clone(), permits::limit)),
    )
}
