//! Keeping a decision about a hotel, or about a room that comes to be: a transaction of several
//! statements, with the request's key as its receipt.

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set, UpdateMany};
use vacancy_domain::{Change, Country, HotelChange, Instant, RoomChange, Version};

use crate::entity::{hotel, idempotency_key, room, room_event};
use crate::gate::CommitGate;
use crate::keys::{Answer, Record, RequestKey, StoredAnswer};
use crate::query::Query;
use crate::stale::again_if;
use crate::tx::Tx;
use crate::{Store, StoreError};

/// What has become of a key whose COMMIT had an unknown outcome, or is another request's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Our commit took place.
    Committed,
    /// None did, and ours cannot any more.
    NotCommitted,
    /// Another request's did.
    UsedBy(StoredAnswer),
}

impl Store {
    /// Keeps a decision about a hotel or new rooms of it, with the answer under its key; or, if what
    /// it was decided on has changed, none of it.
    ///
    /// `by` names the request and its principal in the events. Fails with [`StoreError::Lost`] when another write
    /// came first, [`StoreError::Abandoned`] when `gate` was closed before COMMIT, and
    /// [`StoreError::Unknown`] when the connection broke at COMMIT.
    pub async fn commit_hotel(
        &self,
        change: &Change,
        record: &Record,
        at: Instant,
        by: (&str, Option<&str>),
        gate: &CommitGate,
    ) -> Result<(), StoreError> {
        let keeping = || self.keep_hotel(change, record, at, by, gate);
        again_if(StoreError::is_stale_plan, keeping).await
    }

    async fn keep_hotel(
        &self,
        change: &Change,
        record: &Record,
        at: Instant,
        by: (&str, Option<&str>),
        gate: &CommitGate,
    ) -> Result<(), StoreError> {
        let mut tx = Tx::begin(self).await?;
        let written = async {
            if let Some(change) = &change.hotel {
                self.write_hotel(&mut tx, change).await?;
            }
            for room in &change.rooms {
                self.add_room(&mut tx, room, by).await?;
            }
            remember(&mut tx, record, at).await
        };
        match written.await {
            Ok(()) => tx.commit(gate).await,
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
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
                let day = &attributes.day;
                let update = hotel::Entity::update_many()
                    .col_expr(hotel::Column::Name, Expr::value(attributes.name.as_str()))
                    .col_expr(hotel::Column::City, Expr::value(attributes.city.as_str()))
                    .col_expr(hotel::Column::Country, Expr::value(country))
                    .col_expr(hotel::Column::TimeZone, Expr::value(day.time_zone.name()))
                    .col_expr(hotel::Column::DayEnds, Expr::value(day.ends.minutes()))
                    .col_expr(hotel::Column::UpdatedAt, Expr::value(to.updated_at));
                advance_hotel(tx, update, to.id.0, *from).await?;
            }
            HotelChange::Delete { id, from } => {
                let now = Expr::cust(self.dialect.now());
                let update = hotel::Entity::update_many()
                    .col_expr(hotel::Column::DeletedAt, now.clone())
                    .col_expr(hotel::Column::UpdatedAt, now);
                advance_hotel(tx, update, id.0, *from).await?;
                // A room may have come since the decision; whatever creates one holds the hotel's
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

    async fn add_room(
        &self,
        tx: &mut Tx,
        change: &RoomChange,
        (request, actor): (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        let room = &change.to;
        let mut hotel = Query::new(self.dialect, "SELECT 1 FROM hotels WHERE id = ");
        hotel.bind(room.hotel.0).push(" AND deleted_at IS NULL").push(self.dialect.for_share());
        if tx.done(hotel.one(&tx.inner).await)?.is_none() {
            return Err(StoreError::Lost { guard: false });
        }
        let insert = room::Entity::insert(room::ActiveModel::from(room));
        tx.done(insert.exec_without_returning(&tx.inner).await)?;
        let events = change.events.iter();
        let events = events.map(|event| room_event::row(room.id, event, request, actor));
        let insert = room_event::Entity::insert_many(events);
        tx.done(insert.exec_without_returning(&tx.inner).await)?;
        Ok(())
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
        let resolving = || async {
            let mut tx = Tx::begin(self).await?;
            let resolved = self.resolve_in(&mut tx, key, ours).await;
            tx.rollback().await;
            resolved
        };
        again_if(StoreError::is_stale_plan, resolving).await
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
                "SELECT k.key, k.fingerprint, k.status, k.version, k.location, k.body, \
                 k.created_at, k.expires_at, k.expires_at > {now} AS live \
                 FROM idempotency_keys AS k WHERE key = "
            ),
        );
        found.bind(key.text.as_str());
        let Some(row) = tx.done(found.one(&tx.inner).await)? else {
            // Swept between the two statements: it was another request's of long ago.
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

/// Stores the answer under its key, in place of an expired one. A key that another request has taken
/// meanwhile is a lost race: the next look finds its answer.
pub(crate) async fn remember(tx: &mut Tx, record: &Record, at: Instant) -> Result<(), StoreError> {
    use idempotency_key::{ActiveModel, Column, Entity};

    let Record { key, answer } = record;
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
