//! Queries, read strictly: an unknown or repeated parameter is refused before anything is looked up.

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;
use vacancy_domain::{Day, Version};

use crate::http::json::{cut, shortened};
use crate::http::preconditions::version_parameter;
use crate::http::problem::Problem;

/// The most items of a page.
pub const LIMIT_MAX: u64 = 200;
/// How many items a page has without `limit`.
const LIMIT_DEFAULT: u64 = 50;

/// A query of exactly the parameters of `T`, each at most once. Anything else is 400.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let invalid = |why: String| Problem::InvalidRequest(format!("the query: {why}"));
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query).map_err(|why| invalid(in_our_words(&why)))?;
    let mut seen = BTreeSet::new();
    for (name, value) in &pairs {
        if !seen.insert(name) {
            let twice = format!("{} is given more than once", shortened(name));
            let is_version = name == "version";
            return Err(if is_version { Problem::InvalidVersion(twice) } else { invalid(twice) });
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(invalid("NUL is not allowed".into()));
        }
        // What is not UTF-8 was decoded to this.
        if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER)
        {
            return Err(invalid("it must be UTF-8, percent-encoded".into()));
        }
    }
    serde_urlencoded::from_str(query).map_err(|why| invalid(in_our_words(&why)))
}

/// Serde's message without the value it quotes, and with a name that was sent cut.
fn in_our_words(why: &serde_urlencoded::de::Error) -> String {
    /// The longest message, in characters.
    const CHARS_MAX: usize = 300;
    let why = why.to_string();
    if let Some(rest) = why.strip_prefix("unknown field `")
        && let Some((name, expected)) = rest.rsplit_once("`, expected ")
    {
        return format!("there is no parameter {}, but {expected}", shortened(name));
    }
    match why.rsplit_once(", expected ") {
        Some((_, expected)) => format!("expected {}", cut(expected, CHARS_MAX)),
        None => cut(&why, CHARS_MAX),
    }
}

/// No parameters at all.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

/// `?version=`, the precondition for clients that cannot set headers.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct VersionQuery {
    /// Only if the resource has this version; otherwise 409 `version_conflict`.
    #[param(value_type = Option<i64>, minimum = 1)]
    version: Option<String>,
}

/// A query that may name a version.
pub trait NamesVersion: DeserializeOwned + Send {
    /// The version named, if any. Fails with 400 `invalid_version`.
    fn version(&self) -> Result<Option<Version>, Problem>;
}

impl NamesVersion for VersionQuery {
    fn version(&self) -> Result<Option<Version>, Problem> {
        self.version.as_deref().map(version_parameter).transpose()
    }
}

impl NamesVersion for NoQuery {
    fn version(&self) -> Result<Option<Version>, Problem> {
        Ok(None)
    }
}

/// How many items a page shall have, 1 to 200.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub u64);

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let limit = number(from)?;
        let limit = u64::try_from(limit).ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        let wrong = || serde::de::Error::custom(format!("limit takes 1 to {LIMIT_MAX}"));
        limit.map(Self).ok_or_else(wrong)
    }
}

/// A decimal number from 0 to 2^63−1, in digits only.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let raw = String::deserialize(from)?;
    let digits = !raw.is_empty() && raw.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { raw.parse().ok() } else { None };
    number.ok_or_else(|| serde::de::Error::custom("a number takes decimal digits, up to 2^63-1"))
}

/// As [`number`], for a parameter that may be absent.
pub fn optional_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    number(from).map(Some)
}

/// A day written `YYYY-MM-DD`, and nothing looser.
#[derive(Clone, Copy, Debug)]
pub struct DayParam(pub Day);

impl<'de> Deserialize<'de> for DayParam {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(from)?;
        day(&raw).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads `YYYY-MM-DD`. Fails with what to correct.
pub fn day(raw: &str) -> Result<Day, String> {
    let shaped = raw.len() == 10
        && raw.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let day = if shaped { raw.parse().ok() } else { None };
    day.ok_or_else(|| "must be a day of the calendar, written YYYY-MM-DD".to_owned())
}

/// A UUID in its canonical form of 36 characters.
#[derive(Clone, Copy, Debug)]
pub struct IdParam(pub uuid::Uuid);

impl<'de> Deserialize<'de> for IdParam {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(from)?;
        uuid(&raw).map(Self).ok_or_else(|| serde::de::Error::custom("an id takes a UUID"))
    }
}

/// Reads a UUID written with its four hyphens, and nothing looser.
#[must_use]
pub fn uuid(raw: &str) -> Option<uuid::Uuid> {
    if raw.len() == 36 { raw.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_one_way() {
        for good in ["2026-12-01", "2028-02-29", "9999-12-31", "0001-01-01"] {
            assert!(day(good).is_ok(), "{good}");
        }
        for bad in
            ["2026-2-1", "2026-02-30", "2027-02-29", "+2026-1-01", "20261201", "2026-12-01T", ""]
        {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_are_whole_numbers_from_1_to_200() {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Page {
            limit: Option<Limit>,
        }
        for (query, expect) in [
            ("", Some(None)),
            ("limit=1", Some(Some(1))),
            ("limit=200", Some(Some(200))),
            ("limit=0", None),
            ("limit=201", None),
            ("limit=-1", None),
            ("limit=1.5", None),
            ("limit=", None),
            ("limit=1&limit=2", None),
            ("limits=1", None),
            ("limit=99999999999999999999", None),
        ] {
            let page = parse::<Page>(query).ok().map(|page| page.limit.map(|limit| limit.0));
            assert_eq!(page, expect, "{query}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_named_and_no_value_is_repeated() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its shape matters")]
        struct Filter {
            limit: Option<Limit>,
            color: Option<Color>,
        }
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Color {
            Red,
            Blue,
        }
        for (query, expect) in [
            ("sslpassword=secret", "there is no parameter sslpassword, but `limit` or `color`"),
            ("color=secret", "expected `red` or `blue`"),
            ("limit=secret", "a number takes decimal digits, up to 2^63-1"),
            ("a`b=secret", "there is no parameter a`b, but `limit` or `color`"),
        ] {
            let Err(Problem::InvalidRequest(why)) = parse::<Filter>(query) else {
                panic!("{query} is refused")
            };
            assert_eq!(why, format!("the query: {expect}"));
        }
        let long = format!("{}=secret", "x".repeat(8_000));
        let Err(Problem::InvalidRequest(why)) = parse::<Filter>(&long) else { panic!("refused") };
        assert!(why.len() < 200, "{why}");
    }

    #[test]
    fn a_version_twice_is_an_invalid_version() {
        let twice = parse::<VersionQuery>("version=1&version=1");
        assert!(matches!(twice, Err(Problem::InvalidVersion(_))));
        let nul = parse::<VersionQuery>("version=%00");
        assert!(matches!(nul, Err(Problem::InvalidRequest(_))));
        let broken = parse::<VersionQuery>("version=%FF");
        assert!(matches!(broken, Err(Problem::InvalidRequest(_))));
    }
}
