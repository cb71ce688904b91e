//! The path below which a proxy has mounted the service: `X-Forwarded-Prefix`.

use std::sync::Arc;

use axum::http::{Extensions, HeaderMap};

use crate::http::problem::Problem;

/// The header.
pub const X_FORWARDED_PREFIX: &str = "x-forwarded-prefix";
/// The longest prefix, in bytes.
const PREFIX_BYTES_MAX: usize = 256;

/// A path such as `/vacancy`, which stands before every path that clients are told. Empty, or it
/// begins with a slash and does not end with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// Reads what the proxy said; `None` if it said nothing, or that there is no prefix. Fails with 400
    /// for what is no plain path, as it may be another site's address (`//host`), and for several.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut lines = headers.get_all(X_FORWARDED_PREFIX).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        let path = line.to_str().ok().filter(|_| lines.next().is_none());
        let path = path.map(|path| path.strip_suffix('/').unwrap_or(path));
        match path {
            Some("") => Ok(None),
            Some(path) if is_plain(path) => Ok(Some(Self(path.into()))),
            Some(_) | None => Err(Problem::InvalidRequest(
                "X-Forwarded-Prefix is one path such as /vacancy".to_owned(),
            )),
        }
    }

    /// The prefix that was left in the extensions, or the empty one.
    #[must_use]
    pub fn of(extensions: &Extensions) -> &str {
        extensions.get::<Self>().map_or("", Self::as_str)
    }

    /// As it stands before a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it is made of segments that mean themselves: none is empty, `.` or `..`, and no character
/// has a meaning in a URI, a header or a page.
fn is_plain(path: &str) -> bool {
    let is_segment = |segment: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !["", ".", ".."].contains(&segment) && segment.bytes().all(known)
    };
    path.len() <= PREFIX_BYTES_MAX
        && path.strip_prefix('/').is_some_and(|path| path.split('/').all(is_segment))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_prefix_is_one_plain_path() {
        let longest = format!("/{}", "p".repeat(PREFIX_BYTES_MAX - 1));
        for (lines, expect) in [
            (&[][..], Some(None)),
            (&[""], Some(None)),
            (&["/"], Some(None)),
            (&["/vacancy"], Some(Some("/vacancy"))),
            (&["/vacancy/"], Some(Some("/vacancy"))),
            (&["/a-b/c_d.e~1"], Some(Some("/a-b/c_d.e~1"))),
            (&[&longest], Some(Some(&*longest))),
            (&[&format!("{longest}p")], None),
            (&["vacancy"], None),
            (&["//evil.example"], None),
            (&["/vacancy//"], None),
            (&["/a//b"], None),
            (&["/a/../b"], None),
            (&["/."], None),
            (&["https://evil.example"], None),
            (&["/a b"], None),
            (&["/a%2fb"], None),
            (&["/a?b"], None),
            (&["/a\"><script>"], None),
            (&["/a, /b"], None),
            (&["/\\evil.example"], None),
            (&["/ä"], None),
            (&["/a", "/a"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let value = HeaderValue::from_bytes(line.as_bytes()).expect("a header value");
                headers.append(X_FORWARDED_PREFIX, value);
            }
            let read = Prefix::read(&headers).ok();
            let read = read.as_ref().map(|read| read.as_ref().map(Prefix::as_str));
            assert_eq!(read, expect, "{lines:?}");
        }
    }
}
