//! Request bodies and everything else a write brings along, read in the order of the contract.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::App;
use crate::http::etag::RawPreconditions;
use crate::http::idempotency::{self, ClientKey};
use crate::http::layers::RequestId;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::{NamesVersion, Query};

/// The most bytes of a body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What every write brings along besides its path and body.
#[derive(Clone, Debug)]
pub struct WriteContext {
    /// Its preconditions, not yet compared.
    pub preconditions: RawPreconditions,
    /// Its `Idempotency-Key`.
    pub key: Option<ClientKey>,
    /// SHA-256 of what makes it the same request.
    pub fingerprint: [u8; 32],
    /// Its id, for the log, the events and its answer.
    pub request: RequestId,
    /// Whether the client wants no body back (`Prefer: return=minimal`).
    pub minimal: bool,
}

impl WriteContext {
    /// For a write that this service does of its own accord.
    #[must_use]
    pub fn internal() -> Self {
        Self {
            preconditions: RawPreconditions::default(),
            key: None,
            fingerprint: [0; 32],
            request: RequestId::made(),
            minimal: false,
        }
    }
}

/// A write as it came in. A body that does not read is kept as the problem it is: stale
/// preconditions are answered first.
#[derive(Clone, Debug)]
pub struct WriteRequest<B, Q> {
    /// All but the body.
    pub context: WriteContext,
    /// The body, or why it is none.
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
        shape(syntax(bytes)?).map(Self)
    }
}

/// A typed JSON body.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl ReadBody for Value {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        syntax(bytes)
    }
}

/// No body.
#[derive(Clone, Copy, Debug)]
pub struct NoBody;

impl ReadBody for NoBody {
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

impl<B: ReadBody, Q: NamesVersion> FromRequest<App> for WriteRequest<B, Q> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let announced = announced_length(&parts.headers);
        let has_body = !B::ABSENT || announced.is_none_or(|length| length > 0);
        if has_body {
            check_media_type::<B>(&parts.method, &parts.headers)?;
        }
        let body = read_whole(body, announced).await?;
        let Query(query) = Query::<Q>::from_request_parts(&mut parts, app).await?;
        let preconditions = RawPreconditions::new(&parts.headers, query.version()?);
        let key = idempotency::client_key(&parts.headers)?;
        let fingerprint =
            idempotency::fingerprint(&parts.method, &parts.uri, &body, &preconditions);
        let context = WriteContext {
            preconditions,
            key,
            fingerprint,
            request: RequestId::of(&parts.extensions),
            minimal: prefers_minimal(&parts.headers),
        };
        Ok(Self { context, body: B::read(&body), query: std::marker::PhantomData })
    }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Some(0) };
    length.to_str().ok()?.parse().ok()
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

/// Reads the body to its end. One that is or will be too large is not waited for: the connection
/// is closed after the answer, and the server lingers so that its sender hears it.
async fn read_whole(mut body: Body, announced: Option<usize>) -> Result<Bytes, Problem> {
    let too_large = Problem::PayloadTooLarge { limit: BODY_BYTES_MAX };
    if announced.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large);
    }
    let read = async {
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0));
        while let Some(frame) = body.frame().await {
            let frame = frame
                .map_err(|_| Problem::InvalidRequest("the body ended before it should".into()))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(too_large);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Bytes::from(bytes))
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or(Err(Problem::RequestTimeout))
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

/// The syntax of JSON, to the depth that `serde_json` takes (128).
fn syntax(bytes: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|why| Problem::InvalidRequest(format!("the body is not JSON: {why}")))
}

/// What is said of a field that an object does not have.
pub const UNKNOWN_FIELD: &str = "is not a field of this object";

/// Reads JSON as a `T`; fails with 422 and a pointer to the field. What was sent is not repeated in
/// the message: it may be a guest's.
pub fn shape<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if let Some(pointer) = find_list(&value) {
        // Serde would read a list as the fields of an object in their order. No body here has one.
        return Err(Problem::invalid(pointer, "must not be a list"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Map { key } => push_segment(&mut pointer, key),
                Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        let (field, message) = in_our_words(&error.inner().to_string());
        if let Some(field) = field {
            // Serde's path sometimes ends at the field and sometimes at its object.
            let mut segment = String::new();
            push_segment(&mut segment, &field);
            if !pointer.ends_with(&segment) {
                pointer.push_str(&segment);
            }
        }
        Problem::ValidationFailed(vec![FieldError { pointer, message }])
    })
}

