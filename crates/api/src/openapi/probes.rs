//! The operations beside the API: what orchestrators and Prometheus ask for.

use serde_json::{Map, Value, json};

use super::parts::{header, refusal};
use crate::about::Scope;

/// Adds `/livez`, `/readyz` and `/metrics`, and the schema of their answers.
pub(super) fn add(paths: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
    schemas.insert(
        "Health".to_owned(),
        json!({
            "type": "object",
            "description": "That it is well.",
            "required": ["status"],
            "properties": { "status": { "type": "string", "description": "`alive` or `ready`." } },
        }),
    );
    let health = ("application/json", json!({ "$ref": "#/components/schemas/Health" }));
    let text = ("text/plain", json!({ "type": "string" }));
    for (path, id, summary, description, content) in [
        ("/livez", "get_liveness", "Whether the process runs.", "It does", &health),
        ("/readyz", "get_readiness", "Whether requests should come here.", "They should", &health),
        (
            "/metrics",
            "get_metrics",
            "The counters of this process, for Prometheus.",
            "The counters",
            &text,
        ),
    ] {
        let (media_type, schema) = content;
        let mut operation = json!({
            "operationId": id,
            "tags": ["operation"],
            "summary": summary,
            "security": [],
            "responses": { "200": {
                "description": description,
                "headers": { "X-Request-Id": header("The request's id") },
                "content": { *media_type: { "schema": schema } },
            } },
        });
        for (status, why) in [
            ("400", "invalid_request"),
            ("404", "not_found"),
            ("414", "uri_too_long"),
            ("431", "headers_too_large"),
            ("500", "internal"),
            ("503", "unavailable"),
        ] {
            operation["responses"][status] = refusal(why);
        }
        if path == "/metrics" {
            guard(&mut operation);
        }
        paths.insert(path.to_owned(), json!({ "get": operation }));
    }
}

/// The metrics need a credential where the API does.
fn guard(operation: &mut Value) {
    operation["x-scope"] = Scope::Metrics.name().into();
    operation["security"] = json!([{ "bearer": [] }, {}]);
    for (status, why) in [
        ("401", "unauthenticated"),
        ("403", "insufficient_scope, cross_site"),
        ("421", "misdirected_request"),
        ("429", "rate_limited"),
    ] {
        operation["responses"][status] = refusal(why);
    }
}
