//! Lets requests in, or not: the order is 421, 401, 429, 403, as the contract says.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, Utc};
use vacancy_persistence::{ApiKey, Store};

use super::access::{Access, Grant, Means};
use super::cache::{Cached, KeyCache};
use super::credential::{self, Credential};
use super::jwt::issuer::JwtOptions;
use super::jwt::verify::Tokens;
use super::key_text::KeyText;
use super::limits::{AtWork, Limits};
use super::origin;
use super::root_key::RootKey;
use super::scopes::Scopes;
use super::warnings::Warnings;
use crate::about::Scope;
use crate::http::problem::Problem;
use crate::metrics::{AuthMethod, AuthResult, Denial, Metrics};

/// The principal of the root key.
pub const ROOT: &str = "root";
/// How old the note of a key's last use becomes before it is written anew, in seconds.
const LAST_USED_SECONDS: i64 = 60;

/// Who is let in.
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// Whether requests need a credential.
    pub required: bool,
    /// Whether the service listens on loopback alone, where requests without a credential must name
    /// this machine and come from no page of elsewhere.
    pub loopback: bool,
    /// The root key, if there is one.
    pub root_key: Option<RootKey>,
    /// Which tokens are accepted, if any.
    pub jwt: Option<JwtOptions>,
    /// Requests a second of one principal; 0 is no limit.
    pub rate: u32,
    /// Requests of one principal at once.
    pub burst: u32,
}

impl Default for GuardOptions {
    /// Open to all, without any check: for what is not on a network.
    fn default() -> Self {
        Self { required: false, loopback: false, root_key: None, jwt: None, rate: 200, burst: 400 }
    }
}

/// Lets requests in.
#[derive(Debug)]
pub struct Guard {
    options: GuardOptions,
    keys: KeyCache,
    tokens: Option<Arc<Tokens>>,
    limits: Limits,
    warnings: Warnings,
}

impl Guard {
    /// A guard that lets in who `options` says.
    #[must_use]
    pub fn new(options: GuardOptions) -> Self {
        let limits = Limits::new(options.rate, options.burst);
        let tokens = options.jwt.clone().map(|jwt| Arc::new(Tokens::new(jwt)));
        Self { options, keys: KeyCache::default(), tokens, limits, warnings: Warnings::default() }
    }

