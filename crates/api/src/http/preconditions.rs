//! The wire format of preconditions: `If-Match`, `If-None-Match`, `?version=`.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use uuid::Uuid;
use vacancy_domain::{Expected, Preconditions, Stale, Tag, Version};

use crate::http::problem::Problem;
use crate::metrics::PreconditionResult;

/// The preconditions of a request, not yet parsed: a resource that does not exist is answered 404
/// even when they are malformed.
#[derive(Clone, Debug, Default)]
pub struct RawPreconditions {
    headers: HeaderMap,
    version: Option<Version>,
}

impl RawPreconditions {
    /// Takes over `If-Match` and `If-None-Match` of `headers`.
    #[must_use]
    pub fn new(headers: &HeaderMap, version: Option<Version>) -> Self {
        let mut kept = HeaderMap::new();
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            for value in headers.get_all(&name) {
                kept.append(&name, value.clone());
            }
        }
        Self { headers: kept, version }
    }

    /// The lines of `If-Match`, which are part of what makes two requests the same.
    pub fn if_match_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(header::IF_MATCH).iter().map(HeaderValue::as_bytes)
    }

    /// Whether `If-Match` or `?version=` came at all.
    #[must_use]
    pub fn suffice_for_an_edit(&self) -> bool {
        self.headers.contains_key(header::IF_MATCH) || self.version.is_some()
    }

    /// Reads them. Fails with 400 `malformed_precondition`.
    pub fn read(&self) -> Result<Preconditions, Problem> {
        Ok(Preconditions {
            if_match: expected(&self.headers, &header::IF_MATCH)?,
            if_none_match: expected(&self.headers, &header::IF_NONE_MATCH)?,
            version: self.version,
        })
    }

    /// Whether the weak tag of a list is among `If-None-Match`. Fails with 400.
    pub fn list_unchanged(&self, current: &HeaderValue) -> Result<Option<bool>, Problem> {
        let Some(tags) = tags(&self.headers, &header::IF_NONE_MATCH)? else { return Ok(None) };
        let opaque = current.as_bytes().strip_prefix(b"W/").unwrap_or(current.as_bytes());
        Ok(Some(match tags {
            Tags::Any => true,
            Tags::These(tags) => tags.iter().any(|tag| tag.quoted == opaque),
        }))
    }

    /// Compares with the current version of a resource.
    pub fn check(&self, kind: &'static str, id: Uuid, current: Version) -> Verdict {
        let malformed = |problem| Verdict::Failed(PreconditionResult::Malformed400, problem);
        let if_match = match expected(&self.headers, &header::IF_MATCH) {
            Ok(if_match) => Preconditions { if_match, ..Preconditions::default() },
            Err(problem) => return malformed(problem),
        };
        // An If-Match that fails is the answer, however If-None-Match reads.
        let checked = match if_match.check(current) {
            Ok(()) => match self.read() {
                Ok(all) => all.check(current).map(|()| all.are_present()),
                Err(problem) => return malformed(problem),
            },
            Err(stale) => Err(stale),
        };
        match checked {
            Ok(true) => Verdict::Passed,
            Ok(false) => Verdict::Absent,
            Err(Stale::NoneMatch) => Verdict::NotModified,
            Err(Stale::Match) if if_match.if_match.as_ref().is_some_and(is_foreign) => {
                let problem = Problem::ForeignEtag { current };
                Verdict::Failed(PreconditionResult::Failed412, problem)
            }
            Err(Stale::Match) => {
                let problem = Problem::PreconditionFailed { current };
                Verdict::Failed(PreconditionResult::Failed412, problem)
            }
            Err(Stale::WeakMatch) => {
                Verdict::Failed(PreconditionResult::WeakEtag, Problem::WeakEtag { current })
            }
            Err(Stale::Version { provided }) => {
                let problem = Problem::VersionConflict { kind, id, current, provided };
                Verdict::Failed(PreconditionResult::Version409, problem)
            }
        }
    }
}

