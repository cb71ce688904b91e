//! What is done with bookings: each write as one attempt that reads, decides and commits.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;
use vacancy_domain::{
    Booking, BookingId, Decision, HotelId, Instant, Refusal, Room, RoomId, Text, amend, cancel,
    confirm, expire as expire_hold,
};
use vacancy_persistence::{Answer, Nights, Snapshot, SnapshotQuery};

use super::body::{AutoBookBody, BookBody, BookingBody, BookingView, READ_ONLY, Wish};
use crate::app::App;
use crate::http::patch::{self, Edit};
use crate::http::problem::Problem;
use crate::http::query::{self, NoQuery, VersionQuery};
use crate::http::reply::{self, Reply};
use crate::http::request::{Json, NoBody, WriteContext, WriteRequest};
use crate::metrics::Operation;
use crate::rooms;
use crate::write::{Stop, Writing, carry_out};

const RESOURCE: &str = "booking";

/// Books or holds a stay in a room. `If-Match` and `?version=` name the room's version.
pub async fn book(
    app: &App,
    room: RoomId,
    request: WriteRequest<Json<BookBody>, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let id = BookingId(Uuid::now_v7());
    let wish = Arc::new(body.and_then(|Json(body)| body.parse()));
    carry_out(app, context, Operation::Book, move |writing| {
        let wish = wish.clone();
        async move {
            let nights = wish.as_ref().as_ref().map_or(Nights::None, |wish| wish.stay.into());
            let calendar = rooms::read(&writing, room, nights).await?;
            writing.check_command("room", room.0, calendar.room.version)?;
            let wish = wish.as_ref().as_ref().map_err(Clone::clone)?;
            writing.is_a(wish.operation());
            let decision = calendar.book(wish.as_booking(id));
            let reply = writing.conclude(decision, calendar.now, created).await;
            match reply {
                Ok(reply) => Ok(reply),
                Err(stop) => Err(writing.with_alternatives(stop, wish.stay, wish.guests).await),
            }
        }
    })
    .await
}

/// Books or holds a stay in the least booked room of a hotel that is free for it.
pub async fn book_any(
    app: &App,
    hotel: HotelId,
    request: WriteRequest<Json<AutoBookBody>, NoQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let id = BookingId(Uuid::now_v7());
    let wish = Arc::new(body.and_then(|Json(body)| body.parse()));
    carry_out(app, context, Operation::AutoBook, move |writing| {
        let wish = wish.clone();
        async move { walk_candidates(&writing, hotel, id, wish.as_ref().as_ref()).await }
    })
    .await
}

/// Tries one room after the other, without waiting: a race lost on one says nothing about the next.
/// Only when every candidate was lost has the attempt been lost.
async fn walk_candidates(
    writing: &Arc<Writing>,
    hotel: HotelId,
    id: BookingId,
    wish: Result<&Wish, &Problem>,
) -> Result<Reply, Stop> {
    let Ok(wish) = wish else {
        // The key and the hotel come before the body.
        if writing.hotel_snapshot(Some(hotel)).await?.hotel.is_none() {
            return Err(Problem::NotFound("hotel").into());
        }
        writing.check_no_if_match()?;
        return Err(wish.map_or_else(Problem::clone, |_| Problem::NotFound("hotel")).into());
    };
    let kind = wish.kind.as_ref().map(Text::as_str);
    let seen = writing.candidates(hotel, wish.stay, wish.guests, kind).await?;
    let today = seen.today.ok_or(Problem::NotFound("hotel"))?;
    writing.check_no_if_match()?;
    // Said before anything about rooms: a stay in the past is wrong even in a full hotel.
    wish.stay.check_bookable(today).map_err(Refusal::Invalid)?;
    if seen.rooms.is_empty() {
        return Err(Refusal::NoRoomAvailable.into());
    }
    for room in seen.rooms {
        let ask = SnapshotQuery {
            room: Some(room),
            nights: wish.stay.into(),
            ..SnapshotQuery::default()
        };
        let Some(calendar) = writing.snapshot(ask).await?.calendar else { continue };
        let decision = calendar.book(wish.as_booking(id));
        match writing.conclude(decision, calendar.now, created).await {
            Err(Stop::Lost) => {}
            Err(Stop::Problem(Problem::Refused { refusal, .. })) if is_about_room(&refusal) => {}
            done => return done,
        }
    }
    Err(Stop::Lost)
}

/// Whether another room may do what this one would not.
fn is_about_room(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::RoomUnavailable { .. }
        | Refusal::RoomClosed
        | Refusal::CapacityExceeded { .. } => true,
        Refusal::Invalid(_)
        | Refusal::HoldExpired
        | Refusal::InvalidTransition { .. }
        | Refusal::RoomInUse { .. }
        | Refusal::HotelInUse
        | Refusal::NoRoomAvailable => false,
    }
}

