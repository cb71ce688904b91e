//! Reading a write: its body, preconditions, key and preferences, checked in the documented order.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::access::Access;
use crate::http::arrival;
use crate::http::fields::shape;
use crate::http::json::syntax;
use crate::http::key::{self, ClientKey};
use crate::http::preconditions::RawPreconditions;
use crate::http::problem::Problem;
use crate::http::query::{NamesVersion, Query};
use crate::http::request_id::RequestId;

/// What every write carries besides its path and body.
#[derive(Clone, Debug)]
pub struct WriteContext {
    /// Its preconditions, not yet compared.
    pub preconditions: RawPreconditions,
    /// Its `Idempotency-Key`, if it came with one.
    pub key: Option<ClientKey>,
    /// SHA-256 of what makes it the same request.
    pub fingerprint: [u8; 32],
    /// What it may see and do.
    pub access: Access,
    /// Its id, for the log, the events and its answer.
    pub request: RequestId,
    /// Whether the client wants no body back (`Prefer: return=minimal`).
    pub minimal: bool,
}

impl WriteContext {
    /// For a write that no request asked for, such as the expiry of a hold; `by` names the part of
    /// the service that does it.
    #[must_use]
    pub fn internal(by: &str) -> Self {
        Self {
            preconditions: RawPreconditions::default(),
            key: None,
            fingerprint: [0; 32],
            access: Access::system(by),
            request: RequestId::made(),
            minimal: false,
        }
    }

    /// For a further write that the same request asks for, of something its preconditions and its key
    /// do not name.
    #[must_use]
    pub fn further(&self) -> Self {
        let (access, request) = (self.access.clone(), self.request.clone());
        Self { access, request, ..Self::internal("request") }
    }
}

/// A write as it came in. A body that cannot be read is kept as a problem, because stale
/// preconditions are answered before it.
#[derive(Clone, Debug)]
pub struct WriteRequest<B, Q> {
    /// All but the body.
    pub context: WriteContext,
    /// The body, or why it cannot be read.
    pub body: Result<B, Problem>,
    query: std::marker::PhantomData<Q>,
}

/// What a body is read as.
pub trait ReadBody: Sized + Send {
    /// Whether the operation has no body: then none is expected, and an empty object is let pass.
    const ABSENT: bool = false;

    /// Reads it. Fails with 400 for what is not JSON and 422 for JSON of another shape.
    fn read(bytes: &[u8]) -> Result<Self, Problem>;
}

impl<T: DeserializeOwned + Send> ReadBody for Json<T> {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        Ok(Self(shape(syntax(bytes)?)?))
    }
}

/// A typed JSON body.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl ReadBody for Value {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        Ok(syntax(bytes)?)
    }
}

/// No body.
#[derive(Clone, Copy, Debug)]
pub struct EmptyBody;

impl ReadBody for EmptyBody {
    const ABSENT: bool = true;

    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self);
        }
        let empty = syntax(bytes)?.as_object().is_some_and(serde_json::Map::is_empty);
        let taken = || Problem::invalid("", "must be absent: this operation takes none");
        empty.then_some(Self).ok_or_else(taken)
    }
}

impl<B: ReadBody, Q: NamesVersion, S: Send + Sync> FromRequest<S> for WriteRequest<B, Q> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, _) = request.into_parts();
        let announced = arrival::announced_length(&parts.headers);
        let has_body = !B::ABSENT || announced.is_none_or(|length| length > 0);
        if has_body {
            check_media_type::<B>(&parts.method, &parts.headers)?;
        }
        let body = arrival::of(&mut parts.extensions, &parts.headers)?;
        let Query(query) = Query::<Q>::from_request_parts(&mut parts, state).await?;
        let preconditions = RawPreconditions::new(&parts.headers, query.version()?);
        let access = Access::of(&parts.extensions)?;
        let key = key::client_key(&parts.headers)?;
        let key = key.map(|key| key.of(access.principal()));
        let fingerprint = key::fingerprint(&parts.method, &parts.uri, &body, &preconditions);
        let context = WriteContext {
            preconditions,
            key,
            fingerprint,
            access,
            request: RequestId::of(&parts.extensions),
            minimal: prefers_minimal(&parts.headers),
        };
        Ok(Self { context, body: B::read(&body), query: std::marker::PhantomData })
    }
}

fn check_media_type<B: ReadBody>(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let patch = method == Method::PATCH;
    let expected =
        if patch { "application/merge-patch+json or application/json" } else { "application/json" };
    let unsupported = || Problem::UnsupportedMediaType { expected };
    if headers.get_all(header::CONTENT_TYPE).iter().count() > 1 {
        return Err(unsupported());
    }
    // Bodies are taken as they are: one that is compressed would not read as JSON.
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported());
    }
    let given = match headers.get(header::CONTENT_TYPE) {
        Some(given) => given.to_str().map_err(|_| unsupported())?,
        // An empty body of unknown length needs no type where none is expected.
        None if B::ABSENT => return Ok(()),
        None => return Err(unsupported()),
    };
    let essence = given.split(';').next().unwrap_or_default().trim();
    let json = essence.eq_ignore_ascii_case("application/json");
    let merge = patch && essence.eq_ignore_ascii_case("application/merge-patch+json");
    if json || merge { Ok(()) } else { Err(unsupported()) }
}

/// `Prefer: return=minimal` (RFC 7240, 4.2), among other preferences or alone.
fn prefers_minimal(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    let preferences = lines.flat_map(|line| line.split(',')).map(|preference| {
        let token = preference.split(';').next().unwrap_or_default();
        let mut sides = token.splitn(2, '=').map(str::trim);
        (sides.next().unwrap_or_default(), sides.next().unwrap_or_default().trim_matches('"'))
    });
    // Of a preference that is given more than once, the first counts (RFC 7240, 2).
    let mut returns = preferences.filter(|(name, _)| name.eq_ignore_ascii_case("return"));
    returns.next().is_some_and(|(_, value)| value.eq_ignore_ascii_case("minimal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_found_among_others() {
        for (lines, expect) in [
            (&["return=minimal"][..], true),
            (&["respond-async, return=minimal; x=1"], true),
            (&["wait=5", "Return = \"minimal\""], true),
            (&["return=representation"], false),
            (&["return=representation, return=minimal"], false),
            (&["return=minimal", "return=representation"], true),
            (&["minimal"], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("prefer", line.parse().expect("a header value"));
            }
            assert_eq!(prefers_minimal(&headers), expect, "{lines:?}");
        }
    }
}
