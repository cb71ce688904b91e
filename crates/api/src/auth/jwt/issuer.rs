//! Which issuers are trusted, and with what.

use std::time::Duration;

/// An issuer of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// The short name in principals and metrics.
    pub alias: String,
    /// Its `iss`, and where its keys are found.
    pub url: String,
    /// Where its keys are; absent: where its discovery document says.
    pub keys: Option<String>,
}

/// How tokens are checked.
#[derive(Clone, Debug)]
pub struct JwtOptions {
    /// The issuers that are trusted.
    pub issuers: Vec<Issuer>,
    /// The `aud` that tokens must name.
    pub audience: String,
    /// The algorithms that are accepted, of `RS256`, `PS256`, `ES256`, `EdDSA`.
    pub algorithms: Vec<jsonwebtoken::Algorithm>,
    /// The claim with the scopes; `scp` is read too.
    pub scope_claim: String,
    /// The claim with the hotels a token is limited to.
    pub hotels_claim: String,
    /// By how much clocks may differ.
    pub leeway: Duration,
}
