//! `POST /v1/keys`: makes a key, and shows it once.

use axum::extract::State;
use serde_json::Value;
use vacancy_persistence::{Answer, ApiKey, Record, RequestKey, StoreError};

use super::body::{KeyBody, KeyRequest};
use super::view::{KeyView, NewKeyView};
use crate::about::{About, Kind, Scope};
use crate::app::App;
use crate::auth::access::Access;
use crate::auth::key_text::KeyText;
use crate::http::key::replayed;
use crate::http::problem::Problem;
use crate::http::query::NoQuery;
use crate::http::reply::{Reply, ReplyKind};
use crate::http::request::{WriteContext, WriteRequest};

/// What it is.
pub const ABOUT: About = About { id: "create_key", kind: Kind::Create, scope: Scope::Admin };

/// Makes a key, and shows it once. Its scopes and hotels are never wider than the caller's; a caller
/// that is limited to some hotels names a principal only if it sees all of that principal's keys.
#[utoipa::path(
    post, operation_id = "create_key", path = "/v1/keys", tag = "keys",
    request_body = KeyBody,
    responses((status = 201, description = "Made", body = NewKeyView))
)]
pub async fn create(
    State(app): State<App>,
    request: WriteRequest<Value, NoQuery>,
) -> Result<Reply, Problem> {
    let WriteRequest { context, body, .. } = request;
    let minimal = context.minimal;
    let client = context.key.as_ref().map(|key| RequestKey {
        text: key.0.clone(),
        fingerprint: context.fingerprint,
        time_to_live: app.settings.key_time_to_live,
    });
    let working = app.clone();
    let made = app.read(async move { make(&working, &context, body, client).await });
    let (answer, kind) = made.await??;
    Ok(Reply { answer, kind, minimal })
}

type Made = Result<(Answer, ReplyKind), Problem>;

async fn make(
    app: &App,
    context: &WriteContext,
    body: Result<Value, Problem>,
    client: Option<RequestKey>,
) -> Result<Made, StoreError> {
    let text = client.as_ref().map(|key| key.text.as_str());
    let seen = app.store.hotel_snapshot(text, None).await?;
    if let Some(earlier) = &seen.earlier {
        let answer = replayed(&context.fingerprint, earlier);
        return Ok(answer.map(|answer| (answer, ReplyKind::Replayed)));
    }
    if context.preconditions.suffice_for_an_edit() {
        let why = "If-Match names a version, and what this operation is sent to has none";
        return Ok(Err(Problem::InvalidRequest(why.into())));
    }
    let request = match body.and_then(KeyBody::read).and_then(|it| within(&context.access, it)) {
        Ok(request) => request,
        Err(problem) => return Ok(Err(problem)),
    };
    if !may_name(app, &context.access, request.principal.as_deref()).await? {
        return Ok(Err(Problem::PrincipalExceeded));
    }
    let text = KeyText::made();
    let key = request.into_key(&text, seen.now, context.access.actor());
    // What is stored for a repetition never holds the secret.
    let (stored, shown) = match (answer(&key, None), answer(&key, Some(&text))) {
        (Ok(stored), Ok(shown)) => (stored, shown),
        (Err(problem), _) | (_, Err(problem)) => return Ok(Err(problem)),
    };
    let record = client.map(|key| Record { key, answer: stored });
    app.store.create_api_key(&key, text.hash(), record.as_ref()).await?;
    app.guard.forget(&key.id);
    Ok(Ok((shown, ReplyKind::Written)))
}

/// The request, unless it asks for more than what is let in so may do. Fails with 403.
fn within(access: &Access, request: KeyRequest) -> Result<KeyRequest, Problem> {
    if !request.scopes.within(access.scopes()) {
        return Err(Problem::InsufficientScope { needs: Scope::Admin.name() });
    }
    if !access.covers(request.hotels.as_deref()) {
        return Err(Problem::HotelsExceeded);
    }
    Ok(request)
}

/// Whether the request may make a key for this principal. A key owns the bookings of all keys of its
/// principal and is answered what they were answered, so a request that is limited to some hotels
/// joins only a principal all of whose keys are. A name that is not used yet is no different, or it
/// would tell which names are used elsewhere.
async fn may_name(app: &App, access: &Access, principal: Option<&str>) -> Result<bool, StoreError> {
    let (Some(principal), Some(hotels)) = (principal, access.hotels()) else { return Ok(true) };
    app.store.has_keys_only_of(principal, &hotels).await
}

fn answer(key: &ApiKey, text: Option<&KeyText>) -> Result<Answer, Problem> {
    let shown = KeyView::from(key);
    let view = NewKeyView { shown, key: text.map(|text| text.reveal().to_owned()) };
    let body = serde_json::to_string(&view).map_err(Problem::internal)?;
    let location = Some(format!("/v1/keys/{}", key.id));
    Ok(Answer { status: 201, version: None, location, body: Some(body) })
}
