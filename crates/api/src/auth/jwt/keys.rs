//! The keys of an issuer, as they were published last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::Jwk;

use super::fetch;
use super::issuer::Issuer;
use crate::metrics::Metrics;

/// How long after a fetch, or an attempt at one, the next one may be.
const PAUSE: Duration = Duration::from_secs(30);
/// How long keys are used that cannot be fetched anew.
const STALE_MAX: Duration = Duration::from_hours(24);
/// The most keys of an issuer.
const KEYS_MAX: usize = 64;

/// The keys of one issuer.
#[derive(Debug)]
pub struct Keys {
    issuer: Issuer,
    state: Mutex<State>,
    /// Held by the one request that fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Arc<Jwk>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Known {
    /// It is this one.
    Key(Arc<Jwk>),
    /// The issuer has none of that name.
    None,
    /// The issuer cannot be asked, and what it said last is too old.
    Nothing,
}

impl Keys {
    /// Of an issuer that has not been asked yet.
    #[must_use]
    pub fn of(issuer: Issuer) -> Self {
        Self { issuer, state: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The key of this name. An unknown name has the keys fetched anew, at most every 30 s.
    pub async fn get(&self, name: &str, metrics: &Metrics) -> Known {
        if let known @ Known::Key(_) = self.look(name) {
            return known;
        }
        self.refresh(metrics, PAUSE).await;
        self.look(name)
    }

    /// Fetches the keys, unless that was tried within `pause`. One request at a time does; others
    /// wait for it.
    pub async fn refresh(&self, metrics: &Metrics, pause: Duration) {
        let _turn = self.fetching.lock().await;
        if self.state().tried.is_some_and(|tried| tried.elapsed() < pause) {
            return;
        }
        self.state().tried = Some(Instant::now());
        let fetched = self.fetch().await;
        metrics.jwks_refreshed(&self.issuer.alias, fetched.is_ok());
        match fetched {
            Ok(keys) => {
                let mut state = self.state();
                (state.keys, state.fetched) = (keys, Some(Instant::now()));
            }
            Err(why) => {
                let issuer = &self.issuer.alias;
                tracing::warn!(issuer, why, "the keys of an issuer could not be fetched");
            }
        }
    }

    /// How long ago the keys were fetched.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.state().fetched.map(|fetched| fetched.elapsed())
    }

    fn look(&self, name: &str) -> Known {
        let state = self.state();
        if state.fetched.is_none_or(|fetched| fetched.elapsed() > STALE_MAX) {
            return Known::Nothing;
        }
        state.keys.get(name).map_or(Known::None, |key| Known::Key(key.clone()))
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<Jwk>>, String> {
        let place = match &self.issuer.keys {
            Some(place) => place.clone(),
            None => self.discover().await?,
        };
        let document = fetch::json(&place).await?;
        let keys = document["keys"].as_array().ok_or("the answer has no keys")?;
        if keys.is_empty() || keys.len() > KEYS_MAX {
            return Err(format!(
                "the answer has {} keys, and 1 to {KEYS_MAX} are taken",
                keys.len()
            ));
        }
        // What is not understood is passed over: issuers publish keys for other uses too.
        let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let named = keys.filter_map(|key| Some((key.common.key_id.clone()?, Arc::new(key))));
        Ok(named.collect())
    }

    async fn discover(&self) -> Result<String, String> {
        let url = self.issuer.url.trim_end_matches('/');
        let document = fetch::json(&format!("{url}/.well-known/openid-configuration")).await?;
        if document["issuer"].as_str() != Some(&self.issuer.url) {
            return Err("the discovery document is of another issuer".to_owned());
        }
        let place = document["jwks_uri"].as_str().map(str::to_owned);
        place.ok_or_else(|| "the discovery document names no keys".to_owned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What was fetched is as good after a panic elsewhere as before.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
