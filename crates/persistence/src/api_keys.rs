//! API keys, and the log of what was done to them. A key's secret is never here: only its SHA-256.

use sea_orm::{DbErr, QueryResult};
use serde_json::{Value as Json, json};
use uuid::Uuid;
use vacancy_domain::{HotelId, Instant};

use crate::commit_hotel::remember;
use crate::gate::CommitGate;
use crate::keys::Record;
use crate::listing::Page;
use crate::query::Query;
use crate::tx::Tx;
use crate::{Store, StoreError};

const COLUMNS: &str = "id, principal, name, scopes, hotels, created_at, created_by, expires_at, \
                       revoked_at, last_used_at";

/// An API key as stored, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The public half of its text, 12 characters.
    pub id: String,
    /// The name it stands for, which several keys may share.
    pub principal: String,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What it may do: names with blanks between them.
    pub scopes: String,
    /// The hotels it is limited to; absent: none.
    pub hotels: Option<Vec<HotelId>>,
    /// When it was made.
    pub created_at: Instant,
    /// The principal that made it.
    pub created_by: String,
    /// From when on it is not accepted.
    pub expires_at: Option<Instant>,
    /// Since when it is not accepted.
    pub revoked_at: Option<Instant>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Instant>,
}

/// A key, found by its id, to be compared with what a request carries.
#[derive(Clone, Debug)]
pub struct KeyLookup {
    /// The key, perhaps expired or revoked.
    pub key: ApiKey,
    /// SHA-256 of its secret.
    pub secret_hash: Vec<u8>,
    /// The database's time.
    pub now: Instant,
}

/// What to change of a key; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct KeyEdit {
    /// The name.
    pub name: Option<String>,
    /// The expiry; `Some(None)` removes it.
    pub expires_at: Option<Option<Instant>>,
}

impl Store {
    /// The key of this id, expired or revoked or not.
    pub async fn api_key(&self, id: &str) -> Result<Option<KeyLookup>, StoreError> {
        let now = self.dialect.now();
        let sql = format!("SELECT {COLUMNS}, secret_hash, {now} AS now FROM api_keys WHERE id = ");
        let mut query = Query::new(self.dialect, sql);
        query.bind(id);
        let Some(row) = query.one(&self.reader).await? else { return Ok(None) };
        let (secret_hash, now) = (row.try_get("", "secret_hash")?, row.try_get("", "now")?);
        Ok(Some(KeyLookup { key: read(&row)?, secret_hash, now }))
    }

