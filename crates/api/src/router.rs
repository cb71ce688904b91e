//! The map: every path, its operation, its layers.

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::about::About;
use crate::app::App;
use crate::auth::table::Table;
use crate::http::arrival::Bodies;
use crate::http::layers;
use crate::http::problem::Problem;
use crate::{bookings, docs, hotels, keys, openapi, probes, rooms};

/// Everything that is answered.
pub fn router(app: &App) -> Router {
    let (operations, described) = operations().split_for_parts();
    let document = openapi::document(described, OPERATIONS);
    let table = Table::new(&document, OPERATIONS);
    let bodies = Bodies::default();
    let guarded = layers::with_permits(operations, app, &bodies);
    let guarded = guarded.route("/metrics", get(probes::metrics));
    let router = layers::behind_guard(guarded, app, table)
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/", get(docs::home))
        .route("/openapi.json", docs::openapi(&document))
        .route("/docs", get(docs::page))
        .route("/docs/", get(docs::page))
        .route("/docs/{*file}", get(docs::asset))
        .route("/problems/{code}", get(docs::problem))
        .fallback(|| async { Problem::NotFound("path") })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed });
    layers::around_everything(router, app, &bodies).with_state(app.clone())
}

/// Every operation of the API, with its description.
fn operations() -> OpenApiRouter<App> {
    use bookings::{auto_book, book, cancel, confirm, edit_booking};
    use hotels::{create_hotel, delete_hotel, edit_hotel};
    use rooms::{availability, create_room, delete_room, edit_room, events};

    OpenApiRouter::with_openapi(OpenApi::default())
        .routes(routes!(hotels::list::list, create_hotel::create))
        .routes(routes!(
            hotels::show::show,
            edit_hotel::put,
            edit_hotel::patch,
            delete_hotel::delete
        ))
        .routes(routes!(create_room::create))
        .routes(routes!(auto_book::auto_book))
        .routes(routes!(rooms::list::list))
        .routes(routes!(rooms::show::show, edit_room::put, edit_room::patch, delete_room::delete))
        .routes(routes!(availability::availability))
        .routes(routes!(rooms::bookings::bookings, book::book))
        .routes(routes!(events::events))
        .routes(routes!(bookings::list::list))
        .routes(routes!(bookings::show::show, edit_booking::patch))
        .routes(routes!(confirm::confirm))
        .routes(routes!(cancel::cancel))
        .routes(routes!(bookings::erase::erase))
        .routes(routes!(keys::list::list, keys::create_key::create))
        .routes(routes!(keys::show::show, keys::edit_key::patch, keys::revoke_key::revoke))
        .routes(routes!(keys::me::me))
}

/// What each operation is.
pub const OPERATIONS: &[About] = &[
    hotels::list::ABOUT,
    hotels::create_hotel::ABOUT,
    hotels::show::ABOUT,
    hotels::edit_hotel::REPLACE,
    hotels::edit_hotel::MERGE,
    hotels::delete_hotel::ABOUT,
    rooms::create_room::ABOUT,
    bookings::auto_book::ABOUT,
    rooms::list::ABOUT,
    rooms::show::ABOUT,
    rooms::edit_room::REPLACE,
    rooms::edit_room::MERGE,
    rooms::delete_room::ABOUT,
    rooms::availability::ABOUT,
    rooms::bookings::ABOUT,
    bookings::book::ABOUT,
    rooms::events::ABOUT,
    bookings::list::ABOUT,
    bookings::show::ABOUT,
    bookings::edit_booking::ABOUT,
    bookings::confirm::ABOUT,
    bookings::cancel::ABOUT,
    bookings::erase::ABOUT,
    keys::list::ABOUT,
    keys::create_key::ABOUT,
    keys::show::ABOUT,
    keys::edit_key::ABOUT,
    keys::revoke_key::ABOUT,
    keys::me::ABOUT,
];

/// What the operations say of themselves, as one document.
#[must_use]
pub fn description() -> Value {
    openapi::document(operations().into_openapi(), OPERATIONS)
}

#[cfg(test)]
mod tests;
