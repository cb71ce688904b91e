//! JSON as it comes in: strictly, and numbers by what they mean.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

/// What some editors and platforms put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The largest whole number that may be written with a point or an exponent: the largest amount of
/// money. Reading a double is off by far less than one there.
const WHOLE_MAX: f64 = 1e12;
/// How many characters of a name that was sent are repeated in an answer.
const NAME_CHARS_MAX: usize = 64;

/// The body is not JSON, or names a member twice; answered 400.
#[derive(Debug, thiserror::Error)]
#[error("the body cannot be read as JSON: {0}")]
pub struct NotJson(#[source] serde_json::Error);

/// Reads JSON, to the depth that `serde_json` takes (128). A byte order mark in front is ignored
/// (RFC 8259, 8.1), a member given twice is refused (RFC 7493, 2.3), and a whole number may be
/// written `2.0` or `2e0`, as JSON Schema has it, up to 10^12.
pub fn syntax(bytes: &[u8]) -> Result<Value, NotJson> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let Strict(value) = serde_json::from_slice(bytes).map_err(NotJson)?;
    Ok(value)
}

/// A name that was sent, cut to what an answer repeats of it.
#[must_use]
pub fn shortened(name: &str) -> String {
    cut(name, NAME_CHARS_MAX)
}

/// The first `chars` characters of `text`, and a mark if there were more.
#[must_use]
pub fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value whose objects have each member once.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(whole(value).map_or_else(|| Value::from(value), Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let twice = format!("the member {:?} is given twice", shortened(&name));
                return Err(A::Error::custom(twice));
            }
            let Strict(value) = members.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The whole number that `value` is, if it is one and small enough to be sure.
fn whole(value: f64) -> Option<Number> {
    let whole = value.fract() == 0.0 && value.abs() <= WHOLE_MAX;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far inside of 64 bits")]
    whole.then_some(Number::from(value as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_by_what_it_means() {
        for (text, expect) in [
            (
                r#"{"a":[1,-2,null,true,"x"],"b":{}}"#,
                Some(json!({"a": [1, -2, null, true, "x"], "b": {}})),
            ),
            ("\u{feff}{\"a\": 1}", Some(json!({"a": 1}))),
            ("\u{feff}\u{feff}{}", None),
            ("{}\u{feff}", None),
            (r#"{"a":1,"a":1}"#, None),
            (r#"{"a":1,"\u0061":2}"#, None),
            (r#"{"a":{"b":1,"b":1}}"#, None),
            (r#"[{"b":1},{"b":1}]"#, Some(json!([{"b": 1}, {"b": 1}]))),
            ("[2.0, 2e0, 20e-1, -0.0, 1E2]", Some(json!([2, 2, 2, 0, 100]))),
            ("1000000000000.0", Some(json!(1_000_000_000_000_i64))),
            ("1000000000001.0", Some(json!(1_000_000_000_001_f64))),
            ("2.5", Some(json!(2.5))),
            ("18446744073709551615", Some(json!(u64::MAX))),
            ("1e400", None),
            ("{} {}", None),
        ] {
            assert_eq!(syntax(text.as_bytes()).ok(), expect, "{text}");
        }
    }

    #[test]
    fn the_member_that_came_twice_is_named_and_its_name_is_cut() {
        let name = "ä".repeat(30_000);
        let twice = syntax(format!("{{\"{name}\":1,\"{name}\":2}}").as_bytes());
        let why = twice.expect_err("a member twice").to_string();
        assert!(why.contains("ääää") && why.contains("given twice at line 1"), "{why}");
        assert!(why.len() < 300, "{} bytes", why.len());
    }

    #[test]
    fn depth_has_its_limit() {
        assert!(syntax("[".repeat(127).as_bytes()).is_err_and(|why| why.0.is_eof()));
        assert!(syntax("[".repeat(128).as_bytes()).is_err_and(|why| !why.0.is_eof()));
    }
}
