//! `POST /v1/hotels`.

use axum::extract::State;
use uuid::Uuid;
use vacancy_domain::{Decided, Hotel, HotelAttributes, HotelId};
use vacancy_persistence::HotelSnapshot;

use super::body::HotelBody;
use super::view::HotelView;
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::reply::{self, Reply};
use crate::http::request::{Json, WriteRequest};
use crate::metrics::Operation;
use crate::write::{HotelOperation, Ruling, Stop, Subject, write_hotel};

/// What it is.
pub const ABOUT: About = About { id: "create_hotel", kind: Kind::Create, scope: Scope::Admin };

/// Creates a hotel.
#[utoipa::path(
    post, operation_id = "create_hotel", path = "/v1/hotels", tag = "hotels",
    request_body = HotelBody,
    responses((status = 201, description = "Created", body = HotelView))
)]
pub async fn create(
    State(app): State<App>,
    request: WriteRequest<Json<HotelBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let id = HotelId(Uuid::now_v7());
    let attributes = request.body.and_then(|Json(body)| body.parse(app.store.zones()));
    write_hotel(&app, request.context, CreateHotel { id, attributes }).await
}

/// Creates a hotel.
#[derive(Debug)]
struct CreateHotel {
    /// The same at every attempt.
    id: HotelId,
    attributes: Result<HotelAttributes, Problem>,
}

impl HotelOperation for CreateHotel {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> Operation {
        Operation::EditHotel
    }

    fn hotel(&self) -> Option<HotelId> {
        None
    }

    fn subject(&self, _: &HotelSnapshot) -> Result<Option<Subject>, Problem> {
        Ok(None)
    }

    fn decide(&self, seen: &HotelSnapshot) -> Result<Ruling, Stop> {
        let attributes = self.attributes.clone()?;
        let answer = |hotel: &Hotel| {
            let path = format!("/v1/hotels/{}", hotel.id);
            reply::created(&HotelView::from(hotel), hotel.version, path)
        };
        Ok(match Hotel::create(self.id, attributes, seen.now)? {
            Decided::Changed(change, hotel) => Ruling::Write(change, answer(&hotel)?),
            Decided::Unchanged(hotel) => Ruling::Unchanged(answer(&hotel)?),
        })
    }
}
