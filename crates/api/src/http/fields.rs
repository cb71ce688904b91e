//! JSON read as a typed value, with a pointer to each field that is wrong.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use vacancy_domain::{Field, Invalid};

use crate::http::json::cut;

/// A field of a request body that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body; empty for the body itself. Cut after 200 characters.
    pub pointer: String,
    /// What is wrong, in words that follow the field's name: `must be an integer`.
    pub message: String,
}

/// Where a field of the domain stands in the bodies of this API.
#[must_use]
pub fn pointer(field: Field) -> &'static str {
    match field {
        Field::CheckIn => "/check_in",
        Field::CheckOut => "/check_out",
        Field::Guests => "/guests",
        Field::RoomId => "/room_id",
    }
}

impl From<Invalid> for FieldError {
    fn from(invalid: Invalid) -> Self {
        Self { pointer: pointer(invalid.field).to_owned(), message: invalid.message }
    }
}

/// How many characters of a pointer are sent back: it is made of names that were sent.
const POINTER_CHARS_MAX: usize = 200;

/// The message for a field that the object does not have.
pub const UNKNOWN_FIELD: &str = "is not a field of this object";

/// Reads JSON as a `T`. Fails with a pointer to the field. The value sent is not repeated in the
/// message: it may be personal data of a guest.
pub fn shape<T: DeserializeOwned>(value: Value) -> Result<T, FieldErrors> {
    if let Some(pointer) = find_list(&value) {
        // Serde would read a list as the fields of an object in their order. No body here has one.
        return Err(FieldErrors::one(pointer, "must not be a list"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Map { key } => push_segment(&mut pointer, key),
                Segment::Seq { index } => push_segment(&mut pointer, &index.to_string()),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        let (field, message) = in_our_words(&error.inner().to_string());
        if let Some(field) = field {
            // Serde's path sometimes ends at the field and sometimes at its object.
            let mut segment = String::new();
            push_segment(&mut segment, &field);
            if !pointer.ends_with(&segment) {
                pointer.push_str(&segment);
            }
        }
        FieldErrors::one(pointer, message)
    })
}

/// The pointer of the first list anywhere in `value`.
fn find_list(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) => Some(String::new()),
        Value::Object(fields) => fields.iter().find_map(|(key, value)| {
            let behind = find_list(value)?;
            let mut pointer = String::new();
            push_segment(&mut pointer, key);
            Some(pointer + &behind)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Serde's message without the value it quotes, and the field it names, if any.
fn in_our_words(message: &str) -> (Option<String>, String) {
    let quoted = |message: &str| message.split('`').nth(1).map(str::to_owned);
    if message.starts_with("missing field `") {
        return (quoted(message), "is required".into());
    }
    if message.starts_with("unknown field `") {
        return (quoted(message), UNKNOWN_FIELD.into());
    }
    // The quoted value may hold the same words, so the last ones count.
    let expected = match message.rsplit_once("expected ").map(|(_, expected)| expected) {
        Some("i64" | "u64") => "an integer of 64 bits",
        Some("a string" | "a borrowed string") => "a string",
        Some(expected) if expected.starts_with("struct ") => "an object",
        Some(_) | None => "something else",
    };
    (None, format!("must be {expected}"))
}

fn push_segment(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Every field of a body that is wrong, so that the client corrects all of them at once; answered
/// 422.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// A body with one wrong field.
    fn one(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let pointer = cut(&pointer.into(), POINTER_CHARS_MAX);
        Self(vec![FieldError { pointer, message: message.into() }])
    }

    /// Whether some field has this message.
    #[must_use]
    pub fn any(&self, message: &str) -> bool {
        self.0.iter().any(|error| error.message == message)
    }

    /// The value, or nothing after noting what is wrong with the field at `pointer`.
    pub fn at<T>(&mut self, pointer: &str, parsed: Result<T, String>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(message) => {
                self.0.push(FieldError { pointer: pointer.to_owned(), message });
                None
            }
        }
    }

    /// Notes what is wrong with the member `name` of the object at `pointer`, or with the object if it has
    /// no name.
    pub fn at_member(&mut self, pointer: &str, name: &str, message: String) {
        let mut pointer = pointer.to_owned();
        if !name.is_empty() {
            push_segment(&mut pointer, name);
        }
        self.0.push(FieldError { pointer: cut(&pointer, POINTER_CHARS_MAX), message });
    }

    /// As [`Self::at`], for a check of the domain that knows the field itself.
    pub fn add<T>(&mut self, checked: Result<T, Invalid>) -> Option<T> {
        checked.map_err(|invalid| self.0.push(invalid.into())).ok()
    }

    /// The value, if everything it is made of was read; otherwise every field to correct.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(self),
        }
    }
}

impl From<FieldErrors> for Vec<FieldError> {
    fn from(errors: FieldErrors) -> Self {
        errors.0
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: i64,
    }

    #[test]
    fn a_wrong_shape_points_at_the_field() {
        for (value, pointer) in [
            (json!({"inner": {"count": "one"}}), "/inner/count"),
            (json!({"inner": [1]}), "/inner"),
            (json!({"inner": {"count": [1]}}), "/inner/count"),
            (json!({"inner": 1}), "/inner"),
            (json!({"inner": {"count": 1.5}}), "/inner/count"),
            (json!({"inner": {}}), "/inner/count"),
            (json!({"inner": {"count": 1, "more": 2}}), "/inner/more"),
            (json!({"inner": {"count": 1}, "a/b": 2}), "/a~1b"),
            (json!({"inner": {"count": 1, "a/b~c": 2}}), "/inner/a~1b~0c"),
            (json!({}), "/inner"),
            (json!([]), ""),
            (json!([{"count": 1}]), ""),
            (json!({"inner": [1]}), "/inner"),
            (json!({"x".repeat(60_000): 1}), &format!("/{}…", "x".repeat(199))),
        ] {
            let shaped = shape::<Outer>(value.clone());
            let Err(FieldErrors(errors)) = shaped else { panic!("{value}") };
            assert_eq!(errors[0].pointer, pointer, "{value}: {errors:?}");
        }
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        for value in [
            json!({"inner": {"count": "Ada Lovelace"}}),
            json!({"inner": "Ada Lovelace, expected `Ada Lovelace`"}),
            json!("Ada Lovelace"),
        ] {
            let shaped = shape::<Outer>(value.clone());
            let Err(FieldErrors(errors)) = shaped else { panic!("{value}") };
            assert!(!format!("{errors:?}").contains("Lovelace"), "{errors:?}");
            assert!(errors[0].message.starts_with("must be an"), "{errors:?}");
        }
    }
}
