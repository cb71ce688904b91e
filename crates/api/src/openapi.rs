//! The OpenAPI 3.1 document: the descriptions of the operations, completed with what they all share.

#[cfg(test)]
mod changes;
pub mod examples;
mod nullable;
mod parts;
mod probes;
mod schemas;
pub mod version_3_0;

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use self::parts::{header, refusal};
use crate::about::{About, Kind};
use crate::bookings::edit_booking::BookingBody;
use crate::bookings::list::StatusParam;
use crate::http::problem::{Code, Document};
use crate::rooms::list::SortParam;

/// What holds for all operations; the first thing on the page.
const CONVENTIONS: &str = "\
Hotels, rooms, stays by the night. Every write to a room is a compare-and-set on its version: no night is sold twice.

- **Versions.** Each resource has a `version`, which is also its `ETag`. An edit says which one it edits, with `If-Match` or \
`?version=`; `If-Match: *` edits the version that is there. An old one is answered 412 or 409, with the current one.
- **Keys.** A write with an `Idempotency-Key` is done once, however often it is sent: the same answer comes back.
- **Problems.** What does not succeed is answered `application/problem+json`: `code` says what it is, `retryable` whether \
the same request may succeed later, `/problems/{code}` what to do.
- **Lists** come in pages: go on with `cursor`, which is `next_cursor` of the page before, until there is none.
- **Days** are of the hotel's time zone. `check_out` is the day of departure, not a night. Money is in the smallest unit of its \
currency.
- **Credentials.** Where the service was started with `--auth required`, every operation needs `Authorization: Bearer` \
with a key; `x-scope` says which scope.

To try it: start the service with `--demo`, list the rooms, and send the examples as they stand, with an id from the list. \
More is in `docs/api.md` of the repository.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "vacancy",
        description = CONVENTIONS,
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "hotels", description = "Hotels and their time zones"),
        (name = "rooms", description = "Rooms: search, calendars, histories"),
        (name = "bookings", description = "Stays: booked, held, confirmed, moved, cancelled"),
        (name = "keys", description = "API keys: who may do what"),
        (name = "operation", description = "For orchestrators and Prometheus")
    ),
    servers((url = "/", description = "The service that answers this document")),
    components(schemas(BookingBody, Document, SortParam, StatusParam))
)]
struct Frame;

/// Completes what the routes say with what every operation has in common: its problems and their
/// headers, the conditional and idempotency headers. Written once here, so that no handler can
/// forget one.
///
/// # Panics
/// Not with documents that the routes generate: it is exercised at every start and by a test.
#[must_use]
pub fn document(routes: OpenApi, operations: &[About]) -> Value {
    let whole = Frame::openapi().merge_from(routes);
    let mut json = serde_json::to_value(whole).expect("a document made of plain data");
    for operation in
        members(&mut json["paths"]).values_mut().flat_map(|item| members(item).values_mut())
    {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let about = operations.iter().find(|about| about.id == id);
        let about = about.unwrap_or_else(|| panic!("{id} does not say what it is"));
        Shape(*about).complete(operation);
    }
    json["components"]["securitySchemes"]["bearer"] = json!({
        "type": "http", "scheme": "bearer",
        "description": "An API key, `vac_…`, or a token of a trusted issuer; `x-scope` says what each \
                        operation needs. Without one only where the service is started open.",
    });
    if json.get("security").is_none() {
        // Said rather than left open: each operation says what it asks of callers.
        json["security"] = json!([]);
    }
    let mut all = json["components"]["schemas"].take();
    schemas::complete(members(&mut all));
    schemas::rename_references(&mut json["paths"]);
    examples::of_answers(members(&mut all));
    probes::add(members(&mut json["paths"]), members(&mut all));
    json["components"]["schemas"] = all;
    json
}

fn members(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().expect("the document has objects there")
}

/// What an operation has in common with others of its kind.
struct Shape(About);

impl Shape {
    fn complete(&self, operation: &mut Value) {
        let Self(About { kind, scope, .. }) = *self;
        plain_summary(operation);
        operation["x-scope"] = scope.name().into();
        operation["security"] = json!([{ "bearer": [] }, {}]);
        self.add_parameters(operation);
        self.add_success_headers(operation);
        if let Some(content) = operation.pointer_mut("/requestBody/content")
            && let Some(merge) = content.get("application/merge-patch+json").cloned()
        {
            content["application/json"] = merge;
        }
        for code in self.codes() {
            add_problem(operation, code);
        }
        examples::of_operation(operation);
        if matches!(kind, Kind::Show | Kind::List) {
            operation["responses"]["304"] = json!({
                "description": "The client has it already",
                "headers": { "ETag": header("The current tag") },
            });
        }
    }

