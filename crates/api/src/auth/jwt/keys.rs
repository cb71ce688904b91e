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
    /// Held by the one fetch that is under way.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Arc<Jwk>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    /// Whether the last fetch failed: what the issuer has meanwhile is not known.
    failed: bool,
}

/// What is known of a key.
#[derive(Debug)]
pub enum Known {
    /// It is this one.
    Key(Arc<Jwk>),
    /// The issuer has none of that name.
    None,
    /// The issuer cannot be asked, and what it said last is too old or holds no such key.
    Nothing,
}

impl Keys {
    /// Of an issuer that has not been asked yet.
    #[must_use]
    pub fn of(issuer: Issuer) -> Self {
        Self { issuer, state: Mutex::default(), fetching: Arc::default() }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The key of this name. An unknown name has the keys fetched anew, at most every 30 s.
    pub async fn get(self: &Arc<Self>, name: &str, metrics: &Arc<Metrics>) -> Known {
        self.get_at(name, Instant::now(), metrics).await
    }

    async fn get_at(self: &Arc<Self>, name: &str, now: Instant, metrics: &Arc<Metrics>) -> Known {
        if let known @ Known::Key(_) = self.look(name, now) {
            return known;
        }
        self.refresh_at(now, PAUSE, metrics).await;
        self.look(name, now)
    }

    /// Fetches the keys, now.
    pub async fn refresh(self: &Arc<Self>, metrics: &Arc<Metrics>) {
        self.refresh_at(Instant::now(), Duration::ZERO, metrics).await;
    }

    /// Fetches the keys, unless that was tried within `pause`. One fetch is under way at a time;
    /// others wait for it.
    async fn refresh_at(self: &Arc<Self>, now: Instant, pause: Duration, metrics: &Arc<Metrics>) {
        let turn = self.fetching.clone().lock_owned().await;
        {
            let mut state = self.state();
            if state.tried.is_some_and(|tried| now.saturating_duration_since(tried) < pause) {
                return;
            }
            state.tried = Some(now);
        }
        // A task of its own: a caller that hangs up would otherwise end the fetch, and be the only
        // one to ask within the pause.
        let (keys, metrics) = (self.clone(), metrics.clone());
        let fetching = tokio::spawn(async move {
            let fetched = keys.fetch().await;
            metrics.jwks_refreshed(&keys.issuer.alias, fetched.is_ok());
            keys.keep(fetched, now);
            drop(turn);
        });
        if let Err(error) = fetching.await {
            // The end of the process, or a panic, which was no answer of the issuer's either.
            tracing::error!(%error, "fetching the keys of an issuer ended early");
            self.state().failed = true;
        }
    }

    fn keep(&self, fetched: Result<HashMap<String, Arc<Jwk>>, String>, now: Instant) {
        let mut state = self.state();
        state.failed = fetched.is_err();
        match fetched {
            Ok(keys) => (state.keys, state.fetched) = (keys, Some(now)),
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

    fn look(&self, name: &str, now: Instant) -> Known {
        let state = self.state();
        let age = state.fetched.map(|fetched| now.saturating_duration_since(fetched));
        if age.is_none_or(|age| age > STALE_MAX) {
            return Known::Nothing;
        }
        match state.keys.get(name) {
            Some(key) => Known::Key(key.clone()),
            // It may be one that the issuer has made since.
            None if state.failed => Known::Nothing,
            None => Known::None,
        }
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

#[cfg(test)]
mod tests;
