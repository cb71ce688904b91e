//! One resource by its id.

use vacancy_domain::{Booking, BookingId, Calendar, Day, Hotel, HotelId, Room, RoomId};

use crate::entity::{booking, hotel, room};
use crate::query::{Query, own_columns};
use crate::snapshot::{Nights, SnapshotQuery};
use crate::{Store, StoreError};

impl Store {
    /// A hotel that is not deleted.
    pub async fn hotel(&self, id: HotelId) -> Result<Option<Hotel>, StoreError> {
        let columns = own_columns::<hotel::Column>("h");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM hotels AS h"));
        query.push(" WHERE h.id = ").bind(id.0).push(" AND h.deleted_at IS NULL");
        self.first(query, hotel::Model::into_domain).await
    }

    /// A room, deleted or not.
    pub async fn room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        let columns = own_columns::<room::Column>("r");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM rooms AS r"));
        query.push(" WHERE r.id = ").bind(id.0);
        self.first(query, room::Model::into_domain).await
    }

    /// A room that is not deleted.
    pub async fn live_room(&self, id: RoomId) -> Result<Option<Room>, StoreError> {
        Ok(self.room(id).await?.filter(|room| !room.is_deleted()))
    }

    /// A booking, whatever became of its room.
    pub async fn booking(&self, id: BookingId) -> Result<Option<Booking>, StoreError> {
        let columns = own_columns::<booking::Column>("b");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM bookings AS b"));
        query.push(" WHERE b.id = ").bind(id.0);
        self.first(query, booking::Model::into_domain).await
    }

    /// The calendar of a room that is not deleted over `[from, to)`: room, version and bookings of
    /// one moment.
    pub async fn calendar(
        &self,
        room: RoomId,
        from: Day,
        to: Day,
    ) -> Result<Option<Calendar>, StoreError> {
        let nights = Nights::Range(Some(from), Some(to));
        let ask = SnapshotQuery { room: Some(room), nights, ..SnapshotQuery::default() };
        let calendar = self.snapshot(&ask).await?.calendar;
        Ok(calendar.filter(|calendar| !calendar.room.is_deleted()))
    }
}
