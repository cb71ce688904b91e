//! Opening the database and bringing its tables up to date, for every command that needs them.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, bail};
use vacancy_persistence::{SchemaState, Store, StoreOptions};

use crate::config::DatabaseConfig;

/// What takes longer is told in the log, so that a process that waits is not taken for a dead one.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Opens the database.
pub(super) async fn connect(
    database: &DatabaseConfig,
    exclusive: bool,
    timeout: Duration,
) -> anyhow::Result<Store> {
    let options = StoreOptions {
        url: database.url.as_str().to_owned(),
        connections: database.connections,
        statement_timeout: timeout,
        exclusive,
    };
    Ok(announced("the database to answer", Store::connect(&options)).await?)
}

/// Brings the tables up to date, unless a newer release has been here.
pub(super) async fn migrate(store: &Store) -> anyhow::Result<()> {
    if let SchemaState::Behind(_) = known_schema(store).await? {
        let migrated = announced("the migrations, or for another process at them", store.migrate());
        migrated.await.context("the migration failed")?;
    }
    Ok(())
}

/// The state of the tables. Fails when a newer release has changed them.
pub(super) async fn known_schema(store: &Store) -> anyhow::Result<SchemaState> {
    let state = announced("the database to say which tables it has", store.schema_state()).await;
    let state = state.context("cannot read the state of the tables")?;
    if let SchemaState::Newer(step) = &state {
        bail!(
            "the database has migration {step}, which this release does not know: a newer one has \
             upgraded it; run that one"
        );
    }
    Ok(state)
}

/// Does the work, and says in the log what is waited for when that takes longer than a second.
async fn announced<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SILENCE_MAX) => {}
    }
    tracing::info!("waiting for {what}");
    work.await
}
