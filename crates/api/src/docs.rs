//! Pages for people: the API's documentation with its assets embedded, and what each problem means.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{Extensions, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use chrono::NaiveDate;
use serde_json::Value;
use utoipa_swagger_ui::{Config, serve};

use crate::http::prefix::Prefix;
use crate::http::problem::{Code, Problem};
use crate::openapi::examples;

/// A name in a path, or what is there instead: bytes that are no UTF-8 name nothing.
type NameInPath = Result<Path<String>, PathRejection>;

/// `GET /`: leads to the documentation.
pub async fn home() -> Redirect {
    Redirect::temporary("/docs")
}

/// `GET /openapi.json`, written once; its examples have days counted from today.
pub fn openapi<S: Clone + Send + Sync + 'static>(document: &Value) -> MethodRouter<S> {
    let json: Arc<str> = document.to_string().into();
    let parts = around_server(json.as_bytes());
    get(async move |extensions: Extensions| {
        let json = match (Prefix::of(&extensions), &parts) {
            ("", _) | (_, None) => json.to_string(),
            (prefix, Some((before, after))) => [before.as_str(), prefix, after.as_str()].concat(),
        };
        let json = examples::counted_from(&json, today());
        ([(header::CONTENT_TYPE, "application/json")], json)
    })
}

/// The document before and after the path of its one server, `/`.
fn around_server(json: &[u8]) -> Option<(String, String)> {
    let json = std::str::from_utf8(json).ok()?;
    let (before, servers) = json.split_once("\"servers\":[")?;
    let (server, after) = servers.split_once("\"url\":\"/\"")?;
    Some((format!("{before}\"servers\":[{server}\"url\":\""), format!("\"{after}")))
}

#[expect(clippy::disallowed_methods, reason = "examples decide nothing")]
fn today() -> NaiveDate {
    chrono::Utc::now().date_naive()
}

/// `GET /docs`: the page that shows the document of `/openapi.json`.
pub async fn page(extensions: Extensions) -> Result<Response, Problem> {
    let prefix = Prefix::of(&extensions);
    let (bytes, content_type) = embedded("index.html", prefix)?;
    // The page names its assets relative to itself, which at `/docs` would be `/`.
    let head = format!("<head><base href=\"{prefix}/docs/\">");
    let html = String::from_utf8_lossy(&bytes).replacen("<head>", &head, 1).replacen(
        "<title>Swagger UI</title>",
        "<title>vacancy: the API</title>",
        1,
    );
    Ok(([(header::CONTENT_TYPE, content_type)], html).into_response())
}

/// `GET /docs/{file}`: an asset of the page. Fails with 404 when there is none of this name.
pub async fn asset(extensions: Extensions, file: NameInPath) -> Result<Response, Problem> {
    let Ok(Path(file)) = file else { return Err(Problem::NotFound("page")) };
    let (bytes, content_type) = embedded(&file, Prefix::of(&extensions))?;
    Ok(([(header::CONTENT_TYPE, content_type)], bytes).into_response())
}

fn embedded(file: &str, prefix: &str) -> Result<(Vec<u8>, HeaderValue), Problem> {
    let config = Arc::new(Config::from(format!("{prefix}/openapi.json")));
    let found = serve(file, config);
    let found = found.map_err(|error| Problem::internal(error.to_string()))?;
    let found = found.ok_or(Problem::NotFound("page"))?;
    let content_type = HeaderValue::from_str(&found.content_type);
    let content_type = content_type.map_err(Problem::internal)?;
    Ok((found.bytes.into_owned(), content_type))
}

/// `GET /problems/{code}`: what the `type` of a problem document points to.
pub async fn problem(name: NameInPath) -> Result<String, Problem> {
    let Ok(Path(name)) = name else { return Err(Problem::NotFound("problem")) };
    let code = Code::ALL.iter().find(|code| code.name() == name);
    let code = code.ok_or(Problem::NotFound("problem"))?;
    let again = if code.retryable() {
        "The same request may succeed when it is sent again."
    } else {
        "Sending the same request again will not help by itself."
    };
    let (title, status, explanation) = (code.title(), code.status(), code.explanation());
    Ok(format!("{title} ({status} {name})\n\n{explanation}\n{again}\n"))
}