    fn add_parameters(&self, operation: &mut Value) {
        let mut add = |name: &str, description: &str, schema: Value| {
            let parameter = json!({
                "name": name, "in": "header", "required": false,
                "description": description, "schema": schema,
            });
            match operation["parameters"].as_array_mut() {
                Some(parameters) => parameters.push(parameter),
                None => operation["parameters"] = json!([parameter]),
            }
        };
        let text = json!({ "type": "string" });
        if self.versioned() {
            let what = if self.0.kind.edits() {
                "The tag of the version to edit, or `*` for whatever is there. This or `version` is required."
            } else {
                "Only if the current tag is one of these."
            };
            add("If-Match", what, text.clone());
        }
        if self.versioned() || self.lists() {
            let what = "Only if the current tag is none of these.";
            add("If-None-Match", what, text.clone());
        }
        if self.0.kind.takes_key() {
            let key = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
            let what = "Names this request: sent again under the same key it is answered the same, and done once.";
            add("Idempotency-Key", what, key);
            add("Prefer", "`return=minimal` leaves out the body.", text.clone());
        }
        let what = "Taken over as the request's id if it is 1 to 64 letters, digits and hyphens.";
        add("X-Request-Id", what, text.clone());
    }

    fn add_success_headers(&self, operation: &mut Value) {
        let responses = operation["responses"].as_object_mut().into_iter().flatten();
        for (status, response) in responses.filter(|(status, _)| status.starts_with('2')) {
            let mut headers = json!({ "X-Request-Id": header("The request's id") });
            if self.versioned() && status != "204" || self.creates() || self.lists() {
                headers["ETag"] = header("The current tag: the version in quotes; of a list, weak");
            }
            if self.creates() {
                headers["Location"] = header("The path of what was created");
            }
            if self.lists() {
                headers["Link"] = header("The next page, `rel=\"next\"`");
            }
            if self.0.kind.takes_key() {
                headers["Idempotency-Replayed"] =
                    header("`true` when an earlier answer is repeated");
            }
            response["headers"] = headers;
        }
        if matches!(self.0.kind, Kind::Edit | Kind::Command) {
            operation["responses"]["204"] = json!({
                "description": "Done, with `Prefer: return=minimal`",
                "headers": {
                    "ETag": header("The current tag"),
                    "Preference-Applied": header("`return=minimal`"),
                },
            });
        }
    }

    fn versioned(&self) -> bool {
        self.0.kind.is_versioned()
    }

    fn creates(&self) -> bool {
        self.0.kind.creates()
    }

    fn lists(&self) -> bool {
        self.0.kind == Kind::List
    }

    fn codes(&self) -> impl Iterator<Item = Code> {
        let (write, edits, versioned) =
            (self.0.kind.writes(), self.0.kind.edits(), self.versioned());
        Code::ALL.iter().copied().filter(move |code| match code.status() {
            400 | 401 | 403 | 404 | 408 | 414 | 421 | 429 | 431 | 500 | 503 => true,
            409 | 412 => write || versioned,
            413 | 415 | 422 | 504 => write,
            428 => edits,
            _ => false,
        })
    }
}

/// Makes the first clause the summary, in plain text, and the rest a description, in Markdown.
fn plain_summary(operation: &mut Value) {
    let text = operation["summary"].as_str().unwrap_or_default().replace('\n', " ");
    let end = [". ", ": ", "; "].iter().filter_map(|mark| text.find(mark)).min();
    let (first, rest) = match end {
        Some(end) => (&text[..end], &text[end + 2..]),
        None => (text.trim_end_matches('.'), ""),
    };
    operation["summary"] = first.replace('`', "").into();
    let mut letters = rest.chars();
    if let Some(letter) = letters.next() {
        let more = operation["description"].as_str().unwrap_or_default();
        let rest = format!("{}{}\n\n{more}", letter.to_uppercase(), letters.as_str());
        operation["description"] = rest.trim_end().into();
    }
}

fn add_problem(operation: &mut Value, code: Code) {
    let status = code.status().to_string();
    let responses = &mut operation["responses"];
    let described = responses[&status]["description"].as_str().map(str::to_owned);
    let names = match described {
        Some(names) => format!("{names}, {}", code.name()),
        None => code.name().to_owned(),
    };
    let mut headers = json!({ "X-Request-Id": header("The request's id") });
    if matches!(code.status(), 409 | 429 | 503 | 504) {
        headers["Retry-After"] = header("Seconds to wait, when it may be sent again");
    }
    if matches!(code, Code::Unauthenticated | Code::InsufficientScope) {
        headers["WWW-Authenticate"] = header("Which credential or scope is needed (RFC 6750)");
    }
    if matches!(code.status(), 409 | 412) {
        headers["ETag"] = header("The current tag, when the version was the problem");
    }
    responses[&status] = refusal(&names);
    responses[&status]["headers"] = headers;
}

#[cfg(test)]
mod tests;
