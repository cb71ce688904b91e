//! Lets requests in, or not: the order is 421, 401, 429, 403, as the contract says.

use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, Utc};
use vacancy_persistence::{ApiKey, Store};

use super::access::{Access, Grant, Means};
use super::cache::KeyCache;
use super::credential::{self, Credential};
use super::denials::Denials;
use super::jwt::issuer::JwtOptions;
use super::jwt::verify::Tokens;
use super::key_text::KeyText;
use super::limits::{AtWork, Limits};
use super::origin;
use super::root_key::RootKey;
use super::scopes::Scopes;
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
    metrics: Arc<Metrics>,
    denials: Arc<Denials>,
}

impl Guard {
    /// A guard that lets in who `options` says, and counts in `metrics`.
    #[must_use]
    pub fn new(options: GuardOptions, metrics: Arc<Metrics>) -> Self {
        let limits = Limits::new(options.rate, options.burst);
        let tokens = options.jwt.clone().map(|jwt| Arc::new(Tokens::new(jwt)));
        let denials = Arc::new(Denials::of(metrics.clone()));
        Self { options, keys: KeyCache::default(), tokens, limits, metrics, denials }
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
        (headers, uri): (&HeaderMap, &Uri),
        scope: Scope,
    ) -> Result<(Access, Option<AtWork>), Problem> {
        if !self.options.required {
            if self.options.loopback {
                origin::check(headers, uri).inspect_err(|problem| {
                    let host = matches!(problem, Problem::Misdirected);
                    self.denials.deny("none", if host { Denial::Host } else { Denial::CrossSite });
                })?;
            }
            return Ok((Access::open(), None));
        }
        let read = credential::read(headers, uri);
        let read = read.inspect_err(|_| {
            self.metrics.authenticated(AuthMethod::None, AuthResult::Malformed);
        })?;
        let (means, grant) = self.identify(store, &read).await?;
        let name = grant.credential.clone();
        let at_work = self.limits.admit(&grant.principal).map_err(|seconds| {
            self.denials.deny(&name, Denial::Rate);
            Problem::RateLimited { seconds }
        })?;
        if !grant.scopes.allow(scope) {
            self.denials.deny(&name, Denial::Scope);
            return Err(Problem::InsufficientScope { needs: scope.name() });
        }
        Ok((Access::granted(means, grant, self.denials.clone()), Some(at_work)))
    }

    /// What the credential grants, counted. Fails with 401, or with 503 when that cannot be found out.
    async fn identify(&self, store: &Store, read: &Credential) -> Result<(Means, Grant), Problem> {
        let (method, name) = match read {
            Credential::Key(key) => (AuthMethod::Key, key.id()),
            Credential::Jwt(_) => (AuthMethod::Jwt, "jwt"),
            Credential::None | Credential::OtherScheme | Credential::Malformed => {
                (AuthMethod::None, "none")
            }
        };
        let found = match read {
            Credential::None => Err(Turned::Away(AuthResult::Missing)),
            Credential::OtherScheme | Credential::Malformed => {
                Err(Turned::Away(AuthResult::Malformed))
            }
            Credential::Jwt(token) => self.grant_of_token(token).await,
            Credential::Key(key) => self.grant_of_key(store, key).await,
        };
        match found {
            Ok((means, grant)) => {
                let method = if means == Means::Root { AuthMethod::Root } else { method };
                self.metrics.authenticated(method, AuthResult::Ok);
                Ok((means, grant))
            }
            Err(Turned::Away(result)) => {
                self.metrics.authenticated(method, result);
                self.denials.warn(name, result.label());
                let sent = !matches!(read, Credential::None | Credential::OtherScheme);
                Err(Problem::Unauthenticated { sent })
            }
            Err(Turned::Unknown(problem)) => {
                self.metrics.authenticated(method, AuthResult::Unavailable);
                Err(problem)
            }
        }
    }

    async fn grant_of_token(&self, token: &str) -> Result<(Means, Grant), Turned> {
        let tokens = self.tokens.as_ref().ok_or(Turned::Away(AuthResult::Unknown))?;
        match tokens.grant(token, &self.metrics).await {
            Ok(grant) => Ok((Means::Jwt, grant)),
            Err(AuthResult::Unavailable) => {
                let why = "the keys of the issuer are not known";
                Err(Turned::Unknown(Problem::unavailable(why)))
            }
            Err(result) => Err(Turned::Away(result)),
        }
    }

    async fn grant_of_key(&self, store: &Store, key: &KeyText) -> Result<(Means, Grant), Turned> {
        if self.options.root_key.as_ref().is_some_and(|root| root.is(key)) {
            let (credential, principal) = (ROOT.into(), ROOT.into());
            let scopes = Scopes::admin();
            let grant = Grant { credential, principal, scopes, hotels: None, expires_at: None };
            return Ok((Means::Root, grant));
        }
        let cached = self.keys.get(store, key.id()).await;
        let cached = cached.map_err(|why| Turned::Unknown(Problem::unavailable(&*why)))?;
        let (cached, read_now) = cached.ok_or(Turned::Away(AuthResult::Unknown))?;
        if !key.matches(&cached.lookup.secret_hash) {
            return Err(Turned::Away(AuthResult::Unknown));
        }
        // The database's time, as it is by now.
        let now = cached.lookup.now + cached.age();
        let stored = &cached.lookup.key;
        if stored.revoked_at.is_some() {
            return Err(Turned::Away(AuthResult::Revoked));
        }
        if stored.expires_at.is_some_and(|at| at <= now) {
            return Err(Turned::Away(AuthResult::Expired));
        }
        if read_now {
            note_use(store, stored, now);
        }
        let unread = || Turned::Unknown(Problem::internal("the scopes of the key do not read"));
        Ok((Means::Key, cached.grant.ok_or_else(unread)?))
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