/// The result of comparing preconditions with a version.
#[derive(Debug)]
pub enum Verdict {
    /// There was nothing to compare.
    Absent,
    /// All of them hold.
    Passed,
    /// `If-None-Match` names the current version: 304 for a read, 412 for a write.
    NotModified,
    /// One does not hold.
    Failed(PreconditionResult, Problem),
}

/// Reads `?version=`: a canonical decimal from 1 to 2^63−1.
pub fn version_parameter(raw: &str) -> Result<Version, Problem> {
    canonical(raw.as_bytes()).ok_or_else(|| {
        Problem::InvalidVersion("version takes a decimal number from 1 to 2^63-1".into())
    })
}

/// Our tags letter for letter: digits without a leading zero.
fn canonical(digits: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(digits).ok()?;
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Version)
}

fn expected(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Expected>, Problem> {
    Ok(tags(headers, name)?.map(|tags| match tags {
        Tags::Any => Expected::Any,
        Tags::These(tags) => Expected::Tags(tags.iter().map(WireTag::meaning).collect()),
    }))
}

/// Whether no member is a tag that this service could have made: then reading again does not help.
fn is_foreign(expected: &Expected) -> bool {
    match expected {
        Expected::Any => false,
        Expected::Tags(tags) => tags.iter().all(|tag| *tag == Tag::StrongForeign),
    }
}

enum Tags {
    Any,
    These(Vec<WireTag>),
}

struct WireTag {
    weak: bool,
    /// With its quotes.
    quoted: Vec<u8>,
}

impl WireTag {
    fn meaning(&self) -> Tag {
        let inside = &self.quoted[1..self.quoted.len() - 1];
        match (self.weak, canonical(inside)) {
            (false, Some(version)) => Tag::Strong(version),
            (false, None) => Tag::StrongForeign,
            (true, Some(version)) => Tag::Weak(version),
            (true, None) => Tag::WeakForeign,
        }
    }
}

/// `1#entity-tag / "*"` (RFC 9110, 13.1.1) over all lines of the header, and unquoted digits,
/// which some published examples send.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let malformed = |why: &str| Problem::MalformedPrecondition(format!("{name} {why}"));
    let lines: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    let field = lines.join(&b", "[..]);
    if field.trim_ascii() == b"*" {
        return Ok(Some(Tags::Any));
    }
    let mut rest = field.as_slice();
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        // A list may have empty members (RFC 9110, 5.6.1.2).
        if let Some(behind) = rest.strip_prefix(b",") {
            rest = behind;
            continue;
        }
        if rest.is_empty() {
            break;
        }
        let (tag, behind) = one_tag(rest).ok_or_else(|| {
            malformed("takes quoted entity tags separated by commas, or a lone *")
        })?;
        tags.push(tag);
        rest = behind.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return Err(malformed("has something behind an entity tag that is not a comma"));
        }
    }
    if tags.is_empty() { Err(malformed("is empty")) } else { Ok(Some(Tags::These(tags))) }
}

fn one_tag(field: &[u8]) -> Option<(WireTag, &[u8])> {
    let digits = field.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        let (digits, behind) = field.split_at(digits);
        let quoted = [b"\"", digits, b"\""].concat();
        return Some((WireTag { weak: false, quoted }, behind));
    }
    let (weak, quoted) = match field.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, field),
    };
    let inside = quoted.strip_prefix(b"\"")?;
    // etagc: anything visible but the quote, and bytes beyond ASCII (RFC 9110, 8.8.3).
    let length = inside.iter().position(|byte| *byte == b'"')?;
    if inside[..length].iter().any(|byte| byte.is_ascii_control() || *byte == b' ') {
        return None;
    }
    let (tag, behind) = quoted.split_at(length + 2);
    Some((WireTag { weak, quoted: tag.to_vec() }, behind))
}

#[cfg(test)]
mod tests;
