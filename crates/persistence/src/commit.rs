//! Keeping a decision: one transaction, the compare-and-set of its rooms first.

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set, UpdateMany};
use vacancy_domain::{
    Booking, BookingChange, Change, Country, HotelChange, Instant, RoomChange, RoomWrite, Status,
    Version,
};

use crate::entity::{booking, hotel, idempotency_key, room, room_event};
use crate::gate::CommitGate;
use crate::query::Query;
use crate::snapshot::StoredAnswer;
use crate::tx::Tx;
use crate::{Store, StoreError};

/// What a write was answered, kept with it so that a retry hears the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The version in the `ETag`, if it has one.
    pub version: Option<Version>,
    /// The path in `Location`, if it has one.
    pub location: Option<String>,
    /// The JSON text of the body, if it has one.
    pub body: Option<String>,
}

/// Names a request, so that it is carried out once however often it is sent or tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The client's key, or one of our own that no client can send.
    pub text: String,
    /// SHA-256 over what makes it the same request.
    pub fingerprint: [u8; 32],
    /// How long the answer is kept.
    pub time_to_live: Duration,
}

/// The key and the answer that a commit remembers.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyRecord<'a> {
    /// Of the request.
    pub key: &'a RequestKey,
    /// Of this service.
    pub answer: &'a Answer,
    /// The snapshot's time, from which the answer is kept.
    pub at: Instant,
}

/// What has become of a key whose COMMIT had an unknown outcome, or is somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Our commit took place.
    Committed,
    /// Nobody's did, and ours cannot any more.
    NotCommitted,
    /// Another request's did.
    UsedBy(StoredAnswer),
}

