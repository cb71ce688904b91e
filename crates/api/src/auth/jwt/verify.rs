//! Whether a token holds, and what it grants.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::claims;
use super::issuer::JwtOptions;
use super::keys::{Keys, Known};
use super::ring_provider;
use super::strict;
use crate::auth::access::Grant;
use crate::metrics::{AuthResult, Metrics};

/// How often the keys of the issuers are fetched.
const REFRESH_INTERVAL: Duration = Duration::from_hours(1);

/// Checks tokens.
#[derive(Debug)]
pub struct Tokens {
    options: JwtOptions,
    issuers: Vec<Arc<Keys>>,
}

impl Tokens {
    /// Checks tokens as `options` say. Nothing is fetched yet.
    #[must_use]
    pub fn new(options: JwtOptions) -> Self {
        ring_provider::install();
        let issuers = options.issuers.iter().cloned().map(Keys::of).map(Arc::new).collect();
        Self { options, issuers }
    }

    /// What a token grants. Fails with why it is not accepted; with [`AuthResult::Unavailable`] when
    /// that cannot be found out because its issuer cannot be asked.
    pub async fn grant(&self, token: &str, metrics: &Arc<Metrics>) -> Result<Grant, AuthResult> {
        let mut parts = token.split('.');
        let (Some(head), Some(body)) = (parts.next(), parts.next()) else {
            return Err(AuthResult::Malformed);
        };
        strict::object(head).ok_or(AuthResult::Malformed)?;
        let claims = strict::object(body).ok_or(AuthResult::Malformed)?;
        let (algorithm, name) = self.read_head(token)?;
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(AuthResult::Malformed)?;
        let keys = self.issuers.iter().find(|keys| keys.issuer().url == issuer);
        let keys = keys.ok_or(AuthResult::Unknown)?;
        let key = match keys.get(&name, metrics).await {
            Known::Key(key) => key,
            Known::None => return Err(AuthResult::Unknown),
            Known::Nothing => return Err(AuthResult::Unavailable),
        };
        if !fits(&key, algorithm) {
            return Err(AuthResult::Unknown);
        }
        let key = DecodingKey::from_jwk(&key).map_err(|_| AuthResult::Unknown)?;
        let validation = self.validation(algorithm, issuer);
        decode::<Map<String, Value>>(token, &key, &validation).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind::{ExpiredSignature, InvalidSignature};
            #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is wrong with it")]
            match error.kind() {
                ExpiredSignature => AuthResult::Expired,
                InvalidSignature => AuthResult::Unknown,
                _ => AuthResult::Malformed,
            }
        })?;
        claims::grant(&self.options, &keys.issuer().alias, &claims).ok_or(AuthResult::Malformed)
    }

    /// Fetches the keys of all issuers, at once and every hour.
    pub async fn keep_fresh(&self, metrics: &Arc<Metrics>) {
        let mut hours = tokio::time::interval(REFRESH_INTERVAL);
        loop {
            hours.tick().await;
            self.refresh(metrics).await;
        }
    }

    /// Fetches the keys of all issuers, now.
    pub async fn refresh(&self, metrics: &Arc<Metrics>) {
        for keys in &self.issuers {
            keys.refresh(metrics).await;
        }
    }

    /// How old the keys of each issuer are, in seconds.
    pub fn ages(&self) -> impl Iterator<Item = (&str, f64)> {
        self.issuers
            .iter()
            .filter_map(|keys| Some((keys.issuer().alias.as_str(), keys.age()?.as_secs_f64())))
    }

    /// The algorithm and the name of the key. Fails for what is not pinned, and for heads that ask for
    /// more than a signature.
    fn read_head(&self, token: &str) -> Result<(Algorithm, String), AuthResult> {
        let head = decode_header(token).map_err(|_| AuthResult::Malformed)?;
        let typ = head.typ.as_deref();
        let known = typ.is_none_or(|typ| ["jwt", "at+jwt"].contains(&&*typ.to_ascii_lowercase()));
        let plain = head.crit.is_none() && head.enc.is_none() && head.zip.is_none();
        if !known || !plain || !self.options.algorithms.contains(&head.alg) {
            return Err(AuthResult::Malformed);
        }
        Ok((head.alg, head.kid.ok_or(AuthResult::Malformed)?))
    }

    /// Nothing is left to the library's defaults: they accept a token without `aud`, and do not look
    /// at `nbf`.
    fn validation(&self, algorithm: Algorithm, issuer: &str) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.algorithms = vec![algorithm];
        validation.leeway = self.options.leeway.as_secs();
        validation.reject_tokens_expiring_in_less_than = 0;
        validation.validate_exp = true;
        validation.validate_nbf = true;
        validation.validate_aud = true;
        validation.set_audience(&[&self.options.audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }
}

/// Whether the key is for this algorithm: by its own kind, and by what it says of itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let of_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::PS256) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let says = match key.common.key_algorithm {
        Some(KeyAlgorithm::RS256) => algorithm == Algorithm::RS256,
        Some(KeyAlgorithm::PS256) => algorithm == Algorithm::PS256,
        Some(KeyAlgorithm::ES256) => algorithm == Algorithm::ES256,
        Some(KeyAlgorithm::EdDSA) => algorithm == Algorithm::EdDSA,
        None => true,
        Some(_) => false,
    };
    let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    of_kind && says && signs
}