    /// Whether requests need a credential.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.options.required
    }

    /// Checks tokens, if any are accepted.
    #[must_use]
    pub fn tokens(&self) -> Option<&Arc<Tokens>> {
        self.tokens.as_ref()
    }

    /// Has a change of a key take effect at once in this process.
    pub fn forget(&self, id: &str) {
        self.keys.forget(id);
    }

    /// Decides on a request for something that needs `scope`. What comes back with the access is held
    /// while the request is at work.
    pub async fn admit(
        &self,
        store: &Store,
        metrics: &Arc<Metrics>,
        (headers, uri): (&HeaderMap, &Uri),
        scope: Scope,
    ) -> Result<(Access, Option<AtWork>), Problem> {
        if !self.options.required {
            if self.options.loopback {
                origin::check(headers, uri).inspect_err(|problem| {
                    let host = matches!(problem, Problem::Misdirected);
                    metrics.denied(if host { Denial::Host } else { Denial::CrossSite });
                    self.warnings.warn("none", if host { "another host" } else { "cross-site" });
                })?;
            }
            return Ok((Access::open(), None));
        }
        let read = credential::read(headers, uri);
        let read = read.inspect_err(|_| {
            metrics.authenticated(AuthMethod::None, AuthResult::Malformed);
        })?;
        let (method, name) = match &read {
            Credential::Key(key) => (AuthMethod::Key, key.id().to_owned()),
            Credential::Jwt(_) => (AuthMethod::Jwt, "jwt".to_owned()),
            Credential::None | Credential::OtherScheme | Credential::Malformed => {
                (AuthMethod::None, "none".to_owned())
            }
        };
        let access = match self.identify(store, metrics, &read).await {
            Ok(access) => access,
            Err(Turned::Away(result)) => {
                metrics.authenticated(method, result);
                self.warnings.warn(&name, result.label());
                let sent = !matches!(read, Credential::None | Credential::OtherScheme);
                return Err(Problem::Unauthenticated { sent });
            }
            Err(Turned::Unknown(problem)) => {
                metrics.authenticated(method, AuthResult::Unavailable);
                return Err(problem);
            }
        };
        let root = access.means() == Means::Root;
        metrics.authenticated(if root { AuthMethod::Root } else { method }, AuthResult::Ok);
        let at_work = access.principal().map(|principal| self.limits.admit(principal));
        let at_work = at_work.transpose().map_err(|seconds| {
            metrics.denied(Denial::Rate);
            self.warnings.warn(&name, Denial::Rate.label());
            Problem::RateLimited { seconds }
        })?;
        if !access.scopes().allow(scope) {
            metrics.denied(Denial::Scope);
            self.warnings.warn(&name, Denial::Scope.label());
            return Err(Problem::InsufficientScope { needs: scope.name() });
        }
        Ok((access, at_work))
    }

    async fn identify(
        &self,
        store: &Store,
        metrics: &Arc<Metrics>,
        read: &Credential,
    ) -> Result<Access, Turned> {
        match read {
            Credential::None => Err(Turned::Away(AuthResult::Missing)),
            Credential::OtherScheme | Credential::Malformed => {
                Err(Turned::Away(AuthResult::Malformed))
            }
            Credential::Jwt(token) => {
                let tokens = self.tokens.as_ref().ok_or(Turned::Away(AuthResult::Unknown))?;
                match tokens.grant(token, metrics).await {
                    Ok(grant) => Ok(Access::granted(Means::Jwt, grant, metrics.clone())),
                    Err(AuthResult::Unavailable) => {
                        let why = "the keys of the issuer are not known";
                        Err(Turned::Unknown(Problem::unavailable(why)))
                    }
                    Err(result) => Err(Turned::Away(result)),
                }
            }
            Credential::Key(key) => self.identify_key(store, metrics, key).await,
        }
    }

    async fn identify_key(
        &self,
        store: &Store,
        metrics: &Arc<Metrics>,
        key: &KeyText,
    ) -> Result<Access, Turned> {
        if self.options.root_key.as_ref().is_some_and(|root| root.is(key)) {
            let scopes = Scopes::admin();
            let grant = Grant { principal: ROOT.into(), scopes, hotels: None, expires_at: None };
            return Ok(Access::granted(Means::Root, grant, metrics.clone()));
        }
        let cached = self.keys.get(store, key.id()).await;
        let cached = cached.map_err(|why| Turned::Unknown(Problem::unavailable(why)))?;
        let Some(Cached { lookup, age, read_now }) = cached else {
            return Err(Turned::Away(AuthResult::Unknown));
        };
        if !key.matches(&lookup.secret_hash) {
            return Err(Turned::Away(AuthResult::Unknown));
        }
        // The database's time, as it is by now.
        let now = lookup.now + age;
        let stored = &lookup.key;
        if stored.revoked_at.is_some() {
            return Err(Turned::Away(AuthResult::Revoked));
        }
        if stored.expires_at.is_some_and(|at| at <= now) {
            return Err(Turned::Away(AuthResult::Expired));
        }
        if read_now {
            note_use(store, stored, now);
        }
        let scopes = Scopes::parse(&stored.scopes);
        let scopes = scopes.map_err(|why| Turned::Unknown(Problem::internal(why)))?;
        let hotels = stored.hotels.as_ref().map(|hotels| hotels.iter().copied().collect());
        let (principal, expires_at) = (stored.principal.as_str().into(), stored.expires_at);
        let grant = Grant { principal, scopes, hotels, expires_at };
        Ok(Access::granted(Means::Key, grant, metrics.clone()))
    }
}

/// Why a request was not let in.
enum Turned {
    /// Its credential does not hold.
    Away(AuthResult),
    /// Whether it holds could not be found out.
    Unknown(Problem),
}

/// Notes that a key was used, in the background and at most once a minute.
fn note_use(store: &Store, key: &ApiKey, now: DateTime<Utc>) {
    if key.last_used_at.is_some_and(|at| (now - at).num_seconds() < LAST_USED_SECONDS) {
        return;
    }
    let (store, id) = (store.clone(), key.id.clone());
    tokio::spawn(async move {
        if let Err(error) = store.api_key_used(&id).await {
            tracing::debug!(%error, "the last use of a key was not noted");
        }
    });
}
