//! Which route needs which scope: made of what the operations say of themselves.

use std::collections::HashMap;

use axum::http::Method;
use serde_json::Value;

use crate::about::{About, Scope};

/// The scope of every guarded route, by method and path.
#[derive(Debug)]
pub struct Table(HashMap<(Method, String), Scope>);

impl Table {
    /// The table of `operations`, whose routes stand in `document`. What else stands there is not
    /// guarded, but for the metrics.
    ///
    /// # Panics
    /// When an operation stands nowhere: without its scope it must not be served. Every start
    /// exercises it.
    #[must_use]
    pub fn new(document: &Value, operations: &[About]) -> Self {
        let mut table = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let about = operations.iter().find(|about| operation["operationId"] == about.id);
                let Some(about) = about else { continue };
                let method = method.to_uppercase().parse().expect("a method of HTTP");
                table.insert((method, path.clone()), about.scope);
            }
        }
        assert_eq!(table.len(), operations.len(), "every operation has one route");
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
