//! One request and its answer, and whether the connection can go on after it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::open::OpenConnection;

/// Says of a request that its connection is one too many: nothing but a probe is answered on it.
#[derive(Clone, Copy, Debug)]
pub struct BeyondLimit;

/// Says of a request that where it ends was told in two ways: by a length and by a coding.
#[derive(Clone, Copy, Debug)]
pub struct AmbiguousEnd;

/// One request, one answer; the last of its connection when the server is leaving, or when the
/// request has a body that was not read to its end: what follows on the connection is the rest of
/// it, and a client must not take the connection for a usable one.
pub(super) async fn answer(
    app: Router,
    request: Request<Incoming>,
    leaving: CancellationToken,
    open: Arc<OpenConnection>,
) -> Result<Response<Body>, Infallible> {
    open.works();
    let unread = Arc::new(AtomicBool::new(!request.body().is_end_stream()));
    let mut request = request.map(|body| Watched { body, unread: unread.clone() });
    if open.is_ambiguous() {
        request.extensions_mut().insert(AmbiguousEnd);
    }
    if open.is_beyond_limit {
        request.extensions_mut().insert(BeyondLimit);
    }
    let mut response = app.oneshot(request).await?;
    if leaving.is_cancelled() || open.is_last() || unread.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The body of a request, and whether some of it is still to be read.
struct Watched {
    body: Incoming,
    unread: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