/// The pointer of the first list anywhere in `value`.
fn find_list(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) => Some(String::new()),
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let behind = find_list(value)?;
            let mut pointer = String::new();
            push_segment(&mut pointer, key);
            Some(pointer + &behind)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Serde's message without the value it quotes, and the field it names, if any.
fn in_our_words(message: &str) -> (Option<String>, String) {
    let quoted = |message: &str| message.split('`').nth(1).map(str::to_owned);
    if message.starts_with("missing field `") {
        return (quoted(message), "is required".into());
    }
    if message.starts_with("unknown field `") {
        return (quoted(message), UNKNOWN_FIELD.into());
    }
    // The quoted value may hold the same words, so the last ones count.
    let expected = match message.rsplit_once("expected ").map(|(_, expected)| expected) {
        Some("i64" | "u64") => "an integer of 64 bits",
        Some("a string" | "a borrowed string") => "a string",
        Some(expected) if expected.starts_with("struct ") => "an object",
        Some(_) | None => "something else",
    };
    (None, format!("must be {expected}"))
}

fn push_segment(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Collects what is wrong with a body, so that its sender corrects everything at once.
#[derive(Debug, Default)]
pub struct Findings(Vec<FieldError>);

impl Findings {
    /// Keeps the value, or what is wrong with the field at `pointer`.
    pub fn at<T>(&mut self, pointer: &str, parsed: Result<T, String>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(message) => {
                self.0.push(FieldError { pointer: pointer.to_owned(), message });
                None
            }
        }
    }

    /// Adds what is wrong with a field, if anything is.
    pub fn add<T>(&mut self, checked: Result<T, vacancy_domain::Invalid>) -> Option<T> {
        checked.map_err(|invalid| self.0.push(invalid.into())).ok()
    }

    /// The value, if everything it is made of was found; otherwise 422 with all findings.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(Problem::ValidationFailed(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: i64,
    }

    #[test]
    fn a_wrong_shape_points_at_the_field() {
        for (value, pointer) in [
            (json!({"inner": {"count": "one"}}), "/inner/count"),
            (json!({"inner": [1]}), "/inner"),
            (json!({"inner": {"count": [1]}}), "/inner/count"),
            (json!({"inner": 1}), "/inner"),
            (json!({"inner": {"count": 1.5}}), "/inner/count"),
            (json!({"inner": {}}), "/inner/count"),
            (json!({"inner": {"count": 1, "more": 2}}), "/inner/more"),
            (json!({"inner": {"count": 1}, "a/b": 2}), "/a~1b"),
            (json!({"inner": {"count": 1, "a/b~c": 2}}), "/inner/a~1b~0c"),
            (json!({}), "/inner"),
            (json!([]), ""),
            (json!([{"count": 1}]), ""),
            (json!({"inner": [1]}), "/inner"),
        ] {
            let shaped = shape::<Outer>(value.clone());
            let Err(Problem::ValidationFailed(errors)) = shaped else { panic!("{value}") };
            assert_eq!(errors[0].pointer, pointer, "{value}: {errors:?}");
        }
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        for value in [
            json!({"inner": {"count": "Ada Lovelace"}}),
            json!({"inner": "Ada Lovelace, expected `Ada Lovelace`"}),
            json!("Ada Lovelace"),
        ] {
            let shaped = shape::<Outer>(value.clone());
            let Err(Problem::ValidationFailed(errors)) = shaped else { panic!("{value}") };
            assert!(!format!("{errors:?}").contains("Lovelace"), "{errors:?}");
            assert!(errors[0].message.starts_with("must be an"), "{errors:?}");
        }
    }

    /// The body of a client that has sent all it will ever send, and does not say so.
    struct Silent(Option<Bytes>);

    impl hyper::body::Body for Silent {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_waited_for_until_its_time_is_up() {
        for (sent, announced) in [(None, Some(1)), (Some("{"), Some(2)), (Some("{}"), None)] {
            let began = tokio::time::Instant::now();
            let body = Body::new(Silent(sent.map(Bytes::from)));
            let read = read_whole(body, announced).await;
            assert!(matches!(read, Err(Problem::RequestTimeout)), "{sent:?}: {read:?}");
            assert_eq!(began.elapsed(), Duration::from_secs(10), "{sent:?}");
        }
    }

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
