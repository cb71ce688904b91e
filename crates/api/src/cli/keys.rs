//! `vacancy keys`: the keys as an operator makes, lists and revokes them, also beside a service that
//! runs.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use vacancy_persistence::{ApiKey, SchemaState, Store};

use super::database::{connect, known_schema};
use super::output::say;
use crate::auth::key_text::KeyText;
use crate::config::{Config, ConfigError, KeysCommand};
use crate::keys::body::{KeyBody, KeyRequest};

/// How long a statement may run.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Who makes keys here, in lists and in the access log.
const ACTOR: &str = "cli";
/// How many keys are read at once.
const PAGE: u64 = 200;

pub(super) async fn keys(config: &Config, command: &KeysCommand) -> anyhow::Result<ExitCode> {
    if *command == KeysCommand::Generate {
        say(KeyText::made().reveal())?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before the database is asked.
    let request = request(command)?;
    // Not exclusively: a service may be at work on the same file.
    let store = connect(&config.database, false, TIMEOUT).await?;
    if let SchemaState::Behind(steps) = known_schema(&store).await? {
        bail!("migrations missing: {steps}; run vacancy migrate first");
    }
    let done = match (command, request) {
        (KeysCommand::Create { .. }, Some(request)) => create(&store, request).await,
        (KeysCommand::Revoke { id }, _) => revoke(&store, id).await,
        _ => list(&store).await,
    };
    store.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// The new key as it is meant, if one is to be made. It is read as the API reads it.
fn request(command: &KeysCommand) -> Result<Option<KeyRequest>, ConfigError> {
    let KeysCommand::Create { name, scopes, hotels, principal, expires } = command else {
        return Ok(None);
    };
    let mut body = json!({ "name": name, "scopes": scopes });
    if !hotels.is_empty() {
        body["hotels"] = json!(hotels);
    }
    if let Some(principal) = principal {
        body["principal"] = Value::from(principal.as_str());
    }
    if let Some(expires) = expires {
        body["expires_in_seconds"] = Value::from(expires.as_secs());
    }
    let unfit = |problem| ConfigError::invalid(&format!("the key: {problem}"));
    KeyBody::read(body).map(Some).map_err(|problem| unfit(problem.to_string()))
}

async fn create(store: &Store, request: KeyRequest) -> anyhow::Result<()> {
    let now = store.hotel_snapshot(None, None).await?.now;
    let text = KeyText::made();
    let key = request.into_key(&text, now, ACTOR);
    let kept = store.create_api_key(&key, text.hash(), None).await;
    kept.context("the key could not be kept")?;
    say(text.reveal())
}

async fn revoke(store: &Store, id: &str) -> anyhow::Result<()> {
    if !store.revoke_api_key(id, ACTOR).await? {
        bail!("there is no key {}", id.escape_debug());
    }
    say(&format!("{id} is revoked"))
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = store.api_keys(None, after.as_deref(), PAGE).await?;
        for key in &page.items {
            say(&line(key))?;
        }
        after = page.items.last().map(|key| key.id.clone());
        if !page.more {
            return Ok(());
        }
    }
}

fn line(key: &ApiKey) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", at.format("%F")),
        (None, Some(at)) => format!("until {}", at.format("%F")),
        (None, None) => "valid".to_owned(),
    };
    let hotels = match &key.hotels {
        Some(hotels) => format!("{} hotels", hotels.len()),
        None => "all hotels".to_owned(),
    };
    let ApiKey { id, principal, name, scopes, .. } = key;
    format!("{id}\t{principal}\t{scopes}\t{hotels}\t{state}\t{name}")
}
