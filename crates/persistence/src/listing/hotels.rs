//! The list of hotels.

use vacancy_domain::{Hotel, HotelId};

use super::page::{Page, one_of};
use crate::entity::hotel;
use crate::query::{Query, own_columns};
use crate::{Store, StoreError};

impl Store {
    /// Hotels that are not deleted, perhaps only some of them, in order of their ids.
    pub async fn hotels(
        &self,
        city: Option<&str>,
        only: Option<&[HotelId]>,
        after: Option<HotelId>,
        limit: u64,
    ) -> Result<Page<Hotel>, StoreError> {
        let columns = own_columns::<hotel::Column>("h");
        let mut query = Query::new(self.dialect, format!("SELECT {columns} FROM hotels AS h"));
        query.push(" WHERE h.deleted_at IS NULL");
        if let Some(city) = city {
            query.push(" AND h.city = ").bind(city);
        }
        if let Some(only) = only {
            let only = one_of(&mut query, "h.id", only);
            query.push(" AND ").push(&only);
        }
        if let Some(after) = after {
            query.push(" AND h.id > ").bind(after.0);
        }
        query.push(" ORDER BY h.id").limit(limit + 1);
        let read = |hotel: hotel::Model| hotel.into_domain(&self.zones);
        self.page(query, limit, read).await
    }
}
