//! `PUT` and `PATCH /v1/hotels/{hotel_id}`.

use axum::extract::State;
use serde_json::Value;
use vacancy_domain::{Decided, HotelId, Zones};
use vacancy_persistence::HotelSnapshot;

use super::body::HotelBody;
use super::subject;
use super::view::{HotelView, READ_ONLY, written};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::patch::{self, Edit};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::VersionQuery;
use crate::http::reply::Reply;
use crate::http::request::WriteRequest;
use crate::metrics::Operation;
use crate::write::{HotelOperation, Ruling, Stop, Subject, write_hotel};

/// What replacing is.
pub const REPLACE: About = About { id: "replace_hotel", kind: Kind::Edit, scope: Scope::Admin };
/// What merging is.
pub const MERGE: About = About { id: "edit_hotel", kind: Kind::Edit, scope: Scope::Admin };

/// Replaces what clients set of a hotel. Needs `If-Match` or `?version=`.
#[utoipa::path(
    put, operation_id = "replace_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    request_body(content = ref("#/components/schemas/HotelReplacement")),
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn put(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    edit(&app, HotelId(id), Edit::Replace, request).await
}

/// Changes what is said (RFC 7396). Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_hotel", path = "/v1/hotels/{hotel_id}", tag = "hotels",
    params(("hotel_id" = Uuid, Path), VersionQuery),
    request_body(content = ref("#/components/schemas/HotelPatch"), content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The hotel", body = HotelView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    edit(&app, HotelId(id), Edit::Merge, request).await
}

async fn edit(
    app: &App,
    id: HotelId,
    edit: Edit,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let operation = EditHotel { id, edit, body: request.body, zones: app.store.zones().clone() };
    write_hotel(app, request.context, operation).await
}

/// Replaces or merges what clients set of a hotel.
#[derive(Debug)]
struct EditHotel {
    id: HotelId,
    edit: Edit,
    body: Result<Value, Problem>,
    zones: Zones,
}

impl HotelOperation for EditHotel {
    fn about(&self) -> &'static About {
        match self.edit {
            Edit::Replace => &REPLACE,
            Edit::Merge => &MERGE,
        }
    }

    fn counts_as(&self) -> Operation {
        Operation::EditHotel
    }

    fn hotel(&self) -> Option<HotelId> {
        Some(self.id)
    }

    fn subject(&self, seen: &HotelSnapshot) -> Result<Option<Subject>, Problem> {
        subject::of(seen)
    }

    fn decide(&self, seen: &HotelSnapshot) -> Result<Ruling, Stop> {
        let hotel = seen.hotel.as_ref().ok_or(Problem::NotFound("hotel"))?;
        let body = self.body.as_ref().map_err(Clone::clone)?;
        let body: HotelBody = patch::apply(self.edit, &HotelView::from(hotel), READ_ONLY, body)?;
        Ok(match hotel.edit(body.parse(&self.zones)?, seen.now)? {
            Decided::Changed(change, hotel) => Ruling::Write(change, written(&hotel)?),
            Decided::Unchanged(hotel) => Ruling::Unchanged(written(&hotel)?),
        })
    }
}
