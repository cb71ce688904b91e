//! Reading one resource: one statement of constant text, by its key.

use std::sync::LazyLock;

use sea_orm::sqlx::query;
use sea_orm::{FromQueryResult, QueryResult};
use uuid::Uuid;
use vacancy_domain::{Booking, BookingId, Calendar, Day, Hotel, HotelId, Room, RoomId};

use crate::connect::Pools;
use crate::entity::{booking, hotel, room};
use crate::rows::{Columns, expand};
use crate::snapshot::{NightsQuery, SnapshotQuery};
use crate::{Store, StoreError};

pub(crate) const HOTEL: &str = "
SELECT id, name, city, country, time_zone, day_ends, version, created_at, updated_at, deleted_at
FROM hotels WHERE id = $1 AND deleted_at IS NULL";
pub(crate) static ROOM: LazyLock<String> =
    LazyLock::new(|| expand("SELECT {room:r} FROM rooms AS r WHERE r.id = $1"));
pub(crate) static BOOKING: LazyLock<String> =
    LazyLock::new(|| expand("SELECT {booking:b} FROM bookings AS b WHERE b.id = $1"));
pub(crate) const PLACE: &str = "SELECT room_id FROM bookings WHERE id = $1";

impl Store {
    /// A hotel that is not deleted.
    pub async fn hotel(&self, id: HotelId) -> Result<Option<Hotel>, StoreError> {
        let row = self.row_by_id(HOTEL, id.0).await?;
        let row = row.map(|row| hotel::Model::from_query_result(&row, "")).transpose()?;
        row.map(|row| row.into_domain(&self.zones)).transpose()
    }

    /// A room, deleted or not.
    pub async fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let row = self.row_by_id(ROOM.as_str(), id.0).await?;
        let row = row.map(|row| Columns::new(&row).room()).transpose()?.flatten();
        row.map(room::Model::into_domain).transpose()
    }

    /// A room that is not deleted.
    pub async fn live_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.room(id).await?.filter(|room| !room.is_deleted()))
    }

    /// A booking, whatever became of its room.
    pub async fn booking(&self, id: BookingId) -> Result<Option<Booking>, StoreError> {
        let row = self.row_by_id(BOOKING.as_str(), id.0).await?;
        let row = row.map(|row| Columns::new(&row).booking()).transpose()?.flatten();
        row.map(booking::Model::into_domain).transpose()
    }

    /// The room that a booking is in at this moment.
    pub async fn place_of(&self, id: BookingId) -> Result<Option<RoomId>, StoreError> {
        let row = self.row_by_id(PLACE, id.0).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.map(RoomId))
    }

    /// The calendar of a room that is not deleted over `[from, to)`: room, version and bookings of
    /// one moment.
    pub async fn calendar(
        &self,
        room: RoomId,
        from: Day,
        to: Day,
    ) -> Result<Option<Calendar>, StoreError> {
        let (check_in, check_out) = (Some(from), Some(to));
        let nights = vec![NightsQuery { room, check_in, check_out, booking: None }];
        let ask = SnapshotQuery { rooms: vec![room], nights, ..SnapshotQuery::default() };
        let mut session = self.session().await?;
        let snapshot = session.snapshot(&ask).await;
        session.end().await;
        let calendar = snapshot?.calendars.remove(&room);
        Ok(calendar.filter(|calendar| !calendar.room.is_deleted()))
    }

    async fn row_by_id(
        &self,
        sql: &'static str,
        id: Uuid,
    ) -> Result<Option<QueryResult>, StoreError> {
        match &self.pools {
            Pools::Postgres { hot, .. } => {
                let mut lent = hot.get().await.map_err(StoreError::acquiring)?;
                let row = query(sql).bind(id).fetch_optional(lent.start()).await;
                Ok(lent.settle(row)?.map(QueryResult::from))
            }
            Pools::Sqlite { reader, .. } => {
                let row = query(sql).bind(id).fetch_optional(reader).await;
                Ok(row.map_err(StoreError::of)?.map(QueryResult::from))
            }
        }
    }
}