/// A command on a booking: what the domain decides of the booking, its room and the time.
type Command = fn(&Booking, &Room, Instant) -> Decision<Booking>;

/// Confirms a hold.
pub async fn confirm_hold(
    app: &App,
    id: BookingId,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    command(app, id, Operation::Confirm, confirm, request).await
}

/// Cancels a hold or a confirmed booking.
pub async fn cancel_booking(
    app: &App,
    id: BookingId,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    command(app, id, Operation::Cancel, cancel, request).await
}

async fn command(
    app: &App,
    id: BookingId,
    operation: Operation,
    decide: Command,
    request: WriteRequest<NoBody, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    carry_out(app, context, operation, move |writing| {
        let body = body.clone();
        async move {
            let seen = read(&writing, id, None, Nights::None).await?;
            writing.check_command(RESOURCE, id.0, seen.booking.version)?;
            let NoBody = body?;
            let decision = decide(&seen.booking, &seen.room, seen.now);
            writing.conclude(decision, seen.now, written).await
        }
    })
    .await
}

/// Records that a hold has lapsed, if it has. Asked for by the sweeper.
pub async fn expire(app: &App, id: BookingId) -> Result<Reply, Problem> {
    carry_out(app, WriteContext::internal(), Operation::Expire, move |writing| async move {
        let seen = read(&writing, id, None, Nights::None).await?;
        let decision = expire_hold(&seen.booking, &seen.room, seen.now);
        writing.conclude(decision, seen.now, written).await
    })
    .await
}

/// Edits a booking's particulars; new dates or another room run the whole decision again.
pub async fn edit(
    app: &App,
    id: BookingId,
    request: WriteRequest<Value, VersionQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, mut body, .. } = request;
    if let Ok(Value::Object(fields)) = &mut body {
        // Answers to writes tell it; there is nothing to compare it with.
        fields.remove("attempts");
    }
    let body = Arc::new(body);
    carry_out(app, context, Operation::EditBooking, move |writing| {
        let body = body.clone();
        async move {
            // What the patch may say of room and dates decides which calendar is read; whether it
            // says so rightly is looked at after the preconditions.
            let field = |name| body.as_ref().as_ref().ok()?.get(name)?.as_str();
            let day = |name| field(name).and_then(|raw| query::day(raw).ok());
            let room = field("room_id").and_then(query::uuid).map(RoomId);
            let nights = Nights::Range(day("check_in"), day("check_out"));
            let seen = read(&writing, id, room, nights).await?;
            writing.check_edit(RESOURCE, id.0, seen.booking.version)?;
            let body = body.as_ref().as_ref().map_err(Clone::clone)?;
            let view = BookingView::from(&seen.booking);
            let body: BookingBody = patch::apply(Edit::Merge, &view, READ_ONLY, body)?;
            let (room, amendment) = body.parse()?;
            if room != seen.booking.room || amendment.stay != seen.booking.stay {
                writing.is_a(Operation::Move);
            }
            let target = seen
                .target
                .ok_or_else(|| Problem::invalid("/room_id", "must be a room of the same hotel"))?;
            let (stay, guests) = (amendment.stay, amendment.guests);
            let decision = amend(&seen.booking, &seen.room, &target, amendment);
            match writing.conclude(decision, seen.now, written).await {
                Ok(reply) => Ok(reply),
                Err(stop) => Err(writing.with_alternatives(stop, stay, guests).await),
            }
        }
    })
    .await
}

/// A booking, the room it is in, and the calendar that a decision about it looks at.
struct Seen {
    booking: Booking,
    room: Room,
    now: Instant,
    target: Option<vacancy_domain::Calendar>,
}

async fn read(
    writing: &Arc<Writing>,
    id: BookingId,
    room: Option<RoomId>,
    nights: Nights,
) -> Result<Seen, Stop> {
    let ask = SnapshotQuery { booking: Some(id), room, nights, ..SnapshotQuery::default() };
    let Snapshot { now, booking, calendar, .. } = writing.snapshot(ask).await?;
    let (booking, room) = booking.ok_or(Problem::NotFound(RESOURCE))?;
    Ok(Seen { booking, room, now, target: calendar })
}

fn view(booking: &Booking, attempts: u32) -> BookingView {
    BookingView { attempts: Some(attempts), ..BookingView::from(booking) }
}

fn created(booking: &Booking, attempts: u32) -> Result<Answer, Problem> {
    let path = format!("/v1/bookings/{}", booking.id);
    reply::created(&view(booking, attempts), booking.version, path)
}

fn written(booking: &Booking, attempts: u32) -> Result<Answer, Problem> {
    reply::ok(&view(booking, attempts), booking.version)
}
