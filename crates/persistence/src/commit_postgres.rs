//! Keeping a write on PostgreSQL: one statement, which is a transaction of its own.

use std::collections::HashMap;
use std::sync::LazyLock;

use sea_orm::sqlx::postgres::{PgArguments, Postgres};
use sea_orm::sqlx::query;
use sea_orm::sqlx::query::Query;
use uuid::Uuid;
use vacancy_domain::{Booking, BookingChange, RoomId, RoomWrite};

use crate::StoreError;
use crate::entity::{booking, room, room_event};
use crate::hot::{Lent, Link};
use crate::meaning::room_is_held;
use crate::write::Write;

const COMMIT: &str = include_str!("sql/commit_postgres.sql");
const KEYS_ONLY: &str = include_str!("sql/keys_postgres.sql");
const LOCK: &str = "SELECT id FROM rooms WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";

/// The statement for every kind of write, so that no text is made for a request.
static TEXTS: LazyLock<HashMap<Shape, String>> = LazyLock::new(|| {
    let shapes =
        [Rooms::Advance, Rooms::Rewrite, Rooms::AdvanceTwo].into_iter().flat_map(|rooms| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(changes, answers)| Shape { rooms, changes, answers })
        });
    shapes.map(|shape| (shape, shape.text())).collect()
});

/// What kind of write it is, as far as the statement depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    rooms: Rooms,
    /// Whether bookings change that are there, and not only new ones come.
    changes: bool,
    /// Whether answers are kept under keys.
    answers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rooms {
    /// One room's counters.
    Advance,
    /// One room's attributes too, or that it is deleted.
    Rewrite,
    /// The counters of the two rooms of a move.
    AdvanceTwo,
}

impl Shape {
    fn of(write: &Write) -> Self {
        let rewrites = |write: RoomWrite| matches!(write, RoomWrite::Replace | RoomWrite::Delete);
        let rooms = match write.change.rooms.as_slice() {
            [only] if rewrites(only.write) => Rooms::Rewrite,
            [_] => Rooms::Advance,
            _ => Rooms::AdvanceTwo,
        };
        let is_new = |change: &BookingChange| matches!(change, BookingChange::Insert(_));
        let changes = !write.change.bookings.iter().all(is_new);
        Self { rooms, changes, answers: write.records().next().is_some() }
    }

    fn text(self) -> String {
        let rooms = match self.rooms {
            Rooms::Advance => include_str!("sql/rooms_advance.sql"),
            Rooms::Rewrite => include_str!("sql/rooms_rewrite.sql"),
            Rooms::AdvanceTwo => include_str!("sql/rooms_advance_two.sql"),
        };
        let changes = if self.changes {
            include_str!("sql/changes_postgres.sql")
        } else {
            include_str!("sql/no_changes_postgres.sql")
        };
        let answers = if self.answers { include_str!("sql/answers_postgres.sql") } else { "" };
        COMMIT
            .replace("{rooms}", rooms.trim_end())
            .replace("{changes}", changes.trim_end())
            .replace("{answers}", answers.trim_end())
    }
}

type Statement = Query<'static, Postgres, PgArguments>;

/// Begins a transaction that holds `rooms` against every other writer.
pub(crate) async fn lock(link: &mut Link, rooms: &[RoomId]) -> Result<(), StoreError> {
    link.in_transaction = true;
    let begun = query("BEGIN").persistent(false).execute(link.start()).await;
    link.settle(begun)?;
    let rooms: Vec<Uuid> = rooms.iter().map(|room| room.0).collect();
    let locked = query(LOCK).bind(rooms).execute(link.start()).await;
    let held = locked.as_ref().is_err_and(room_is_held);
    if let Err(error) = link.settle(locked) {
        roll_back(link).await;
        return Err(if held { StoreError::Held } else { error });
    }
    Ok(())
}

/// Ends a transaction without a trace. A connection on which that fails is not used again.
pub(crate) async fn roll_back(link: &mut Link) {
    let ended = query("ROLLBACK").persistent(false).execute(link.start()).await;
    match link.settle(ended) {
        Ok(_) => link.in_transaction = false,
        Err(error) => tracing::debug!(%error, "a connection was lost at ROLLBACK"),
    }
}

/// See [`crate::Session::commit`].
pub(crate) async fn commit(
    mut link: Lent,
    in_transaction: bool,
    write: &Write,
) -> Result<(), StoreError> {
    if !write.enter() {
        if in_transaction {
            roll_back(&mut link).await;
        }
        return Err(StoreError::Abandoned);
    }
    let mut kept = keep(&mut link, write).await;
    if in_transaction {
        kept = match kept {
            Ok(()) => end(&mut link).await,
            // Nothing of it is committed, however the connection fares.
            Err(StoreError::Unknown(error)) => Err(StoreError::Unavailable(error)),
            Err(error) => {
                roll_back(&mut link).await;
                Err(error)
            }
        };
    }
    if kept.as_ref().is_err_and(|error| !matches!(error, StoreError::Unknown(_))) {
        write.reopen();
    }
    kept
}

async fn end(link: &mut Link) -> Result<(), StoreError> {
    let ended = query("COMMIT").persistent(false).execute(link.start()).await;
    link.settle(ended).map_err(StoreError::at_commit_of)?;
    link.in_transaction = false;
    Ok(())
}

