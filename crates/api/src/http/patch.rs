//! PUT and PATCH over the representation that GET gives, so that "GET, change, PUT" works.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::fields::{FieldError, UNKNOWN_FIELD, shape};
use crate::http::problem::Problem;
use crate::http::same::means_the_same;

/// How the body relates to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The whole of what shall be (PUT).
    Replace,
    /// What shall be different (PATCH, RFC 7396).
    Merge,
}

/// Applies `body` to `current` and reads what comes out as a `T`. Fields in `read_only` may be
/// there as long as they mean what they meant; fields in neither it nor `T` are refused.
///
/// Fails with 422.
pub fn apply<T: DeserializeOwned>(
    edit: Edit,
    current: &impl Serialize,
    read_only: &[&str],
    body: &Value,
) -> Result<T, Problem> {
    let current = serde_json::to_value(current);
    let current = current.map_err(Problem::internal)?;
    if !body.is_object() {
        return Err(Problem::invalid("", "must be a JSON object"));
    }
    let mut wanted = match edit {
        Edit::Replace => body.clone(),
        Edit::Merge => {
            let mut merged = current.clone();
            json_patch::merge(&mut merged, body);
            merged
        }
    };
    let mut errors = Vec::new();
    for &field in read_only {
        let is = current.get(field).unwrap_or(&Value::Null);
        let shall_be = wanted.get(field).unwrap_or(&Value::Null);
        if body.get(field).is_some() && !means_the_same(is, shall_be) {
            let message = "is read-only: leave it out, or as it is".to_owned();
            errors.push(FieldError { pointer: format!("/{field}"), message });
        }
        if let Some(fields) = wanted.as_object_mut() {
            fields.remove(field);
        }
    }
    if !errors.is_empty() {
        return Err(Problem::ValidationFailed(errors));
    }
    if edit == Edit::Merge {
        let changeable = body.as_object().into_iter().flatten();
        for (field, value) in changeable.filter(|(field, _)| !read_only.contains(&field.as_str())) {
            refuse_unknown_removals::<T>(&current, &[field], value)?;
        }
    }
    Ok(shape(wanted)?)
}

/// A merge patch removes with null, and removing a field that does not exist leaves no trace in
/// the result: such a field, `value` at `path`, must be looked for in the patch itself.
fn refuse_unknown_removals<T: DeserializeOwned>(
    current: &Value,
    path: &[&str],
    value: &Value,
) -> Result<(), Problem> {
    for (field, value) in value.as_object().into_iter().flatten() {
        refuse_unknown_removals::<T>(current, &[path, &[field]].concat(), value)?;
    }
    let exists = || path.iter().try_fold(current, |object, field| object.get(field)).is_some();
    if !value.is_null() || exists() {
        return Ok(());
    }
    let alone = path.iter().rev().fold(Value::Null, |inner, field| json!({ *field: inner }));
    match shape::<T>(alone) {
        Err(errors) if errors.any(UNKNOWN_FIELD) => Err(errors.into()),
        // A known field that is not set: nothing is removed, and nothing is wrong.
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        note: Option<String>,
        place: Option<Place>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Place {
        city: Option<String>,
    }

    #[test]
    fn put_says_everything_patch_says_the_difference() {
        check(Edit::Replace, json!({"name": "b"}), Ok(("b", None)));
        check(Edit::Replace, json!({"note": "b"}), Err("/name"));
        check(Edit::Merge, json!({}), Ok(("a", Some("n"))));
        check(Edit::Merge, json!({"name": "b"}), Ok(("b", Some("n"))));
        check(Edit::Merge, json!({"note": null}), Ok(("a", None)));
        check(Edit::Merge, json!({"name": null}), Err("/name"));
        check(Edit::Merge, json!({"name": 7}), Err("/name"));
        check(Edit::Merge, json!([]), Err(""));
    }

    #[test]
    fn read_only_fields_may_come_back_as_they_went() {
        for edit in [Edit::Replace, Edit::Merge] {
            check(edit, json!({"name": "b", "note": "n", "version": 3}), Ok(("b", Some("n"))));
            check(edit, json!({"name": "b", "note": "n", "version": 4}), Err("/version"));
            check(edit, json!({"name": "b", "note": "n", "version": null}), Err("/version"));
            check(edit, json!({"name": "b", "note": "n", "absent": null}), Ok(("b", Some("n"))));
        }
    }

    #[test]
    fn unknown_fields_are_refused_even_when_removed() {
        for edit in [Edit::Replace, Edit::Merge] {
            check(edit, json!({"name": "b", "bogus": 1}), Err("/bogus"));
            check(edit, json!({"name": "b", "bogus": null}), Err("/bogus"));
            check(edit, json!({"name": "b", "place": {"bogus": 1}}), Err("/place/bogus"));
            check(edit, json!({"name": "b", "place": {"bogus": null}}), Err("/place/bogus"));
        }
        check(Edit::Merge, json!({"place": {"city": null}}), Ok(("a", Some("n"))));
        check(Edit::Merge, json!({"place": null}), Ok(("a", Some("n"))));
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the table reads better with values")]
    fn check(edit: Edit, body: Value, expect: Result<(&str, Option<&str>), &str>) {
        let current = json!({"name": "a", "note": "n", "version": 3});
        match (apply::<Body>(edit, &current, &["version", "absent"], &body), expect) {
            (Ok(got), Ok((name, note))) => {
                assert_eq!((got.name.as_str(), got.note.as_deref()), (name, note), "{body}");
            }
            (Err(Problem::ValidationFailed(errors)), Err(pointer)) => {
                assert_eq!(errors[0].pointer, pointer, "{body}: {errors:?}");
            }
            (got, expect) => panic!("{edit:?} {body}: {got:?}, not {expect:?}"),
        }
    }
}
