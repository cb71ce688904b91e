//! An HTTP client that shows what came, whatever the status, and bare sockets for what is not HTTP.

use std::borrow::Borrow;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Error, Method, RequestBuilder};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::PATIENCE;

pub use reqwest::header::HeaderMap;

/// How long [`raw`] listens. Longer than any deadline of the service for a slow request.
const RAW_DEADLINE: Duration = Duration::from_secs(15);

/// A client with connections of its own. It follows no redirect and gives up after [`PATIENCE`].
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A new client, which shares no connection with any other.
    pub fn new() -> Self {
        let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let builder = builder.redirect(reqwest::redirect::Policy::none());
        Self { inner: builder.build().expect("no TLS and no proxy: nothing to go wrong") }
    }

    /// `GET url`
    pub fn get(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::GET, url)
    }

    /// `HEAD url`
    pub fn head(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::HEAD, url)
    }

    /// `POST url`
    pub fn post(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::POST, url)
    }

    /// `PUT url`
    pub fn put(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PUT, url)
    }

    /// `PATCH url`
    pub fn patch(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::PATCH, url)
    }

    /// `DELETE url`
    pub fn delete(&self, url: impl AsRef<str>) -> Request {
        self.request(Method::DELETE, url)
    }

    /// Any method, for tables of methods.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Request {
        Request { inner: self.inner.request(method, url.as_ref()) }
    }
}

/// A request being written.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    inner: RequestBuilder,
}

impl Request {
    /// The body, with `Content-Type: application/json` unless another one is set.
    pub fn json(self, body: impl Borrow<Value>) -> Self {
        Self { inner: self.inner.json(body.borrow()) }
    }

    /// A body as it is, with no content type unless one is set.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { inner: self.inner.body(body.into()) }
    }

    /// One more header line; a second one of the same name is sent as a second line.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self { inner: self.inner.header(name, value.as_ref()) }
    }

    /// Gives up after this time instead of [`PATIENCE`], as a client does that hangs up.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { inner: self.inner.timeout(timeout) }
    }

    /// Sends it. Panics when no answer comes.
    pub async fn send(self) -> Answer {
        self.try_send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends it.
    ///
    /// # Errors
    /// When no complete answer came: not connected, hung up, timed out.
    pub async fn try_send(self) -> Result<Answer, Error> {
        let response = self.inner.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.into(),
        })
    }
}

/// What the server answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    /// The body as text: answers are looked at when an assertion fails.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {:?}", self.status, self.headers)?;
        f.write_str(&String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    /// The same answer; panics, showing it, when its status is another one.
    #[track_caller]
    #[allow(clippy::return_self_not_must_use, reason = "often the status is all one asks")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The body as JSON. Panics, showing it, when it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error} in the answer {self:?}"),
        }
    }

    /// A header's value; none when it is absent. Panics when there are several or it is not ASCII.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "several {name} in {self:?}");
        Some(value.to_str().expect("the service sends ASCII headers only"))
    }

    /// The `code` of a problem document. Panics, showing the answer, when it is not one.
    #[track_caller]
    pub fn code(&self) -> String {
        let problem = self.header("content-type") == Some("application/problem+json");
        assert!(problem, "no problem document: {self:?}");
        match self.json().get("code").and_then(Value::as_str) {
            Some(code) => code.to_owned(),
            None => panic!("a problem without a code: {self:?}"),
        }
    }
}

/// Sends `bytes` as they are and returns what comes back until the server hangs up, until one
/// answer with a `Content-Length` is complete, or for 15 s.
///
/// A server that hangs up before all is sent is no failure: that may be its answer.
pub async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let deadline = Instant::now() + RAW_DEADLINE;
    let stream = TcpStream::connect(address).await;
    let mut stream = stream.unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
    let (mut reader, mut writer) = stream.split();
    let mut answer = Vec::new();
    let talk = async {
        let send = async {
            // Nothing to do about a server that hangs up: what it said before is what counts.
            let _ = writer.write_all(bytes).await;
            std::future::pending::<()>().await;
        };
        let receive = async {
            while !complete(&answer) {
                if !matches!(reader.read_buf(&mut answer).await, Ok(1..)) {
                    break;
                }
            }
        };
        tokio::select! { () = send => {}, () = receive => {} }
    };
    // Running out of time ends the listening, as documented; what came by then is the answer.
    let _ = tokio::time::timeout_at(deadline, talk).await;
    answer
}

/// Whether `answer` holds a head and as many bytes after it as its `Content-Length` says.
fn complete(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: Option<usize> = length.and_then(|length| length.trim().parse().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_answer_shows_status_headers_and_body() {
        let problem = r#"{"code":"room_unavailable"}"#;
        let answer = format!(
            "HTTP/1.1 409 Conflict\r\nETag: \"7\"\r\nContent-Type: application/problem+json\r\n\
             Content-Length: {}\r\n\r\n{problem}",
            problem.len()
        );
        let (address, request) = answer_once(answer).await;
        let body = json!({"guests": 2});
        let sent = Client::new().post(format!("http://{address}/v1")).json(&body);
        let answer = sent.header("if-match", "\"6\"").send().await.expect(409);
        assert_eq!(answer.header("etag"), Some("\"7\""));
        assert_eq!(answer.header("location"), None);
        assert_eq!(answer.code(), "room_unavailable");
        let request = request.await.expect("the server ran").to_ascii_lowercase();
        for part in ["post /v1 http/1.1", "if-match: \"6\"", "application/json", "{\"guests\":2}"] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
    }

    #[tokio::test]
    async fn no_redirect_is_followed() {
        let answer =
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: /docs\r\nContent-Length: 0\r\n\r\n";
        let (address, _) = answer_once(answer.to_owned()).await;
        let answer = Client::new().get(format!("http://{address}/")).send().await.expect(307);
        assert_eq!(answer.header("location"), Some("/docs"));
    }

    #[tokio::test]
    async fn raw_bytes_get_a_raw_answer_without_waiting_for_the_end_of_the_connection() {
        let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno".to_owned();
        let (address, request) = answer_once(answer.clone()).await;
        assert_eq!(raw(address, b"\0 not HTTP").await, answer.into_bytes());
        assert_eq!(request.await.expect("the server ran"), "\0 not HTTP");
    }

    #[tokio::test]
    async fn a_server_that_hangs_up_is_an_error_to_look_at() {
        let (address, _) = answer_once(String::new()).await;
        let result = Client::new().get(format!("http://{address}/")).try_send().await;
        assert!(result.is_err(), "{result:?}");
    }

    /// A server that reads once, answers, and keeps the connection while its task is awaited.
    async fn answer_once(answer: String) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client comes");
            let mut request = vec![0; 4096];
            let mut length = stream.read(&mut request).await.expect("it sends something");
            let expects_body = |request: &[u8]| request.starts_with(b"POST");
            while expects_body(&request) && !request[..length].ends_with(b"}") {
                length += stream.read(&mut request[length..]).await.expect("and the rest of it");
            }
            stream.write_all(answer.as_bytes()).await.expect("it listens");
            if !answer.is_empty() {
                // Held open until the client hangs up.
                let _ = stream.read(&mut [0; 1]).await;
            }
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (address, served)
    }
}
