//! Fetching a document of an issuer: over TLS, small, soon, and from nowhere else.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long it may take, all in all.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a document.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

static TLS: LazyLock<Result<Arc<ClientConfig>, String>> = LazyLock::new(tls);

/// Fetches JSON. Fails with why not: not `https` (or `http` on loopback), no answer in 5 s, another
/// status than 200, more than 256 KiB.
pub async fn json(url: &str) -> Result<Value, String> {
    let fetched = tokio::time::timeout(FETCH_TIMEOUT, get(url)).await;
    let bytes = fetched.unwrap_or_else(|_| Err("no answer in time".to_owned()))?;
    serde_json::from_slice(&bytes).map_err(|_| "the answer is not JSON".to_owned())
}

/// Whether documents may be fetched from there.
#[must_use]
pub fn may_fetch(url: &str) -> bool {
    url.parse().is_ok_and(|url: Uri| target(&url).is_some())
}

/// Whether over TLS, the host and the port.
fn target(url: &Uri) -> Option<(bool, &str, u16)> {
    let host = url.host()?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme_str()? {
        "https" => Some((true, host, url.port_u16().unwrap_or(443))),
        "http" if local => Some((false, host, url.port_u16().unwrap_or(80))),
        _ => None,
    }
}

async fn get(url: &str) -> Result<Vec<u8>, String> {
    let uri: Uri = url.parse().map_err(|_| "the address does not read".to_owned())?;
    let (over_tls, host, port) = target(&uri).ok_or("the address is not https")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await.map_err(|why| why.to_string())?;
    if !over_tls {
        return ask(stream, &uri).await;
    }
    let config = TLS.as_ref().map_err(Clone::clone)?;
    let name = ServerName::try_from(bare.to_owned()).map_err(|why| why.to_string())?;
    let stream = TlsConnector::from(config.clone()).connect(name, stream).await;
    ask(stream.map_err(|why| why.to_string())?, &uri).await
}

async fn ask<S>(stream: S, uri: &Uri) -> Result<Vec<u8>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
    let connection = tokio::spawn(connection);
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .body(Body::empty())
        .map_err(|why| why.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|why| why.to_string())?;
        // A redirect is no answer: it could lead anywhere.
        if response.status() != StatusCode::OK {
            return Err(format!("the answer is {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), DOCUMENT_BYTES_MAX).collect().await;
        Ok(body.map_err(|why| why.to_string())?.to_bytes().to_vec())
    };
    let answer = answer.await;
    connection.abort();
    answer
}

fn tls() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|why| why.to_string())?.with_root_certificates(roots);
    Ok(Arc::new(config.with_no_client_auth()))
}
