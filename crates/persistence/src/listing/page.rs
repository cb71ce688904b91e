//! What the lists have in common.

use sea_orm::{DbErr, FromQueryResult};
use vacancy_domain::HotelId;

use crate::query::Query;
use crate::{Store, StoreError};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many as were asked for.
    pub items: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
}

impl Store {
    /// Reads a page by a statement that asks for one row more than `limit`, to know whether there
    /// are more.
    pub(super) async fn page<M: FromQueryResult, T>(
        &self,
        query: Query,
        limit: u64,
        read: impl Fn(M) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let mut rows: Vec<M> = query.models(&self.reader).await?;
        let wanted = usize::try_from(limit)
            .map_err(|_| StoreError::Failed(DbErr::Custom("a page beyond memory".into())))?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Ok(Page { items: rows.into_iter().map(read).collect::<Result<_, _>>()?, more })
    }
}

/// That `column` is one of the hotels. Their ids are bound once.
pub(super) fn one_of(query: &mut Query, column: &str, hotels: &[HotelId]) -> String {
    match hotels {
        // An empty list of values is no SQL.
        [] => "1 = 0".to_owned(),
        // Equality, so that an index gives the rows of the one hotel in the list's order.
        [only] => format!("{column} = {}", query.value(only.0)),
        several => {
            let ids: Vec<_> = several.iter().map(|hotel| query.value(hotel.0)).collect();
            format!("{column} IN ({})", ids.join(", "))
        }
    }
}

/// The hotels that a list is of, when `hotel` was asked for and only `hotels` may be seen: absent for
/// all, none at all when the two exclude each other.
pub(super) fn hotels_of(
    hotel: Option<HotelId>,
    hotels: Option<&[HotelId]>,
) -> Option<Vec<HotelId>> {
    match (hotel, hotels) {
        (Some(hotel), Some(hotels)) if !hotels.contains(&hotel) => Some(Vec::new()),
        (Some(hotel), _) => Some(vec![hotel]),
        (None, hotels) => hotels.map(<[_]>::to_vec),
    }
}
