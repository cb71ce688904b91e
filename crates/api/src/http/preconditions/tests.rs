use super::*;
use crate::http::tag::weak;

#[test]
fn tags_are_read_as_rfc_9110_writes_them() {
    let strong = |version| Tag::Strong(Version(version));
    check(&["\"7\""], Some(tags(vec![strong(7)])));
    check(&["\"7\", \"8\""], Some(tags(vec![strong(7), strong(8)])));
    check(&["\"7\"", "\"8\""], Some(tags(vec![strong(7), strong(8)])));
    check(&["\"7\",,\"8\" , "], Some(tags(vec![strong(7), strong(8)])));
    check(&["*"], Some(Expected::Any));
    check(&[" * "], Some(Expected::Any));
    check(&["W/\"7\""], Some(tags(vec![Tag::Weak(Version(7))])));
    check(&["\"a,b\", W/\"x\""], Some(tags(vec![Tag::StrongForeign, Tag::WeakForeign])));
    check(&["\"\""], Some(tags(vec![Tag::StrongForeign])));
    check(&["\"07\""], Some(tags(vec![Tag::StrongForeign])));
    check(&["\"0\""], Some(tags(vec![Tag::StrongForeign])));
    check(&["\"9223372036854775808\""], Some(tags(vec![Tag::StrongForeign])));
}

#[test]
fn unquoted_digits_are_a_tag() {
    check(&["7"], Some(tags(vec![Tag::Strong(Version(7))])));
    check(&["7, 8"], Some(tags(vec![Tag::Strong(Version(7)), Tag::Strong(Version(8))])));
    check(&["07"], Some(tags(vec![Tag::StrongForeign])));
}

#[test]
fn what_is_not_a_tag_is_refused() {
    for bad in [
        &["\"7\", *"][..],
        &["*", "*"],
        &["*, \"7\""],
        &[""],
        &[","],
        &["\"7"],
        &["7\""],
        &["W/7"],
        &["w/\"7\""],
        &["seven"],
        &["'7'"],
        &["\"7\" \"8\""],
        &["\"7\"8"],
        &["7x"],
        &["\"a b\""],
    ] {
        check(bad, None);
    }
}

#[test]
fn a_version_parameter_is_canonical() {
    for (raw, expect) in [
        ("1", Some(1)),
        ("7", Some(7)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("0", None),
        ("07", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1.0", None),
        ("", None),
        ("\"1\"", None),
    ] {
        assert_eq!(version_parameter(raw).ok(), expect.map(Version), "{raw}");
    }
}

#[test]
fn lists_compare_their_weak_tag() {
    let current = weak(b"[]");
    for (value, expect) in [
        (current.to_str().expect("ASCII").to_owned(), true),
        (current.to_str().expect("ASCII")[2..].to_owned(), true),
        ("*".to_owned(), true),
        ("W/\"other\"".to_owned(), false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, value.parse().expect("a value"));
        let preconditions = RawPreconditions::new(&headers, None);
        assert_eq!(preconditions.list_unchanged(&current).ok(), Some(Some(expect)), "{value}");
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the table reads better with values")]
fn check(lines: &[&str], expect: Option<Expected>) {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(header::IF_MATCH, line.parse().expect("a header value"));
    }
    let read = RawPreconditions::new(&headers, None).read();
    assert_eq!(read.ok().and_then(|read| read.if_match), expect, "{lines:?}");
}

fn tags(tags: Vec<Tag>) -> Expected {
    Expected::Tags(tags)
}
