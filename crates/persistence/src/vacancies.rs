//! Where there is room: candidates for an automatic booking, alternatives to a room that is taken.

use sea_orm::DbErr;
use vacancy_domain::{Day, HotelId, RoomId, Stay};

use crate::dialect::occupies;
use crate::entity::{hotel, idempotency_key};
use crate::hotels::{earlier, no_row, push_clock_and_key};
use crate::keys::StoredAnswer;
use crate::query::{Query, columns};
use crate::{Store, StoreError};

/// The most rooms an automatic choice tries in one attempt.
const CANDIDATES_MAX: u64 = 32;

/// Where an automatic booking may try.
#[derive(Clone, Debug)]
pub struct Candidates {
    /// What the key was answered before.
    pub earlier: Option<StoredAnswer>,
    /// What day it is at the hotel; absent when there is no such hotel.
    pub today: Option<Day>,
    /// Rooms free for the stay at this moment, least booked first, ties in random order.
    pub rooms: Vec<RoomId>,
}

impl Store {
    /// Where in `hotel` a party of `guests` may stay, perhaps only in rooms of `kind`. Each room
    /// must be decided on its own snapshot afterwards: this only says where to try.
    pub async fn candidates(
        &self,
        key: Option<&str>,
        hotel: HotelId,
        stay: Stay,
        guests: i64,
        kind: Option<&str>,
    ) -> Result<Candidates, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT ");
        query.push(&columns::<idempotency_key::Column>("k"));
        query.push(", clock.now AS now, h.time_zone AS time_zone, r.id AS r_id");
        push_clock_and_key(self, &mut query, key);
        query.push(" LEFT JOIN hotels AS h ON h.deleted_at IS NULL AND h.id = ").bind(hotel.0);
        query.push(" LEFT JOIN rooms AS r ON r.hotel_id = h.id AND r.id IN (SELECT id FROM (");
        query.push("SELECT r.id FROM rooms AS r WHERE r.hotel_id = ").bind(hotel.0);
        self.where_sellable(&mut query, stay, guests);
        if let Some(kind) = kind {
            query.push(" AND r.kind = ").bind(kind);
        }
        query.push(" ORDER BY r.times_booked, random() LIMIT ").bind(CANDIDATES_MAX);
        query.push(") AS free) ORDER BY r.times_booked, random()");
        let rows = query.all(&self.reader).await?;
        let first = rows.first().ok_or_else(|| no_row("candidates"))?;
        let ids = rows.iter().map(|row| row.try_get::<Option<uuid::Uuid>>("r_", "id"));
        let ids = ids.filter_map(Result::transpose).map(|id| id.map(RoomId));
        let time_zone: Option<String> = first.try_get("", "time_zone")?;
        let time_zone = time_zone.as_deref();
        let time_zone = time_zone.map(|name| hotel::time_zone(hotel, name)).transpose()?;
        let now = first.try_get("", "now")?;
        Ok(Candidates {
            earlier: earlier(first)?,
            today: time_zone.map(|time_zone| time_zone.today(now)),
            rooms: ids.collect::<Result<_, DbErr>>()?,
        })
    }

    /// Up to `limit` rooms of the hotel of `room` that could be booked instead, least booked first.
    pub async fn alternatives(
        &self,
        room: RoomId,
        stay: Stay,
        guests: i64,
        limit: u64,
    ) -> Result<Vec<RoomId>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT r.id AS id FROM rooms AS r");
        query.push(" WHERE r.hotel_id = (SELECT hotel_id FROM rooms WHERE id = ").bind(room.0);
        query.push(") AND r.id <> ").bind(room.0);
        self.where_sellable(&mut query, stay, guests);
        query.push(" ORDER BY r.times_booked, r.id LIMIT ").bind(limit);
        let rows = query.all(&self.reader).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id").map(RoomId));
        Ok(ids.collect::<Result<_, DbErr>>()?)
    }

    /// ` AND …`: the rooms called `r` that are open, large enough and free for `stay`.
    fn where_sellable(&self, query: &mut Query, stay: Stay, guests: i64) {
        query.push(" AND r.deleted_at IS NULL AND r.status = 'open' AND r.capacity >= ");
        query.bind(guests);
        self.and_free(query, stay);
    }

    /// ` AND NOT EXISTS …`: the rooms called `r` with no occupied night in `stay`.
    pub(crate) fn and_free(&self, query: &mut Query, stay: Stay) {
        let (check_in, check_out) = (query.day(stay.check_in()), query.day(stay.check_out()));
        query.push(" AND NOT EXISTS (SELECT 1 FROM bookings AS o WHERE o.room_id = r.id AND ");
        query.push(&occupies("o", self.dialect.now())).push(" AND ");
        query.push(&self.dialect.overlaps("o", &check_in, &check_out));
        // OFFSET keeps PostgreSQL from turning the rooms of a wide search into one join with all
        // bookings there ever were: a few of each room's own are looked at, in the index.
        query.push(" LIMIT 1 OFFSET 0)");
    }
}
