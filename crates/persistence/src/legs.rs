//! The bookings that one stay is: one, or one more for each room it has left.

use vacancy_domain::BookingId;

use crate::query::Query;
use crate::{Store, StoreError};

impl Store {
    /// All bookings of the stay that `booking` belongs to: the one under which it goes on, and those
    /// of the nights slept before in other rooms. None when there is no such booking.
    pub async fn legs_of_stay(&self, booking: BookingId) -> Result<Vec<BookingId>, StoreError> {
        let mut query = Query::new(
            self.dialect,
            "WITH head AS (SELECT COALESCE(continued_by, id) AS id FROM bookings WHERE id = ",
        );
        query.bind(booking.0);
        query.push(") SELECT b.id AS id FROM head JOIN bookings AS b ON b.id = head.id");
        query.push(" UNION ALL SELECT b.id FROM head JOIN bookings AS b");
        query.push(" ON b.continued_by = head.id");
        let rows = query.all(&self.reader).await?;
        let ids = rows.iter().map(|row| row.try_get("", "id").map(BookingId));
        Ok(ids.collect::<Result<_, sea_orm::DbErr>>()?)
    }
}
