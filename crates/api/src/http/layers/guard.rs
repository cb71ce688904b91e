//! Lets requests in, or not, before anything of them is read.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::auth::table::Table;
use crate::http::problem::Problem;

/// What the layer knows.
#[derive(Clone, Debug)]
pub struct Guarded {
    /// The application.
    pub app: App,
    /// Which route needs which scope.
    pub table: Arc<Table>,
}

/// Asks the guard, and leaves in the request's extensions what it may see and do. Answers 400, 401,
/// 403, 421, 429 or 503.
pub async fn admit(
    State(Guarded { app, table }): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let matched = request.extensions().get::<MatchedPath>();
    let scope = matched.and_then(|path| table.scope(request.method(), path.as_str()));
    // What the route does not know is answered 405 or 404 to all, as the API's document is open to all.
    let Some(scope) = scope else { return Ok(next.run(request).await) };
    let head = (request.headers(), request.uri());
    let (access, _at_work) = app.guard.admit(&app.store, head, scope).await?;
    request.extensions_mut().insert(access);
    Ok(next.run(request).await)
}
