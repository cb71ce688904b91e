//! Puts the path below which a proxy has mounted the service before those that clients are told.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::http::prefix::Prefix;
use crate::http::problem::Problem;

/// Reads `X-Forwarded-Prefix` if the operator has said that the proxy sets it, leaves it in the
/// extensions of the request and of the answer, and writes it into `Location` and `Link`. What is kept
/// under an idempotency key has none: the next request may come another way.
pub async fn read(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let prefix =
        if app.settings.forwarded_prefix { Prefix::read(request.headers())? } else { None };
    let Some(prefix) = prefix else { return Ok(next.run(request).await) };
    request.extensions_mut().insert(prefix.clone());
    let mut response = next.run(request).await;
    put_before(&prefix, response.headers_mut());
    response.extensions_mut().insert(prefix);
    Ok(response)
}

/// Both headers have one path of ours, if any: `/…` and `</…>; rel="next"`.
fn put_before(prefix: &Prefix, headers: &mut HeaderMap) {
    for (name, opening) in [(header::LOCATION, ""), (header::LINK, "<")] {
        let path = headers.get(&name).and_then(|value| value.to_str().ok());
        let path = path.and_then(|value| value.strip_prefix(opening));
        let Some(path) = path.filter(|path| path.starts_with('/')) else { continue };
        let whole = format!("{opening}{}{path}", prefix.as_str());
        if let Ok(whole) = HeaderValue::from_str(&whole) {
            headers.insert(name, whole);
        }
    }
}
