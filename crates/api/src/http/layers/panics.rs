//! Answers 500 to the request whose handler panics; other requests are not affected.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::http::problem::Problem;

/// For `CatchPanicLayer`: a panic is a 500 like any other, and its message goes to the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub fn answer(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("of unknown kind");
    Problem::internal(format!("panic: {message}")).into_response()
}
