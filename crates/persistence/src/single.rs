//! Reading one resource by its id. On PostgreSQL requests may share the statement.

use std::sync::Arc;

use sea_orm::sqlx::query;
use sea_orm::{FromQueryResult, QueryResult};
use uuid::Uuid;
use vacancy_domain::{Booking, BookingId, Calendar, Day, Hotel, HotelId, Room, RoomId};

use crate::by_id::Single;
use crate::connect::Pools;
use crate::entity::{booking, hotel, room};
use crate::rows::Columns;
use crate::snapshot::{NightsQuery, Snapshot, SnapshotQuery};
use crate::{Store, StoreError};

impl Store {
    /// A hotel that is not deleted.
    pub async fn hotel(&self, id: HotelId) -> Result<Option<Hotel>, StoreError> {
        let row = self.row_by_id(Single::Hotel, id.0).await?;
        let row = row.map(|row| hotel::Model::from_query_result(&row, "")).transpose()?;
        row.map(|row| row.into_domain(&self.zones)).transpose()
    }

    /// A room, deleted or not.
    pub async fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let row = self.row_by_id(Single::Room, id.0).await?;
        let row = row.map(|row| Columns::new(&row).room()).transpose()?.flatten();
        row.map(room::Model::into_domain).transpose()
    }

    /// A room that is not deleted.
    pub async fn live_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.room(id).await?.filter(|room| !room.is_deleted()))
    }

    /// A booking, whatever became of its room.
    pub async fn booking(&self, id: BookingId) -> Result<Option<Booking>, StoreError> {
        let row = self.row_by_id(Single::Booking, id.0).await?;
        let row = row.map(|row| Columns::new(&row).booking()).transpose()?.flatten();
        row.map(booking::Model::into_domain).transpose()
    }

    /// The room that a booking is in at this moment.
    pub async fn place_of(&self, id: BookingId) -> Result<Option<RoomId>, StoreError> {
        let row = self.row_by_id(Single::Place, id.0).await?;
        Ok(row.map(|row| row.try_get("", "room_id")).transpose()?.map(RoomId))
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
        let mut snapshot = match &self.pools {
            Pools::Postgres { hot, .. } => {
                Snapshot::read(&hot.snapshot_alone(&ask).await?, &ask, &self.zones)?
            }
            Pools::Sqlite { .. } => self.session()?.snapshot(&ask).await?,
        };
        let calendar = snapshot.calendars.remove(&room);
        Ok(calendar.filter(|calendar| !calendar.room.is_deleted()))
    }

    async fn row_by_id(
        &self,
        kind: Single,
        id: Uuid,
    ) -> Result<Option<Arc<QueryResult>>, StoreError> {
        match &self.pools {
            Pools::Postgres { hot, .. } => hot.row(kind, id).await,
            Pools::Sqlite { reader, .. } => {
                let row = query(kind.one()).bind(id).fetch_optional(reader).await;
                Ok(row.map_err(StoreError::of)?.map(|row| Arc::new(QueryResult::from(row))))
            }
        }
    }
}
