//! What the lists have in common.

use sea_orm::{DbErr, FromQueryResult};

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
        read: fn(M) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let mut rows: Vec<M> = query.models(&self.reader).await?;
        let wanted = usize::try_from(limit)
            .map_err(|_| StoreError::Failed(DbErr::Custom("a page beyond memory".into())))?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        Ok(Page { items: rows.into_iter().map(read).collect::<Result<_, _>>()?, more })
    }
}
