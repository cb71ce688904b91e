//! Lists: a page of items, the way to the next page, a weak tag.

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use vacancy_persistence::Page;

use crate::http::cursor;
use crate::http::preconditions::RawPreconditions;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::tag::{self, LISTED};
use crate::metrics::{Metrics, PreconditionResult};

/// A GET or HEAD of a list, with its parameters.
#[derive(Clone, Debug)]
pub struct Listing<Q> {
    /// The parameters.
    pub query: Q,
    uri: Uri,
    preconditions: RawPreconditions,
}

/// One page.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<Q: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Listing<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<Q>::from_request_parts(parts, state).await?;
        let uri = parts.extensions.get::<OriginalUri>();
        let uri = uri.map_or_else(|| parts.uri.clone(), |original| original.0.clone());
        Ok(Self { query, uri, preconditions: RawPreconditions::new(&parts.headers, None) })
    }
}

impl<Q> Listing<Q> {
    /// Writes a page: each item as `view` shows it, and the cursor that `place` gives of the last.
    pub fn answer<T, V: Serialize, P: Serialize>(
        &self,
        metrics: &Metrics,
        page: &Page<T>,
        view: impl Fn(&T) -> V,
        place: impl Fn(&T) -> P,
    ) -> Result<Response, Problem> {
        let last = page.items.last().filter(|_| page.more);
        self.answer_page(metrics, &page.items, last.map(place), view)
    }

    /// Writes a page: each item as `view` shows it, and after which place the next one begins.
    pub fn answer_page<T, V: Serialize, P: Serialize>(
        &self,
        metrics: &Metrics,
        items: &[T],
        next: Option<P>,
        view: impl Fn(&T) -> V,
    ) -> Result<Response, Problem> {
        let next_cursor = next.map(|place| cursor::encode(&place)).transpose()?;
        let link = next_cursor.as_deref().map(|cursor| next_link(&self.uri, cursor));
        let items = items.iter().map(view).collect();
        let body = serde_json::to_vec(&List { items, next_cursor });
        let body = body.map_err(Problem::internal)?;
        let etag = tag::weak(&body);
        let mut response = match self.preconditions.list_unchanged(&etag) {
            Ok(Some(true)) => {
                metrics.precondition(PreconditionResult::NotModified);
                tag::not_modified(etag, LISTED)
            }
            Ok(unasked_or_changed) => {
                if unasked_or_changed.is_some() {
                    metrics.precondition(PreconditionResult::Passed);
                }
                let mut response = body.into_response();
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                tag::tag(response.headers_mut(), etag, LISTED);
                response
            }
            Err(problem) => {
                metrics.precondition(PreconditionResult::Malformed400);
                return Err(problem);
            }
        };
        if let Some(Ok(link)) = link.map(|link| HeaderValue::from_str(&link)) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }
}

/// The same list from `cursor` on (RFC 8288).
fn next_link(uri: &Uri, cursor: &str) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let kept = query.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let mut pairs: Vec<_> = kept.map(str::to_owned).collect();
    pairs.push(format!("cursor={cursor}"));
    format!("<{}?{}>; rel=\"next\"", uri.path(), pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_same_list_from_the_cursor_on() {
        for (uri, expect) in [
            ("/v1/rooms", "</v1/rooms?cursor=c>; rel=\"next\""),
            (
                "/v1/rooms?limit=2&city=a%20b",
                "</v1/rooms?limit=2&city=a%20b&cursor=c>; rel=\"next\"",
            ),
            ("/v1/rooms?cursor=old&limit=2", "</v1/rooms?limit=2&cursor=c>; rel=\"next\""),
        ] {
            assert_eq!(next_link(&uri.parse().expect("a target"), "c"), expect);
        }
    }
}
