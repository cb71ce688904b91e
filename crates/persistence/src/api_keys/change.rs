//! Making, changing and revoking API keys; each leaves a line in the access log.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::row::{ApiKey, KeyEdit, joined};
use crate::commit_hotel::remember;
use crate::gate::CommitGate;
use crate::keys::Record;
use crate::query::Query;
use crate::stale::again_if;
use crate::tx::Tx;
use crate::{Store, StoreError};

impl Store {
    /// Keeps a new key, whose secret has this hash, with the answer under the request's key. Fails
    /// with [`StoreError::Lost`] when another request has taken that key meanwhile.
    pub async fn create_api_key(
        &self,
        key: &ApiKey,
        secret_hash: [u8; 32],
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        let keeping = || async {
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
        };
        again_if(StoreError::is_stale_plan, keeping).await
    }

    /// Changes a key. None when there is no such key.
    pub async fn edit_api_key(
        &self,
        id: &str,
        edit: &KeyEdit,
        actor: &str,
    ) -> Result<Option<ApiKey>, StoreError> {
        let keeping = || async {
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
            end(tx, written).await
        };
        again_if(StoreError::is_stale_plan, keeping).await?;
        Ok(self.api_key(id).await?.map(|found| found.key))
    }

    /// Revokes a key; one that is revoked already stays as it is. Returns whether there is one.
    pub async fn revoke_api_key(&self, id: &str, actor: &str) -> Result<bool, StoreError> {
        let keeping = || async {
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
            end(tx, written).await
        };
        again_if(StoreError::is_stale_plan, keeping).await?;
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
