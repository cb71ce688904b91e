//! The finder of circles, on small made-up crates.

use crate::circles::{circles, uses};
use crate::tokens;

#[test]
fn two_files_that_use_each_other_are_a_circle() {
    check(
        &[("a.rs", "use crate::b::B;"), ("b.rs", "pub fn f() { crate::a::g() }")],
        &[&["a.rs", "b.rs"]],
    );
    check(&[("a.rs", "use crate::b::B;"), ("b.rs", "use std::fmt;")], &[]);
}

#[test]
fn a_circle_is_named_in_its_order_by_the_shortest_way() {
    let files = [
        ("a.rs", "use crate::{b::B, c};"),
        ("b.rs", "use super::c::{self, d::Unknown};\nfn f() { c::g() }"),
        ("c.rs", "use crate::{e, d::{D as _, self}};\nfn f() { d::D::new() }"),
        ("d.rs", "use crate::a::{Something, *};"),
        ("e.rs", ""),
    ];
    check(&files, &[&["a.rs", "b.rs", "c.rs", "d.rs"]]);
}

#[test]
fn folders_are_modules() {
    let files = [
        ("a/mod.rs", "mod x;\nmod y;"),
        ("a/x.rs", "use super::y::Y;"),
        ("a/y.rs", "use self::z::Z;\npub mod z;"),
        ("a/y/z.rs", "use super::super::x::X;"),
    ];
    check(&files, &[&["a/x.rs", "a/y.rs", "a/y/z.rs"]]);
}

#[test]
fn what_is_handed_on_is_of_the_file_that_defines_it() {
    let handing_on = "mod x;\nmod y;\npub use self::x::X;\npub(crate) use y::Y as Why;";
    // `y` uses `x` through their parent, and that is all.
    let one_way = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", handing_on),
        ("a/x.rs", "pub struct X;"),
        ("a/y.rs", "use super::X;\npub struct Y(X);"),
    ];
    check(&one_way, &[]);
    assert_eq!(used_by(&one_way, "a/y.rs"), ["a/x.rs"]);
    let both_ways = [
        ("lib.rs", "mod a;"),
        ("a/mod.rs", handing_on),
        ("a/x.rs", "fn f(y: crate::a::Why) {}"),
        ("a/y.rs", "use super::X;"),
    ];
    check(&both_ways, &[&["a/x.rs", "a/y.rs"]]);
    let by_star = [
        ("lib.rs", "mod x;\nmod y;\npub use x::*;\npub use y::*;"),
        ("x.rs", "pub fn f() {}"),
        ("y.rs", "pub fn g() { crate::f() }"),
        ("z.rs", "use crate::g;"),
    ];
    check(&by_star, &[]);
    assert_eq!(used_by(&by_star, "y.rs"), ["x.rs"]);
    assert_eq!(used_by(&by_star, "z.rs"), ["y.rs"]);
}

#[test]
fn a_parent_with_code_of_its_own_is_a_file_like_any_other() {
    let files = [
        ("a/mod.rs", "mod x;\npub struct A;\nfn f() { x::g() }"),
        ("a/x.rs", "use super::A;\npub fn g() {}"),
    ];
    check(&files, &[&["a/mod.rs", "a/x.rs"]]);
    let imported = [
        ("a/mod.rs", "mod x;\npub use x::X;\npub struct A(X);"),
        ("a/x.rs", "pub struct X(super::A);"),
    ];
    check(&imported, &[&["a/mod.rs", "a/x.rs"]]);
}

#[test]
fn a_module_imported_by_name_leads_to_what_is_named_in_it() {
    let files = [
        ("lib.rs", "mod a;\nmod b;"),
        ("a/mod.rs", "mod x;\npub use x::read;"),
        ("a/x.rs", "use crate::b::B;"),
        ("b.rs", "use crate::a as other;\nfn f() { other::read() }"),
    ];
    check(&files, &[&["a/x.rs", "b.rs"]]);
}

#[test]
fn neighbours_and_other_crates_of_the_same_name_are_told_apart() {
    let files = [
        ("metrics.rs", "use metrics::{counter, gauge};\nfn f() { metrics::counter!() }"),
        ("layers/mod.rs", "mod metrics;\nfn f() { metrics::count() }"),
        (
            "layers/metrics.rs",
            "use crate::metrics::Metrics;\nuse uuid::uuid;\nfn f() { uuid::x() }",
        ),
    ];
    check(&files, &[]);
    assert_eq!(used_by(&files, "layers/mod.rs"), ["layers/metrics.rs"]);
    assert_eq!(used_by(&files, "layers/metrics.rs"), ["metrics.rs"]);
    assert!(used_by(&files, "metrics.rs").is_empty());
}

#[test]
fn tests_may_use_what_they_like() {
    let files = [
        (
            "a.rs",
            "#[cfg(test)]\nuse crate::b::Made;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\nmod c {}",
        ),
        ("b.rs", "use crate::a::A;"),
        ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod plans;"),
        ("plans.rs", "use crate::plans2::P;"),
        ("plans2.rs", "use crate::plans::P;"),
    ];
    check(&files, &[]);
    let behind = [
        ("a.rs", "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::b::B;"),
        ("b.rs", "use crate::a::A;"),
    ];
    check(&behind, &[&["a.rs", "b.rs"]]);
}

#[test]
fn only_code_counts() {
    let files = [
        ("a.rs", "use crate::b::B;"),
        (
            "b.rs",
            "//! [`crate::a::A`]\n/* crate::a /* nested */ crate::a::A */\n\
             const S: &str = \"crate::a::A \\\" crate::a::A\";\n\
             const R: &str = r#\"\" crate::a::A\"#;\n\
             const C: (char, char) = ('\"', '\\'');\n\
             fn f<'a>(x: &'a u8) -> impl Sized + use<'a> { x }",
        ),
    ];
    check(&files, &[]);
    // Nothing of what comes behind them is taken for their rest.
    let behind = files.map(|(file, text)| (file, format!("{text}\nfn g() {{ crate::a::f() }}")));
    let behind: Vec<_> = behind.iter().map(|(file, text)| (*file, text.as_str())).collect();
    check(&behind, &[&["a.rs", "b.rs"]]);
}

#[test]
fn lines_are_counted_without_tests() {
    for (text, lines) in [
        ("fn f() {}\n", 1),
        ("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n", 2),
        ("#[cfg(test)]\nmod tests;\nfn f() {\n}\n", 2),
        ("const S: &str = \"a\nb\";\n#[cfg(test)]\nfn g() {\n    {}\n}\n", 2),
        ("", 0),
    ] {
        assert_eq!(tokens::read(text).lines, lines, "{text:?}");
    }
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
    assert_eq!(circles(&owned(files)), expected, "{files:?}");
}

fn used_by(files: &[(&str, &str)], file: &str) -> Vec<String> {
    uses(&owned(files)).remove(file).into_iter().flatten().collect()
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|&(file, text)| (file.to_owned(), text.to_owned())).collect()
}
