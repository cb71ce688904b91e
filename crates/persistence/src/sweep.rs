//! What a sweeper looks for. Nothing depends on it: a lapsed hold is expired by the next write that
//! meets it, an expired key is replaced by the next request that uses it.

use vacancy_domain::BookingId;

use crate::query::Query;
use crate::tx::in_transaction;
use crate::{Store, StoreError};

impl Store {
    /// Up to `limit` holds whose time is up, the oldest first, after the first `skip`.
    pub async fn lapsed_holds(&self, skip: u64, limit: u64) -> Result<Vec<BookingId>, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT id FROM bookings WHERE status = 'held'");
        query.push(&format!(" AND hold_expires_at <= {}", self.dialect.now()));
        query.push(" ORDER BY hold_expires_at");
        self.ids(query, skip, limit).await
    }

    /// Up to `limit` bookings with a guest who left more than `days` days ago, those that left first
    /// first, after the first `skip`; in whatever state they are.
    pub async fn guests_to_forget(
        &self,
        days: u32,
        skip: u64,
        limit: u64,
    ) -> Result<Vec<BookingId>, StoreError> {
        // In the words of the index, which SQLite compares with them.
        let sql = "SELECT id FROM bookings WHERE \
                   (guest_name <> 'erased' OR guest_email IS NOT NULL OR reference IS NOT NULL \
                    OR metadata IS NOT NULL)";
        let mut query = Query::new(self.dialect, sql);
        // A day in UTC may have begun before the hotel's own: only what is earlier is over everywhere.
        query.push(&format!(" AND check_out < {}", self.dialect.days_ago(days)));
        query.push(" ORDER BY check_out");
        self.ids(query, skip, limit).await
    }

    async fn ids(
        &self,
        mut query: Query,
        skip: u64,
        limit: u64,
    ) -> Result<Vec<BookingId>, StoreError> {
        query.limit(limit).push(" OFFSET ").bind(skip);
        let rows = query.all(&self.reader).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id").map(BookingId));
        Ok(ids.collect::<Result<_, sea_orm::DbErr>>()?)
    }

    /// Removes the answers that are kept about a booking, under whatever keys, and says how many.
    pub async fn forget_answers(&self, booking: BookingId) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idempotency_keys WHERE substr(body, 8, 36) = ";
        let mut query = Query::new(self.dialect, sql);
        query.bind(booking.0.to_string());
        in_transaction(self, query).await
    }

    /// Removes up to `limit` keys that have expired, and says how many.
    pub async fn forget_expired_keys(&self, limit: u64) -> Result<u64, StoreError> {
        let expired = format!("expires_at <= {}", self.dialect.now());
        // Said twice: a key that a request uses again while this statement waits for its row is
        // read anew, and only the outer condition is then asked again.
        let mut query = Query::new(self.dialect, "DELETE FROM idempotency_keys WHERE ");
        query.push(&expired).push(" AND key IN (SELECT key FROM idempotency_keys WHERE ");
        query.push(&expired).push(" ORDER BY expires_at").limit(limit).push(")");
        in_transaction(self, query).await
    }
}
