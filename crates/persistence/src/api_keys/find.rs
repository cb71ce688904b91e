//! Looking for API keys.

use vacancy_domain::HotelId;

use super::row::{ApiKey, COLUMNS, KeyLookup, joined, lookup, read};
use crate::dialect::Dialect;
use crate::listing::Page;
use crate::query::Query;
use crate::{Store, StoreError};

impl Store {
    /// The key of this id, expired or revoked or not.
    pub async fn api_key(&self, id: &str) -> Result<Option<KeyLookup>, StoreError> {
        Ok(self.api_keys_of(&[id.to_owned()]).await?.pop())
    }

    /// The keys of these ids, as far as there are any, by one statement. An id has no blank in it.
    pub async fn api_keys_of(&self, ids: &[String]) -> Result<Vec<KeyLookup>, StoreError> {
        let now = self.dialect.now();
        let sql = format!("SELECT {COLUMNS}, secret_hash, {now} AS now FROM api_keys WHERE id ");
        let mut query = Query::new(self.dialect, sql);
        let ids = query.value(ids.join(" "));
        query.push(&match self.dialect {
            Dialect::Sqlite => format!("IN ({})", words_of(&ids)),
            Dialect::Postgres => format!("= ANY (string_to_array({ids}, ' '))"),
        });
        query.all(&self.reader).await?.iter().map(lookup).collect()
    }

    /// A page of keys, by id; of those limited to `hotels` or some of them, if that is given.
    pub async fn api_keys(
        &self,
        hotels: Option<&[HotelId]>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Page<ApiKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id > ");
        let mut query = Query::new(self.dialect, sql);
        query.bind(after.unwrap_or_default());
        if hotels.is_some() {
            let within = self.limited_to(&mut query, hotels);
            query.push(" AND ").push(&within);
        }
        query.push(" ORDER BY id").limit(limit + 1);
        let rows = query.all(&self.reader).await?;
        let keys: Result<Vec<_>, _> = rows.iter().map(read).collect();
        let mut items = keys?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > wanted;
        items.truncate(wanted);
        Ok(Page { items, more })
    }

    /// Whether `principal` has keys, and all of them, also those that are over, are limited to `hotels`
    /// or some of them.
    pub async fn has_keys_only_of(
        &self,
        principal: &str,
        hotels: &[HotelId],
    ) -> Result<bool, StoreError> {
        let mut query = Query::new(self.dialect, "SELECT COUNT(*) AS keys, COUNT(CASE WHEN ");
        let within = self.limited_to(&mut query, Some(hotels));
        query.push(&within).push(" THEN 1 END) AS within FROM api_keys WHERE principal = ");
        query.bind(principal);
        let Some(row) = query.one(&self.reader).await? else { return Ok(false) };
        let (keys, within): (i64, i64) = (row.try_get("", "keys")?, row.try_get("", "within")?);
        Ok(keys > 0 && within == keys)
    }

    /// Whether there is a key that is accepted now.
    pub async fn has_api_keys(&self) -> Result<bool, StoreError> {
        let now = self.dialect.now();
        let query = Query::new(
            self.dialect,
            format!(
                "SELECT 1 AS one FROM api_keys WHERE revoked_at IS NULL \
                 AND (expires_at IS NULL OR expires_at > {now}) LIMIT 1"
            ),
        );
        Ok(query.one(&self.reader).await?.is_some())
    }

    /// That a key is limited to hotels, all of which are among these.
    fn limited_to(&self, query: &mut Query, hotels: Option<&[HotelId]>) -> String {
        let own = query.value(joined(hotels));
        let among = match self.dialect {
            Dialect::Sqlite => format!(
                "NOT EXISTS (SELECT 1 FROM ({}) AS w WHERE w.value NOT IN ({}))",
                words_of("hotels"),
                words_of(&own)
            ),
            Dialect::Postgres => {
                format!("string_to_array(hotels, ' ') <@ string_to_array({own}, ' ')")
            }
        };
        format!("(hotels IS NOT NULL AND {among})")
    }
}

/// On SQLite, the words of a text as rows.
fn words_of(text: &str) -> String {
    format!("SELECT value FROM json_each('[\"' || replace({text}, ' ', '\",\"') || '\"]')")
}
