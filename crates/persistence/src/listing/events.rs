//! The history of a room.

use serde_json::Value as Json;
use vacancy_domain::{BookingId, Instant, RoomId, Version};

use super::page::Page;
use crate::entity::room_event;
use crate::query::{Query, own_columns};
use crate::{Store, StoreError};

/// One event as the history tells it.
#[derive(Clone, Debug)]
pub struct HistoryEvent {
    /// The room's version that it produced.
    pub version: Version,
    /// What happened, by name.
    pub kind: String,
    /// To which booking.
    pub booking: Option<BookingId>,
    /// When.
    pub at: Instant,
    /// The particulars.
    pub data: Json,
    /// The principal, if requests needed a credential.
    pub actor: Option<String>,
}

impl Store {
    /// The history of a room after `after`, oldest first.
    pub async fn events(
        &self,
        room: RoomId,
        after: i64,
        limit: u64,
    ) -> Result<Page<HistoryEvent>, StoreError> {
        let columns = own_columns::<room_event::Column>("e");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM room_events AS e"));
        query.push(" WHERE e.room_id = ").bind(room.0).push(" AND e.version > ").bind(after);
        query.push(" ORDER BY e.version").limit(limit + 1);
        self.page(query, limit, |row: room_event::Model| {
            Ok(HistoryEvent {
                version: Version(row.version),
                kind: row.kind,
                booking: row.booking_id.map(BookingId),
                at: row.at,
                data: row.data,
                actor: row.actor,
            })
        })
        .await
    }
}
