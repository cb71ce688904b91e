//! What is done with hotels: each write as one attempt that reads, decides and commits.

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{Hotel, HotelId};

use super::body::{HotelBody, HotelView, READ_ONLY};
use crate::app::App;
use crate::http::patch::{self, Edit};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, VersionQuery};
use crate::http::reply::{self, Reply};
use crate::http::request::{Json, NoBody, WriteRequest};
use crate::metrics::Operation;
use crate::write::carry_out;

const RESOURCE: &str = "hotel";

/// Creates a hotel.
pub async fn create(
    app: &App,
    request: WriteRequest<Json<HotelBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let id = HotelId(Uuid::now_v7());
    let attributes = body.and_then(|Json(body)| body.parse());
    carry_out(app, context, Operation::EditHotel, move |writing| {
        let attributes = attributes.clone();
        async move {
            let seen = writing.hotel_snapshot(None).await?;
            writing.check_no_if_match()?;
            let decision = Hotel::create(id, attributes?, seen.now);
            let answer = |hotel: &Hotel, _| {
                let path = format!("/v1/hotels/{}", hotel.id);
                reply::created(&HotelView::from(hotel), hotel.version, path)
            };
            writing.conclude(decision, seen.now, answer).await
        }
    })
    .await
}

/// Replaces or merges what clients set of a hotel.
pub async fn edit(
    app: &App,
    id: HotelId,
    edit: Edit,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    carry_out(app, context, Operation::EditHotel, move |writing| {
        let body = body.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(id)).await?;
            let hotel = seen.hotel.ok_or(Problem::NotFound(RESOURCE))?;
            writing.check_edit(RESOURCE, id.0, hotel.version)?;
            let view = HotelView::from(&hotel);
            let body: HotelBody = patch::apply(edit, &view, READ_ONLY, &body?)?;
            let decision = hotel.edit(body.parse()?, seen.now);
            let answer = |hotel: &Hotel, _| reply::ok(&HotelView::from(hotel), hotel.version);
            writing.conclude(decision, seen.now, answer).await
        }
    })
    .await
}

/// Deletes a hotel without rooms.
pub async fn delete(
    app: &App,
    id: HotelId,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    carry_out(app, context, Operation::EditHotel, move |writing| {
        let body = body.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(id)).await?;
            let hotel = seen.hotel.ok_or(Problem::NotFound(RESOURCE))?;
            writing.check_edit(RESOURCE, id.0, hotel.version)?;
            let NoBody = body?;
            let decision = hotel.delete(seen.has_rooms);
            writing.conclude(decision, seen.now, |(), _| Ok(reply::deleted())).await
        }
    })
    .await
}