async fn keep(link: &mut Link, write: &Write) -> Result<(), StoreError> {
    let rooms = write.change.rooms.len();
    if rooms == 0 {
        let statement = bind_keys(query(KEYS_ONLY).bind(write.at), write);
        let kept = statement.execute(link.start()).await;
        return link.settle(kept).map(|_| ()).map_err(StoreError::at_commit_of);
    }
    let statement = bind_rooms(bind_all(query(TEXTS[&Shape::of(write)].as_str()), write), write);
    let hit = statement.fetch_one(link.start()).await;
    let held = hit.as_ref().is_err_and(room_is_held);
    let hit = link.settle(hit).map_err(StoreError::at_commit_of);
    let hit = hit.map_err(|error| if held { StoreError::Held } else { error })?;
    let hit: i64 = sea_orm::sqlx::Row::try_get(&hit, 0).map_err(StoreError::of)?;
    // Two of which one was missed have failed by themselves.
    if usize::try_from(hit) == Ok(rooms) { Ok(()) } else { Err(StoreError::Missed) }
}

/// Binds all but the rooms, which differ.
fn bind_all(statement: Statement, write: &Write) -> Statement {
    let statement = statement
        .bind(write.fence())
        .bind(write.at)
        .bind(i64::try_from(write.change.rooms.len()).unwrap_or(i64::MAX))
        .bind(write.id);
    bind_keys(bind_events(bind_bookings(statement, write), write), write)
}

fn bind_bookings(statement: Statement, write: &Write) -> Statement {
    let mut bookings: Vec<_> = write.change.bookings.iter().map(as_written).collect();
    // In one order everywhere, so that no two statements wait for each other's references. The order
    // of the rest means nothing here.
    bookings.sort_by(|(_, one), (_, other)| one.claim().cmp(&other.claim()));
    /// One column of all of them.
    macro_rules! column {
        ($row:ident => $value:expr) => {
            bookings.iter().map(|(_, $row)| $value).collect::<Vec<_>>()
        };
    }
    statement
        .bind(bookings.iter().map(|(was, _)| was.map(|(room, _)| room)).collect::<Vec<_>>())
        .bind(bookings.iter().map(|(was, _)| was.map(|(_, version)| version)).collect::<Vec<_>>())
        .bind(column!(row => row.room_id))
        .bind(column!(row => row.id))
        .bind(column!(row => row.hotel_id))
        .bind(column!(row => row.guest_name.clone()))
        .bind(column!(row => row.guest_email.clone()))
        .bind(column!(row => row.guests))
        .bind(column!(row => row.check_in))
        .bind(column!(row => row.check_out))
        .bind(column!(row => row.status.clone()))
        .bind(column!(row => row.hold_expires_at))
        .bind(column!(row => row.total_amount))
        .bind(column!(row => row.total_currency.clone()))
        .bind(column!(row => row.version))
        .bind(column!(row => row.room_version))
        .bind(column!(row => row.created_at))
        .bind(column!(row => row.made_by.clone()))
        .bind(column!(row => row.source.clone()))
        .bind(column!(row => row.reference.clone()))
}

type Was = Option<(Uuid, i64)>;

/// The room and version decided on, unless it is new, and the row afterwards.
fn as_written(change: &BookingChange) -> (Was, booking::Model) {
    let row = |booking: &Booking| booking::Model::from(booking);
    match change {
        BookingChange::Insert(new) => (None, row(new)),
        BookingChange::Replace { room, from, to } => (Some((room.0, from.0)), row(to)),
    }
}

fn bind_events(statement: Statement, write: &Write) -> Statement {
    let events: Vec<_> = write.events().collect();
    /// One column of all of them.
    macro_rules! column {
        ($room:pat, $event:pat, $part:pat => $value:expr) => {
            events.iter().map(|($room, $event, $part)| $value).collect::<Vec<_>>()
        };
    }
    statement
        .bind(column!(room, _, _ => room.0))
        .bind(column!(_, event, _ => event.version.0))
        .bind(column!(_, event, _ => event.kind.name()))
        .bind(column!(_, event, _ => event.booking.map(|booking| booking.0)))
        .bind(column!(_, event, part => room_event::data(event, &part.request)))
        .bind(column!(_, _, part => part.actor.as_deref().map(str::to_owned)))
}

fn bind_keys(statement: Statement, write: &Write) -> Statement {
    let records: Vec<_> = write.records().collect();
    /// One column of all of them.
    macro_rules! column {
        ($it:ident => $value:expr) => {
            records.iter().map(|$it| $value).collect::<Vec<_>>()
        };
    }
    statement
        .bind(column!(it => it.key.text.clone()))
        .bind(column!(it => it.key.fingerprint.to_vec()))
        .bind(column!(it => i64::from(it.answer.status)))
        .bind(column!(it => it.answer.version.map(|version| version.0)))
        .bind(column!(it => it.answer.location.clone()))
        .bind(column!(it => it.answer.body.clone()))
        .bind(column!(it => write.at + it.key.time_to_live))
}

fn bind_rooms(statement: Statement, write: &Write) -> Statement {
    let steps = |change: &vacancy_domain::RoomChange| change.to.version.0 - change.from.0;
    let rooms = &write.change.rooms;
    if let [only] = rooms.as_slice() {
        let statement =
            statement.bind(only.sold).bind(steps(only)).bind(only.to.id.0).bind(only.from.0);
        if !matches!(only.write, RoomWrite::Replace | RoomWrite::Delete) {
            return statement;
        }
        let row = room::Model::from(&only.to);
        return statement
            .bind(row.number)
            .bind(row.kind)
            .bind(row.capacity)
            .bind(row.rate_amount)
            .bind(row.rate_currency)
            .bind(row.status)
            .bind(row.deleted_at);
    }
    statement
        .bind(rooms.iter().map(|change| change.sold).collect::<Vec<_>>())
        .bind(rooms.iter().map(steps).collect::<Vec<_>>())
        .bind(rooms.iter().map(|change| change.to.id.0).collect::<Vec<_>>())
        .bind(rooms.iter().map(|change| change.from.0).collect::<Vec<_>>())
}
