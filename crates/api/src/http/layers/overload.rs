//! Answers what is beyond what can be done in time before anything is done for it.

use axum::extract::{MatchedPath, Request, State};
use axum::http::Extensions;
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::http::arrival::{self, Bodies};
use crate::http::problem::Problem;

/// Answers 503 while as many requests are at work as may be: before credentials are looked up, and
/// before anything of the body is read but its bytes, which have to be taken off the connection so that
/// it can go on. For the routes that permits are for; the permit is what counts, and this only a
/// cheaper way to be told that there is none.
pub async fn shed(
    State((app, bodies)): State<(App, Bodies)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !needs_permit(request.extensions()) || app.has_room() {
        return Ok(next.run(request).await);
    }
    if !arrival::is_too_large(request.headers()) {
        // Whatever came of it, the answer is the same.
        let _ = bodies.read(request.into_body()).await;
    }
    Err(app.shed())
}

/// Every operation of the API does, and nothing else: probes and metrics must be answered when nothing
/// else is.
fn needs_permit(extensions: &Extensions) -> bool {
    extensions.get::<MatchedPath>().is_some_and(|path| path.as_str().starts_with("/v1/"))
}
