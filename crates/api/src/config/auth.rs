//! Who is let in.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jsonwebtoken::Algorithm;

use super::error::ConfigError;
use super::values::{MINUTE, duration, rate, whole_number};
use crate::auth::jwt::issuer::{Issuer, JwtOptions};
use crate::auth::jwt::may_fetch;

/// Who is let in.
#[derive(Args, Clone, Debug)]
pub struct AuthConfig {
    /// Whether requests need a credential; the default is none while the service listens on loopback
    /// alone, and otherwise there is no default
    #[arg(long, env = "VACANCY_AUTH", global = true, value_name = "MODE", value_enum)]
    pub auth: Option<AuthMode>,

    /// A file with one key that may do everything: how the first other keys are made; mode 0600
    #[arg(long, env = "VACANCY_ROOT_KEY_FILE", global = true, value_name = "FILE")]
    pub root_key_file: Option<PathBuf>,

    /// How many requests a second one principal may send to this process, 0 to 100000/s; 0 is no
    /// limit
    #[arg(
        long,
        env = "VACANCY_RATE_LIMIT",
        global = true,
        value_name = "NUMBER/s",
        default_value = "200/s",
        value_parser = rate
    )]
    pub rate_limit: u32,

    /// How many requests one principal may send at once before the rate counts, 1 to 100000
    #[arg(
        long,
        env = "VACANCY_RATE_BURST",
        global = true,
        value_name = "NUMBER",
        default_value_t = 400,
        value_parser = |text: &str| whole_number(text, 1, 100_000)
    )]
    pub rate_burst: u32,

    /// Which tokens are accepted.
    #[command(flatten)]
    pub oidc: OidcConfig,
}

/// Which tokens of identity providers are accepted.
#[derive(Args, Clone, Debug)]
pub struct OidcConfig {
    /// An issuer of tokens that is trusted, with a short name for it; may be repeated
    #[arg(
        long,
        env = "VACANCY_OIDC_ISSUER",
        global = true,
        value_name = "ALIAS=URL",
        value_delimiter = ','
    )]
    pub oidc_issuer: Vec<String>,

    /// The audience that tokens must name
    #[arg(long, env = "VACANCY_OIDC_AUDIENCE", global = true, value_name = "TEXT")]
    pub oidc_audience: Option<String>,

    /// Where an issuer's keys are, if its discovery document does not say; may be repeated
    #[arg(
        long,
        env = "VACANCY_OIDC_JWKS_URL",
        global = true,
        value_name = "ALIAS=URL",
        value_delimiter = ','
    )]
    pub oidc_jwks_url: Vec<String>,

    /// The signatures that are accepted: of `RS256`, `PS256`, `ES256`, `EdDSA`
    #[arg(
        long,
        env = "VACANCY_OIDC_ALGORITHMS",
        global = true,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "RS256,ES256",
        value_parser = algorithm
    )]
    pub oidc_algorithms: Vec<Algorithm>,

    /// The claim with the scopes, a text or a list; scp is read too
    #[arg(
        long,
        env = "VACANCY_OIDC_SCOPE_CLAIM",
        global = true,
        value_name = "NAME",
        default_value = "scope"
    )]
    pub oidc_scope_claim: String,

    /// The claim with the hotels a token is limited to
    #[arg(
        long,
        env = "VACANCY_OIDC_HOTELS_CLAIM",
        global = true,
        value_name = "NAME",
        default_value = "vacancy_hotels"
    )]
    pub oidc_hotels_claim: String,

    /// By how much the issuers' clocks may differ from ours, 0s to 5m
    #[arg(
        long,
        env = "VACANCY_OIDC_LEEWAY",
        global = true,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = |text: &str| duration(text, Duration::ZERO, 5 * MINUTE)
    )]
    pub oidc_leeway: Duration,
}

impl OidcConfig {
    /// How tokens are checked, if any are accepted. Fails when the options do not fit each other.
    pub(crate) fn options(&self) -> Result<Option<JwtOptions>, ConfigError> {
        if self.oidc_issuer.is_empty() {
            if !self.oidc_jwks_url.is_empty() {
                return Err(ConfigError::invalid("--oidc-jwks-url needs --oidc-issuer"));
            }
            return Ok(None);
        }
        let audience = self.oidc_audience.clone().filter(|audience| !audience.is_empty());
        let audience =
            audience.ok_or_else(|| ConfigError::invalid("--oidc-issuer needs --oidc-audience"))?;
        let mut issuers: Vec<Issuer> = Vec::new();
        for (alias, url) in self
            .oidc_issuer
            .iter()
            .map(|text| named("--oidc-issuer", text))
            .collect::<Result<Vec<_>, _>>()?
        {
            if issuers.iter().any(|other| other.alias == alias || other.url == url) {
                return Err(ConfigError::invalid(&format!("--oidc-issuer names {alias} twice")));
            }
            issuers.push(Issuer { alias, url, keys: None });
        }
        for text in &self.oidc_jwks_url {
            let (alias, url) = named("--oidc-jwks-url", text)?;
            let issuer = issuers.iter_mut().find(|issuer| issuer.alias == alias);
            let unknown = format!("--oidc-jwks-url: no --oidc-issuer is called {alias}");
            issuer.ok_or_else(|| ConfigError::invalid(&unknown))?.keys = Some(url);
        }
        Ok(Some(JwtOptions {
            issuers,
            audience,
            algorithms: self.oidc_algorithms.clone(),
            scope_claim: self.oidc_scope_claim.clone(),
            hotels_claim: self.oidc_hotels_claim.clone(),
            leeway: self.oidc_leeway,
        }))
    }
}

/// Reads `ALIAS=URL`: letters, digits and hyphens, and where documents may be fetched from.
fn named(option: &str, text: &str) -> Result<(String, String), ConfigError> {
    let parts = text.split_once('=').filter(|(alias, url)| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=32).contains(&alias.len()) && alias.bytes().all(known) && may_fetch(url)
    });
    let unfit = format!("{option} must be ALIAS=https://…");
    let (alias, url) = parts.ok_or_else(|| ConfigError::invalid(&unfit))?;
    Ok((alias.to_owned(), url.to_owned()))
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    let known = ["RS256", "PS256", "ES256", "EdDSA"].contains(&text);
    let algorithm = if known { text.parse().ok() } else { None };
    algorithm.ok_or_else(|| "must be RS256, PS256, ES256 or EdDSA".to_owned())
}

/// Whether requests need a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum AuthMode {
    /// Every caller that reaches the service may do everything
    None,
    /// Every request to the API and to the metrics needs a key
    Required,
}
