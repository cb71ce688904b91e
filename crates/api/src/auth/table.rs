//! Which route needs which scope: made of what the operations say of themselves.

use std::collections::HashMap;

use axum::http::Method;
use utoipa::openapi::OpenApi;

use crate::about::{About, Scope};

/// The scope of every guarded route, by method and path.
#[derive(Debug)]
pub struct Table(HashMap<(Method, String), Scope>);

impl Table {
    /// The table of the operations described in `document`.
    ///
    /// # Panics
    /// When an operation says no scope: without one it must not be served. Every start exercises it.
    #[must_use]
    pub fn new(document: &OpenApi, operations: &[About]) -> Self {
        let json = serde_json::to_value(document).expect("a document made of plain data");
        let mut table = HashMap::new();
        for (path, item) in json["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let id = operation["operationId"].as_str().unwrap_or_default();
                let about = operations.iter().find(|about| about.id == id);
                let about = about.unwrap_or_else(|| panic!("{id} does not say what it is"));
                let method = method.to_uppercase().parse().expect("a method of HTTP");
                table.insert((method, path.clone()), about.scope);
            }
        }
        table.insert((Method::GET, "/metrics".to_owned()), Scope::Metrics);
        Self(table)
    }

    /// What a request to this route needs; none where the route does not know the method.
    #[must_use]
    pub fn scope(&self, method: &Method, path: &str) -> Option<Scope> {
        // A GET answers HEAD too.
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, path.to_owned())).copied()
    }
}
