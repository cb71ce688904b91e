//! `PATCH /v1/bookings/{booking_id}`: guest, guests, dates, room, origin, notes or the end of a hold.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use vacancy_domain::{Amendment, BookingId, Decided, Field, Guests, Invalid, RoomId, Stay, amend};

use super::fields;
use super::reference;
use super::view::{BookingView, GuestBody, MetadataBody, READ_ONLY, written};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::http::fields::FieldErrors;
use crate::http::patch::{self, Edit};
use crate::http::path::Id;
use crate::http::problem::Problem;
use crate::http::query::{self, VersionQuery};
use crate::http::reply::Reply;
use crate::http::request::WriteRequest;
use crate::metrics;
use crate::write::{Look, Nights, Operation, Ruling, Seen, Stop, Subject, Turn};

/// What it is.
pub const ABOUT: About = About { id: "edit_booking", kind: Kind::Edit, scope: Scope::Book };

/// What a client sets of a booking that exists.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingBody {
    /// Who stays.
    pub guest: GuestBody,
    /// How many people.
    #[schema(minimum = 1, example = 2)]
    pub guests: i64,
    /// The first night.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_in: String,
    /// The day after the last night.
    #[schema(value_type = chrono::NaiveDate)]
    pub check_out: String,
    /// The room.
    #[schema(value_type = uuid::Uuid)]
    pub room_id: String,
    /// The channel it came by: `[a-z0-9._-]{1,40}`.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9._-]+$")]
    pub source: Option<String>,
    /// What the source calls it; at most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub reference: Option<String>,
    /// What the client notes for itself: at most 16 members with names of 1 to 40 characters.
    #[schema(value_type = Option<MetadataBody>)]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Whether other nights, or another room, cost what they cost now (if absent), or `false`: what
    /// was agreed for a night.
    pub reprice: Option<bool>,
    /// A hold shall run at least so many seconds from now on.
    #[schema(minimum = 1, maximum = 86_400)]
    pub hold_seconds: Option<i64>,
}

impl BookingBody {
    /// Reads every field; fails with 422 and all that is wrong.
    ///
    /// `slept` is the id that the nights slept get if a guest in the house changes rooms.
    pub fn parse(&self, slept: BookingId) -> Result<(RoomId, Amendment), Problem> {
        let mut errors = FieldErrors::default();
        let stay = fields::stay(&mut errors, &self.check_in, &self.check_out);
        let guests = errors.at("/guests", Guests::new(self.guests));
        let guest = fields::guest(&mut errors, &self.guest);
        let room = query::uuid(&self.room_id).ok_or_else(|| "must be a room's id".to_owned());
        let room = errors.at("/room_id", room);
        let hold = errors.at("/hold_seconds", self.hold_seconds.map(fields::hold).transpose());
        let origin = fields::origin(&mut errors, self.source.as_deref(), self.reference.as_deref());
        let metadata = fields::metadata(&mut errors, self.metadata.clone());
        let reprice = self.reprice.unwrap_or(true);
        let amended = || {
            let (guest, guests, stay) = (guest?, guests?, stay?);
            let (origin, metadata, hold) = (origin?, metadata?, hold?);
            let amendment =
                Amendment { guest, guests, stay, origin, metadata, reprice, hold, slept };
            Some((RoomId(room?), amendment))
        };
        Ok(errors.finish(amended())?)
    }
}

/// Edits guest, guests, dates, room, source, reference or metadata, or prolongs a hold (RFC 7396). Of a guest in the house who
/// changes rooms, the nights slept stay where they were, as a booking of their own that `continues`
/// names. Needs `If-Match` or `?version=`.
#[utoipa::path(
    patch, operation_id = "edit_booking", path = "/v1/bookings/{booking_id}", tag = "bookings",
    params(("booking_id" = Uuid, Path), VersionQuery),
    request_body(content = ref("#/components/schemas/BookingPatch"), content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The booking", body = BookingView))
)]
pub async fn patch(
    State(app): State<App>,
    Id(id): Id,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, mut body, .. } = request;
    if let Ok(Value::Object(fields)) = &mut body {
        // Answers to writes tell it; there is nothing to compare it with.
        fields.remove("attempts");
    }
    let slept = BookingId(Uuid::now_v7());
    reference::write(&app, context, EditBooking { id: BookingId(id), slept, body }).await
}

/// Edits a booking's particulars; new dates or another room run the whole decision again.
#[derive(Debug)]
struct EditBooking {
    id: BookingId,
    /// What the nights slept are called if a guest in the house changes rooms: the same at every
    /// attempt.
    slept: BookingId,
    body: Result<Value, Problem>,
}

impl EditBooking {
    fn field(&self, name: &str) -> Option<&str> {
        self.body.as_ref().ok()?.get(name)?.as_str()
    }
}

impl Operation for EditBooking {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn counts_as(&self) -> metrics::Operation {
        metrics::Operation::EditBooking
    }

    /// What the patch may say of room and dates decides what is read; whether it says so rightly is
    /// looked at after the preconditions.
    fn looks_at(&self) -> Look {
        let day = |name| self.field(name).and_then(|raw| query::day(raw).ok());
        let (check_in, check_out) = (day("check_in"), day("check_out"));
        Look {
            booking: Some(self.id),
            target: self.field("room_id").and_then(query::uuid).map(RoomId),
            nights: Nights::OfBooking { check_in, check_out },
            alone: true,
            ..Look::default()
        }
    }

    fn subject(&self, seen: &Seen) -> Result<Subject, Problem> {
        let version = seen.booking(self.id)?.0.version;
        Ok(Subject { kind: "booking", id: self.id.0, version })
    }

    fn decide(&self, seen: &Seen, turn: &mut Turn) -> Result<Ruling, Stop> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        let (booking, home) = seen.booking(self.id)?;
        let view = BookingView::new(booking, &turn.access);
        let body: BookingBody = patch::apply(Edit::Merge, &view, READ_ONLY, body)?;
        let (room, amendment) = body.parse(self.slept)?;
        if room != booking.room || amendment.stay != booking.stay {
            turn.counts_as = metrics::Operation::Move;
        } else if amendment.hold.is_some() {
            turn.counts_as = metrics::Operation::Prolong;
        }
        let target = seen.calendar(room).ok_or_else(|| {
            let elsewhere = Invalid::new(Field::RoomId, "must be a room of the same hotel");
            Problem::ValidationFailed(vec![elsewhere.into()])
        })?;
        // Of nights that are over no room need be free.
        let guests = amendment.guests;
        let first = amendment.stay.check_in().max(target.today());
        let ahead = Stay::new(first, amendment.stay.check_out()).unwrap_or(amendment.stay);
        let decision = amend(booking, &home.room, target, amendment);
        let decided = decision.map_err(|refused| Stop::from(refused).wanting(ahead, guests))?;
        Ok(match decided {
            Decided::Changed(change, booking) => Ruling::Write(change, written(&booking, turn)?),
            Decided::Unchanged(booking) => Ruling::Unchanged(written(&booking, turn)?),
        })
    }
}
