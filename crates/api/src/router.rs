//! The map: every path, its operation, its layers.

use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::layers;
use crate::http::problem::Problem;
use crate::{bookings, docs, hotels, openapi, probes, rooms};

/// Everything that is answered.
pub fn router(app: &App) -> Router {
    let (operations, described) = operations().split_for_parts();
    let router = layers::with_permits(operations, app)
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
        .route("/", get(docs::home))
        .route("/openapi.json", docs::openapi(&openapi::document(described)))
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::page))
        .route("/docs/{*file}", get(docs::asset))
        .route("/problems/{code}", get(docs::problem))
        .fallback(|| async { Problem::NotFound("path") })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed });
    layers::around_everything(router, app).with_state(app.clone())
}

/// Every operation of the API, with its description.
fn operations() -> OpenApiRouter<App> {
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

/// What the operations say of themselves, as one document.
#[must_use]
pub fn description() -> OpenApi {
    openapi::document(operations().into_openapi())
}

#[cfg(test)]
mod tests;