    /// All keys, by id.
    pub async fn api_keys(
        &self,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Page<ApiKey>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM api_keys WHERE id > ");
        let mut query = Query::new(self.dialect, sql);
        query.bind(after.unwrap_or_default()).push(" ORDER BY id LIMIT ").bind(limit + 1);
        let rows = query.all(&self.reader).await?;
        let keys: Result<Vec<_>, _> = rows.iter().map(read).collect();
        let mut items = keys?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > wanted;
        items.truncate(wanted);
        Ok(Page { items, more })
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

    /// Keeps a new key, whose secret has this hash, with the answer under the request's key. Fails
    /// with [`StoreError::Lost`] when another request has taken that key meanwhile.
    pub async fn create_api_key(
        &self,
        key: &ApiKey,
        secret_hash: [u8; 32],
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        let mut tx = Tx::begin(self).await?;
        let written = async {
            let columns = "(id, principal, name, secret_hash, scopes, hotels, created_at, \
                           created_by, expires_at)";
            let mut insert =
                Query::new(self.dialect, format!("INSERT INTO api_keys {columns} VALUES ("));
            insert.bind(key.id.as_str()).push(", ").bind(key.principal.as_str()).push(", ");
            insert.bind(key.name.as_str()).push(", ").bind(secret_hash.to_vec()).push(", ");
            insert.bind(key.scopes.as_str()).push(", ").bind(joined(key.hotels.as_deref()));
            insert.push(", ").bind(key.created_at).push(", ").bind(key.created_by.as_str());
            insert.push(", ").bind(key.expires_at).push(")");
            tx.done(insert.execute(&tx.inner).await)?;
            let data = json!({
                "principal": key.principal, "name": key.name, "scopes": key.scopes,
                "hotels": key.hotels.as_ref().map(Vec::len),
            });
            self.log(&mut tx, &key.created_by, "key_created", &key.id, data).await?;
            match record {
                Some(record) => remember(&mut tx, record, key.created_at).await,
                None => Ok(()),
            }
        };
        let written = written.await;
        end(tx, written).await
    }

    /// Changes a key. None when there is no such key.
    pub async fn edit_api_key(
        &self,
        id: &str,
        edit: &KeyEdit,
        actor: &str,
    ) -> Result<Option<ApiKey>, StoreError> {
        let mut tx = Tx::begin(self).await?;
        let written = async {
            let mut update = Query::new(self.dialect, "UPDATE api_keys SET id = id");
            if let Some(name) = &edit.name {
                update.push(", name = ").bind(name.as_str());
            }
            if let Some(expires_at) = edit.expires_at {
                update.push(", expires_at = ").bind(expires_at);
            }
            update.push(" WHERE id = ").bind(id);
            if tx.done(update.execute(&tx.inner).await)? == 0 {
                return Ok(());
            }
            let data = json!({
                "name": edit.name,
                "expires_at": edit.expires_at.map(|at| at.map(|at| at.to_rfc3339())),
            });
            self.log(&mut tx, actor, "key_edited", id, data).await
        };
        let written = written.await;
        end(tx, written).await?;
        Ok(self.api_key(id).await?.map(|found| found.key))
    }

    /// Revokes a key; one that is revoked already stays as it is. Returns whether there is one.
    pub async fn revoke_api_key(&self, id: &str, actor: &str) -> Result<bool, StoreError> {
        let mut tx = Tx::begin(self).await?;
        let written = async {
            let now = self.dialect.now();
            let sql = format!("UPDATE api_keys SET revoked_at = {now} WHERE id = ");
            let mut update = Query::new(self.dialect, sql);
            update.bind(id).push(" AND revoked_at IS NULL");
            if tx.done(update.execute(&tx.inner).await)? == 1 {
                self.log(&mut tx, actor, "key_revoked", id, json!({})).await?;
            }
            Ok(())
        };
        let written = written.await;
        end(tx, written).await?;
        Ok(self.api_key(id).await?.is_some())
    }

    /// Notes that a key was used.
    pub async fn api_key_used(&self, id: &str) -> Result<(), StoreError> {
        let sql = format!("UPDATE api_keys SET last_used_at = {} WHERE id = ", self.dialect.now());
        let mut update = Query::new(self.dialect, sql);
        update.bind(id);
        crate::tx::in_transaction(self, update).await.map(|_| ())
    }

    async fn log(
        &self,
        tx: &mut Tx,
        actor: &str,
        kind: &str,
        subject: &str,
        data: Json,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO access_log (id, at, actor, kind, subject, data) VALUES (";
        let mut insert = Query::new(self.dialect, sql);
        insert.bind(Uuid::now_v7()).push(", ").push(self.dialect.now()).push(", ").bind(actor);
        insert.push(", ").bind(kind).push(", ").bind(subject).push(", ").bind(data).push(")");
        tx.done(insert.execute(&tx.inner).await).map(|_| ())
    }
}

async fn end(tx: Tx, written: Result<(), StoreError>) -> Result<(), StoreError> {
    match written {
        Ok(()) => tx.commit(&CommitGate::default()).await,
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

fn joined(hotels: Option<&[HotelId]>) -> Option<String> {
    let ids = hotels?.iter().map(|hotel| hotel.0.to_string());
    Some(ids.collect::<Vec<_>>().join(" "))
}

fn read(row: &QueryResult) -> Result<ApiKey, StoreError> {
    let id: String = row.try_get("", "id")?;
    let hotels: Option<String> = row.try_get("", "hotels")?;
    let hotels = hotels.map(|ids| {
        let ids = ids.split_whitespace().map(|id| Uuid::parse_str(id).map(HotelId));
        ids.collect::<Result<Vec<_>, _>>()
    });
    let hotels = hotels.transpose();
    let hotels =
        hotels.map_err(|why| StoreError::corrupt("api_keys", "hotels", &id, why.to_string()))?;
    let key = || -> Result<ApiKey, DbErr> {
        Ok(ApiKey {
            principal: row.try_get("", "principal")?,
            name: row.try_get("", "name")?,
            scopes: row.try_get("", "scopes")?,
            hotels,
            created_at: row.try_get("", "created_at")?,
            created_by: row.try_get("", "created_by")?,
            expires_at: row.try_get("", "expires_at")?,
            revoked_at: row.try_get("", "revoked_at")?,
            last_used_at: row.try_get("", "last_used_at")?,
            id,
        })
    };
    Ok(key()?)
}