impl Store {
    /// Keeps a decision, all of it; or, if what it was decided on has changed, none of it.
    ///
    /// `request` names the request in the events. Fails with [`StoreError::Lost`] when someone
    /// wrote in between, [`StoreError::Abandoned`] when `gate` was closed before COMMIT, and
    /// [`StoreError::Unknown`] when the connection broke at COMMIT.
    pub async fn commit(
        &self,
        change: &Change,
        record: Option<IdempotencyRecord<'_>>,
        request: &str,
        gate: &CommitGate,
    ) -> Result<(), StoreError> {
        self.seam.reached().await;
        let mut tx = Tx::begin(self).await?;
        match self.write(&mut tx, change, record, request).await {
            Ok(()) => tx.commit(gate).await,
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    /// The order matters: all writers of a room queue on its row before they touch anything else,
    /// and rooms come in ascending id, so that nobody waits in a circle.
    async fn write(
        &self,
        tx: &mut Tx,
        change: &Change,
        record: Option<IdempotencyRecord<'_>>,
        request: &str,
    ) -> Result<(), StoreError> {
        if let Some(change) = &change.hotel {
            self.write_hotel(tx, change).await?;
        }
        for room in &change.rooms {
            self.write_room(tx, room).await?;
        }
        // Those that give up nights come first, or the guard would meet them. However many holds have
        // lapsed, recording them is one statement.
        let lapsed: Vec<_> = change.bookings.iter().filter_map(as_expiry).collect();
        if !lapsed.is_empty() {
            self.expire_holds(tx, &lapsed).await?;
        }
        for booking in change.bookings.iter().filter(|change| as_expiry(change).is_none()) {
            write_booking(tx, booking).await?;
        }
        append_events(tx, &change.rooms, request).await?;
        match record {
            Some(record) => remember(tx, record).await,
            None => Ok(()),
        }
    }

    /// Each hold must still have the version decided on, as for any other booking.
    async fn expire_holds(
        &self,
        tx: &mut Tx,
        holds: &[(Version, &Booking)],
    ) -> Result<(), StoreError> {
        let Some((_, first)) = holds.first() else { return Ok(()) };
        let mut update = Query::new(
            self.dialect,
            "UPDATE bookings SET status = 'expired', hold_expires_at = NULL, version = version + 1, \
             updated_at = ",
        );
        update.bind(first.updated_at).push(", room_version = CASE id");
        for (_, hold) in holds {
            update.push(" WHEN ").bind(hold.id.0).push(" THEN ").bind(hold.room_version.0);
        }
        update.push(" END WHERE room_id = ").bind(first.room.0);
        update.push(" AND status = 'held' AND (id, version) IN (VALUES ");
        for (index, (from, hold)) in holds.iter().enumerate() {
            update.push(if index == 0 { "(" } else { ", (" });
            update.bind(hold.id.0).push(", ").bind(from.0).push(")");
        }
        update.push(")");
        match tx.done(update.execute(&tx.inner).await)? {
            rows if rows == holds.len() as u64 => Ok(()),
            _ => Err(StoreError::Lost { guard: false }),
        }
    }

    async fn write_hotel(&self, tx: &mut Tx, change: &HotelChange) -> Result<(), StoreError> {
        match change {
            HotelChange::Insert(new) => {
                let insert = hotel::Entity::insert(hotel::ActiveModel::from(new));
                tx.done(insert.exec_without_returning(&tx.inner).await)?;
            }
            HotelChange::Replace { from, to } => {
                let attributes = &to.attributes;
                let country = attributes.country.as_ref().map(Country::as_str);
                let update = hotel::Entity::update_many()
                    .col_expr(hotel::Column::Name, Expr::value(attributes.name.as_str()))
                    .col_expr(hotel::Column::City, Expr::value(attributes.city.as_str()))
                    .col_expr(hotel::Column::Country, Expr::value(country))
                    .col_expr(hotel::Column::TimeZone, Expr::value(attributes.time_zone.name()))
                    .col_expr(hotel::Column::UpdatedAt, Expr::value(to.updated_at));
                advance_hotel(tx, update, to.id.0, *from).await?;
            }
            HotelChange::Delete { id, from } => {
                let now = Expr::cust(self.dialect.now());
                let update = hotel::Entity::update_many()
                    .col_expr(hotel::Column::DeletedAt, now.clone())
                    .col_expr(hotel::Column::UpdatedAt, now);
                advance_hotel(tx, update, id.0, *from).await?;
                // A room may have come since the decision; whoever creates one holds the hotel's
                // row, so from here on none can.
                let mut rooms = Query::new(self.dialect, "SELECT 1 FROM rooms WHERE hotel_id = ");
                rooms.bind(id.0).push(" AND deleted_at IS NULL LIMIT 1");
                if tx.done(rooms.one(&tx.inner).await)?.is_some() {
                    return Err(StoreError::Lost { guard: false });
                }
            }
        }
        Ok(())
    }

    async fn write_room(&self, tx: &mut Tx, change: &RoomChange) -> Result<(), StoreError> {
        let to = &change.to;
        if change.write == RoomWrite::Insert {
            let mut hotel = Query::new(self.dialect, "SELECT 1 FROM hotels WHERE id = ");
            hotel.bind(to.hotel.0).push(" AND deleted_at IS NULL").push(self.dialect.for_share());
            if tx.done(hotel.one(&tx.inner).await)?.is_none() {
                return Err(StoreError::Lost { guard: false });
            }
            let insert = room::Entity::insert(room::ActiveModel::from(to));
            tx.done(insert.exec_without_returning(&tx.inner).await)?;
            return Ok(());
        }
        tx.one_row(advance_room(change).exec(&tx.inner).await)
    }

    /// Finds out what has become of `key`, under which `ours` may have been committed. Inserting the
    /// same key waits for a transaction that holds it to end, where reading could look too early.
    ///
    /// Fails with [`StoreError::Lost`] while that transaction is still open.
    pub async fn resolve(
        &self,
        key: &RequestKey,
        ours: Option<&Answer>,
    ) -> Result<Resolved, StoreError> {
        let mut tx = Tx::begin(self).await?;
        let resolved = self.resolve_in(&mut tx, key, ours).await;
        tx.rollback().await;
        resolved
    }

    async fn resolve_in(
        &self,
        tx: &mut Tx,
        key: &RequestKey,
        ours: Option<&Answer>,
    ) -> Result<Resolved, StoreError> {
        let now = self.dialect.now();
        let mut insert = Query::new(
            self.dialect,
            "INSERT INTO idempotency_keys (key, fingerprint, status, created_at, expires_at) VALUES (",
        );
        insert.bind(key.text.as_str()).push(", ").bind(key.fingerprint.to_vec());
        insert.push(&format!(", 0, {now}, {now}) ON CONFLICT (key) DO NOTHING"));
        if tx.done(insert.execute(&tx.inner).await)? == 1 {
            return Ok(Resolved::NotCommitted);
        }
        let mut found = Query::new(
            self.dialect,
            format!(
                "SELECT k.*, k.expires_at > {now} AS live FROM idempotency_keys AS k WHERE key = "
            ),
        );
        found.bind(key.text.as_str());
        let Some(row) = tx.done(found.one(&tx.inner).await)? else {
            // Swept between the two statements: it was somebody's of long ago.
            return Ok(Resolved::NotCommitted);
        };
        let stored = idempotency_key::Model::from_query_result(&row, "")?;
        let stored = StoredAnswer::try_from(stored)?;
        // Ours is told from another's by what was answered, however old it is by now.
        if stored.fingerprint == key.fingerprint && Some(&stored.answer) == ours {
            return Ok(Resolved::Committed);
        }
        let live: bool = row.try_get("", "live")?;
        Ok(if live { Resolved::UsedBy(stored) } else { Resolved::NotCommitted })
    }
}

/// The hold that a change records as lapsed, and the version it was decided on.
fn as_expiry(change: &BookingChange) -> Option<(Version, &Booking)> {
    match change {
        BookingChange::Replace { from, to, .. } if to.status == Status::Expired => {
            Some((*from, to))
        }
        BookingChange::Replace { .. } | BookingChange::Insert(_) => None,
    }
}

/// The compare-and-set: moves the room on from the version decided on, or touches nothing.
fn advance_room(change: &RoomChange) -> UpdateMany<room::Entity> {
    let to = &change.to;
    let steps = to.version.0 - change.from.0;
    let mut update = room::Entity::update_many()
        .col_expr(room::Column::TimesBooked, Expr::col(room::Column::TimesBooked).add(change.sold))
        .col_expr(room::Column::Version, Expr::col(room::Column::Version).add(steps))
        .col_expr(room::Column::UpdatedAt, Expr::value(to.updated_at));
    match change.write {
        RoomWrite::Insert | RoomWrite::Advance => {}
        RoomWrite::Replace => {
            let attributes = &to.attributes;
            let rate = attributes.nightly_rate.as_ref();
            let amount = rate.map(|rate| rate.amount.get());
            let currency = rate.map(|rate| rate.currency.as_str());
            update = update
                .col_expr(room::Column::Number, Expr::value(attributes.number.as_str()))
                .col_expr(room::Column::Kind, Expr::value(attributes.kind.as_str()))
                .col_expr(room::Column::Capacity, Expr::value(attributes.capacity.get()))
                .col_expr(room::Column::RateAmount, Expr::value(amount))
                .col_expr(room::Column::RateCurrency, Expr::value(currency))
                .col_expr(room::Column::Status, Expr::value(attributes.status.name()));
        }
        RoomWrite::Delete => {
            update = update.col_expr(room::Column::DeletedAt, Expr::value(to.deleted_at));
        }
    }
    update.filter(room::Column::Id.eq(to.id.0)).filter(room::Column::Version.eq(change.from.0))
}

async fn advance_hotel(
    tx: &mut Tx,
    update: UpdateMany<hotel::Entity>,
    id: uuid::Uuid,
    from: Version,
) -> Result<(), StoreError> {
    let update = update
        .col_expr(hotel::Column::Version, Expr::value(from.next().0))
        .filter(hotel::Column::Id.eq(id))
        .filter(hotel::Column::Version.eq(from.0));
    tx.one_row(update.exec(&tx.inner).await)
}

async fn write_booking(tx: &mut Tx, change: &BookingChange) -> Result<(), StoreError> {
    match change {
        BookingChange::Insert(new) => {
            let insert = booking::Entity::insert(booking::ActiveModel::from(new));
            tx.done(insert.exec_without_returning(&tx.inner).await)?;
            Ok(())
        }
        BookingChange::Replace { room, from, to } => {
            let update = booking::Entity::update_many()
                .set(booking::ActiveModel::from(to))
                .filter(booking::Column::RoomId.eq(room.0))
                .filter(booking::Column::Id.eq(to.id.0))
                .filter(booking::Column::Version.eq(from.0));
            tx.one_row(update.exec(&tx.inner).await)
        }
    }
}

async fn append_events(tx: &mut Tx, rooms: &[RoomChange], request: &str) -> Result<(), StoreError> {
    let rows = rooms.iter().flat_map(|room| {
        room.events.iter().map(|event| room_event::row(room.to.id, event, request))
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(());
    }
    tx.done(room_event::Entity::insert_many(rows).exec_without_returning(&tx.inner).await)?;
    Ok(())
}

/// Stores the answer under its key, in place of an expired one. A key that somebody else has taken
/// meanwhile is a lost race: the next look finds their answer.
async fn remember(tx: &mut Tx, record: IdempotencyRecord<'_>) -> Result<(), StoreError> {
    use idempotency_key::{ActiveModel, Column, Entity};

    let IdempotencyRecord { key, answer, at } = record;
    let row = ActiveModel {
        key: Set(key.text.clone()),
        fingerprint: Set(key.fingerprint.to_vec()),
        status: Set(i64::from(answer.status)),
        version: Set(answer.version.map(|version| version.0)),
        location: Set(answer.location.clone()),
        body: Set(answer.body.clone()),
        created_at: Set(at),
        expires_at: Set(at + key.time_to_live),
    };
    let expired = Expr::col((Entity, Column::ExpiresAt)).lte(at);
    let replace = OnConflict::column(Column::Key)
        .update_columns([
            Column::Fingerprint,
            Column::Status,
            Column::Version,
            Column::Location,
            Column::Body,
            Column::CreatedAt,
            Column::ExpiresAt,
        ])
        .action_and_where(expired)
        .to_owned();
    let insert = Entity::insert(row).on_conflict(replace);
    match tx.done(insert.exec_without_returning(&tx.inner).await)? {
        0 => Err(StoreError::Lost { guard: false }),
        _ => Ok(()),
    }
}

impl TryFrom<idempotency_key::Model> for StoredAnswer {
    type Error = StoreError;

    fn try_from(row: idempotency_key::Model) -> Result<Self, StoreError> {
        // A client's key is its secret: the digest of the request names the row as well.
        let status = u16::try_from(row.status).map_err(|_| {
            let id = row.fingerprint.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            StoreError::corrupt("idempotency_keys", "status", id, "no HTTP status")
        })?;
        Ok(Self {
            fingerprint: row.fingerprint,
            answer: Answer {
                status,
                version: row.version.map(Version),
                location: row.location,
                body: row.body,
            },
        })
    }
}
