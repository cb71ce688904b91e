//! What is done with hotels: each write as one attempt that reads, decides and commits.

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{Hotel, HotelId};

use super::body::{HotelBody, HotelView, READ_ONLY};
use crate::app::App;
use crate::http::body::{Incoming, Json, NoBody};
use crate::http::patch::{self, Edit};
use crate::http::problem::Problem;
use crate::http::query::{NoQuery, VersionQuery};
use crate::http::reply::{self, Reply};
use crate::metrics::Operation;
use crate::write::carry_out;

const KIND: &str = "hotel";

/// Creates a hotel.
pub async fn create(
    app: &App,
    request: Incoming<Json<HotelBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request.without_if_match()?;
    let id = HotelId(Uuid::now_v7());
    let attributes = body.and_then(|Json(body)| body.parse());
    carry_out(app, intent, Operation::EditHotel, move |writing| {
        let attributes = attributes.clone();
        async move {
            let seen = writing.hotel_snapshot(None).await?;
            let decision = Hotel::create(id, attributes?, seen.now);
            let answer = |hotel: &Hotel, _| {
                let path = format!("/v1/hotels/{}", hotel.id);
                reply::created(&HotelView::from(hotel), hotel.version, path)
            };
            writing.settle(decision, seen.now, answer).await
        }
    })
    .await
}

/// Replaces or merges what clients set of a hotel.
pub async fn edit(
    app: &App,
    id: HotelId,
    edit: Edit,
    request: Incoming<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request;
    carry_out(app, intent, Operation::EditHotel, move |writing| {
        let body = body.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(id)).await?;
            let hotel = seen.hotel.ok_or(Problem::NotFound(KIND))?;
            writing.check_edit(KIND, id.0, hotel.version)?;
            let view = HotelView::from(&hotel);
            let body: HotelBody = patch::apply(edit, &view, READ_ONLY, &body?)?;
            let decision = hotel.edit(body.parse()?, seen.now);
            let answer = |hotel: &Hotel, _| reply::ok(&HotelView::from(hotel), hotel.version);
            writing.settle(decision, seen.now, answer).await
        }
    })
    .await
}

/// Deletes a hotel without rooms.
pub async fn delete(
    app: &App,
    id: HotelId,
    request: Incoming<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let Incoming { intent, body, .. } = request;
    carry_out(app, intent, Operation::EditHotel, move |writing| {
        let body = body.clone();
        async move {
            let seen = writing.hotel_snapshot(Some(id)).await?;
            let hotel = seen.hotel.ok_or(Problem::NotFound(KIND))?;
            writing.check_edit(KIND, id.0, hotel.version)?;
            let NoBody = body?;
            let decision = hotel.delete(seen.has_rooms);
            writing.settle(decision, seen.now, |(), _| Ok(reply::deleted())).await
        }
    })
    .await
}
