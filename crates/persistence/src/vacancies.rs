//! Rooms that can be booked for a stay: where an automatic booking may try, what a refusal names
//! instead, and the condition that searches share with them.

use sea_orm::DbErr;
use vacancy_domain::{Day, HotelId, RoomId, Stay};

use crate::dialect::{occupies, takes_a_night};
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
        query.push(", clock.now AS now, h.time_zone AS h_time_zone, h.day_ends AS h_day_ends, r.id AS r_id");
        push_clock_and_key(self, &mut query, key);
        let of_hotel = query.value(hotel.0);
        query.push(" LEFT JOIN hotels AS h ON h.deleted_at IS NULL AND h.id = ").push(&of_hotel);
        query.push(" LEFT JOIN (");
        let mut wanted = format!("r.hotel_id = {of_hotel}");
        if let Some(kind) = kind {
            wanted.extend([format!(" AND r.kind = {}", query.value(kind))]);
        }
        self.push_sellable(&mut query, &wanted, stay, guests, "random()");
        query.limit(CANDIDATES_MAX);
        query.push(") AS r ON h.id IS NOT NULL ORDER BY r.times_booked, random()");
        let rows = query.all(&self.reader).await?;
        let first = rows.first().ok_or_else(|| no_row("candidates"))?;
        let ids = rows.iter().map(|row| row.try_get::<Option<uuid::Uuid>>("r_", "id"));
        let ids = ids.filter_map(Result::transpose).map(|id| id.map(RoomId));
        let time_zone: Option<String> = first.try_get("h_", "time_zone")?;
        let day_ends: Option<i64> = first.try_get("h_", "day_ends")?;
        let day = time_zone
            .zip(day_ends)
            .map(|(zone, ends)| hotel::day(&self.zones, hotel, (&zone, ends)));
        let now = first.try_get("", "now")?;
        Ok(Candidates {
            earlier: earlier(first)?,
            today: day.transpose()?.map(|day| day.today(now)),
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
        let mut query = Query::new(self.dialect, "");
        let room = query.value(room.0);
        let wanted = format!(
            "r.hotel_id = (SELECT hotel_id FROM rooms WHERE id = {room}) AND r.id <> {room}"
        );
        self.push_sellable(&mut query, &wanted, stay, guests, "r.id");
        query.push(", r.id").limit(limit);
        let rows = query.all(&self.reader).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id").map(RoomId));
        Ok(ids.collect::<Result<_, DbErr>>()?)
    }

    /// `SELECT …`: id and `times_booked` of the rooms that are as `wanted`, open, large enough and
    /// free for `stay`, least booked first, then by `ties`; to be limited.
    ///
    /// The hotel's rooms are put in order first and asked for free nights one after the other, so
    /// that no more of them are asked than are needed. The inner LIMIT holds that order in both
    /// databases.
    fn push_sellable(&self, query: &mut Query, wanted: &str, stay: Stay, guests: i64, ties: &str) {
        query.push("SELECT r.id, r.times_booked FROM (SELECT r.id, r.times_booked FROM rooms AS r");
        query.push(" WHERE r.deleted_at IS NULL AND r.status = 'open' AND ").push(wanted);
        query.push(" AND r.capacity >= ").bind(guests);
        query.push(" ORDER BY r.times_booked, ").push(ties);
        query.push(" LIMIT 1000000000) AS r WHERE 1 = 1");
        self.and_free(query, stay);
        query.push(" ORDER BY r.times_booked");
    }

    /// ` AND NOT EXISTS …`: the rooms called `r` with no occupied night in `stay`.
    pub(crate) fn and_free(&self, query: &mut Query, stay: Stay) {
        let (check_in, check_out) = (query.day(stay.check_in()), query.day(stay.check_out()));
        query.push(" AND NOT EXISTS (SELECT 1 FROM bookings AS o WHERE ");
        query.push(&takes_a_night("o", "r.id", &check_in, &check_out)).push(" AND ");
        query.push(&occupies("o", self.dialect.now()));
        // OFFSET keeps PostgreSQL from turning the rooms of a wide search into one join with all
        // bookings there ever were: a few of each room's own are looked at, in the index.
        query.push(" LIMIT 1 OFFSET 0)");
    }
}
