//! What the compiler and the lints cannot see: the layers, and documents that keep up with the code.

mod circles;
mod circles_tests;
mod imports;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// No crate may depend on one that is not listed for it.
const LAYERS: &[(&str, &[&str])] = &[
    ("crates/domain", &[]),
    ("migrations", &[]),
    ("crates/persistence", &["vacancy-domain", "vacancy-migrations"]),
    ("crates/api", &["vacancy-domain", "vacancy-persistence"]),
];

/// What a crate must not know, by the words of its manifest.
const STRANGERS: &[(&str, &[&str])] = &[
    ("crates/domain", &["tokio", "serde", "sea-orm", "axum", "metrics", "tracing"]),
    ("crates/persistence", &["axum", "hyper", "metrics", "tokio-retry"]),
    ("crates/api", &["sea-orm", "sqlx"]),
];

#[test]
fn dependencies_point_downwards() {
    for (folder, allowed) in LAYERS {
        for name in dependencies(folder) {
            let ours = name.starts_with("vacancy");
            assert!(!ours || allowed.contains(&name.as_str()), "{folder} depends on {name}");
        }
    }
    for (folder, strangers) in STRANGERS {
        for name in dependencies(folder) {
            assert!(!strangers.contains(&name.as_str()), "{folder} depends on {name}");
        }
    }
}

#[test]
fn every_metric_is_documented_and_there_is_no_other() {
    let source = read("crates/api/src/metrics/catalogue.rs");
    let documented = read("docs/operations.md");
    let named: BTreeSet<_> = quoted(&source).filter(|word| is_metric(word)).collect();
    assert!(named.len() >= 15, "the metrics are found in the source: {named:?}");
    for name in &named {
        assert!(documented.contains(&format!("`{name}")), "docs/operations.md lacks {name}");
    }
    // A word with a colon is a recording rule.
    let words = documented.split(|c: char| !c.is_ascii_alphanumeric() && !"_:".contains(c));
    for word in words.filter(|word| is_metric(word)) {
        let parts = ["_bucket", "_sum", "_count"];
        let family = parts.iter().find_map(|part| word.strip_suffix(part)).unwrap_or(word);
        let known = named.contains(word) || named.contains(family);
        assert!(known, "docs/operations.md names {word}, which is no metric");
    }
}

#[test]
fn every_problem_is_documented_and_there_is_no_other() {
    let source = read("crates/api/src/http/problem/code.rs");
    let documented = read("docs/api.md");
    let rows = source.lines().filter_map(|line| {
        let (variant, rest) = line.trim().split_once(" = ")?;
        let (status, rest) = rest.split_once(" \"")?;
        let name = rest.split('"').next()?;
        let is_row = variant.chars().all(char::is_alphanumeric);
        is_row.then_some((status.parse::<u16>().ok()?, name))
    });
    let rows: BTreeSet<_> = rows.collect();
    assert!(rows.len() >= 28, "the problems are found in the source: {rows:?}");
    let told = documented.lines().filter_map(|line| {
        let (status, rest) = line.strip_prefix("| ")?.split_once(" | `")?;
        Some((status.parse::<u16>().ok()?, rest.split('`').next()?))
    });
    assert_eq!(told.collect::<BTreeSet<_>>(), rows, "the table of docs/api.md and the source");
    // In the text, a status and a code behind it: 409 `lock_conflict`.
    let pieces: Vec<_> = documented.split('`').collect();
    for pair in pieces.windows(2) {
        let [before, code] = pair else { unreachable!("windows of two") };
        let status = before.strip_suffix(' ').and_then(|before| before.split(' ').next_back());
        let status = status.and_then(|status| status.parse::<u16>().ok());
        let Some(status) = status.filter(|status| *status >= 400) else { continue };
        let known = rows.contains(&(status, code));
        assert!(known, "docs/api.md says {status} `{code}`, which is no problem");
    }
}

/// A file is found by its name, wherever in its crate it lies; a folder stands for all that is in
/// it. The names that every crate and module may have say nothing.
#[test]
fn the_code_map_names_every_file_and_no_other() {
    const NAMELESS: &[&str] = &["lib.rs", "mod.rs", "tests.rs"];
    let document = read("docs/architecture.md");
    let (_, map) = document.split_once("\n## Code map\n").expect("there is a map");
    let map = map.split("\n## ").next().unwrap_or_default();
    for folder in ["crates/domain/src", "crates/persistence/src", "crates/api/src"] {
        let files = sources(&root().join(folder));
        let (_, rows) = map.split_once(&format!("**`{folder}`**")).expect("each crate has a part");
        let rows = rows.split("**`").next().unwrap_or_default();
        let first_cells = rows.lines().filter_map(|row| row.strip_prefix("| ")?.split('|').next());
        let named: Vec<_> =
            first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let stands_for = |name: &str, file: &Path| match name.strip_suffix('/') {
            Some(folder) => file.parent().is_some_and(|parent| parent.ends_with(folder)),
            None => file.file_name() == Path::new(name).file_name(),
        };
        for name in &named {
            let there = files.iter().any(|file| stands_for(name, file));
            assert!(there, "docs/architecture.md names {name}, which is not in {folder}");
        }
        for file in &files {
            let known = named.iter().any(|name| stands_for(name, file));
            let nameless = NAMELESS.iter().any(|name| file.ends_with(name));
            assert!(known || nameless, "docs/architecture.md lacks {}", file.display());
        }
    }
}

#[test]
fn every_alert_has_its_section() {
    let alerts = read("deploy/prometheus/rules/alerts.yml");
    let documented = read("docs/operations.md").to_lowercase();
    let names = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<_> = names.map(str::to_lowercase).collect();
    assert!(names.len() >= 8, "the alerts are found: {names:?}");
    for name in names {
        let heading = documented.lines().any(|line| {
            line.starts_with('#') && line.trim_start_matches('#').trim().trim_matches('`') == name
        });
        assert!(heading, "docs/operations.md has no section {name}");
    }
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut files: Vec<_> = fs::read_dir(root().join("docs/adr"))
        .expect("the decisions are there")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .filter(|name| name != "README.md")
        .collect();
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    for (index, name) in files.iter().enumerate() {
        let number = format!("{:04}-", index + 1);
        assert!(name.starts_with(&number), "{name} should begin with {number}");
        let lines = read(&format!("docs/adr/{name}")).lines().count();
        assert!(lines <= 70, "{name} has {lines} lines: a decision fits on a screen");
    }
}

/// Files of which one uses another until the first is used again cannot be read in an order.
#[test]
fn no_circle_of_files() {
    let mut crates = 0;
    for (name, files) in crate_sources() {
        crates += 1;
        let found = circles::circles(&files);
        let ways: Vec<_> = found.iter().map(|files| files.join(" -> ")).collect();
        assert!(ways.is_empty(), "crates/{name}/src has circles:\n{}", ways.join("\n"));
    }
    assert!(crates >= 4, "the crates are found");
}

#[test]
fn no_file_is_long() {
    const LINES_MAX: usize = 400;
    let mut files = 0;
    for (name, sources) in crate_sources() {
        for (file, text) in &sources {
            files += 1;
            let path = format!("{name}/src/{file}");
            let lines = tokens::read(text).lines;
            assert!(lines <= LINES_MAX, "crates/{path} has {lines} lines without tests");
        }
    }
    assert!(files > 80, "the files are found: {files}");
}

#[test]
fn metrics_and_retries_have_one_home() {
    for file in sources(&root().join("crates/api/src")) {
        let source = fs::read_to_string(&file).expect("a source file");
        let home = |name: &str| file.ancestors().any(|it| it.ends_with(name));
        for (word, allowed) in
            [("tokio_retry::", "write/retry.rs"), ("metrics_exporter_prometheus", "src/metrics")]
        {
            assert!(!source.contains(word) || home(allowed), "{} in {}", word, file.display());
        }
    }
}

fn dependencies(folder: &str) -> Vec<String> {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

fn quoted(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2)
}

fn is_metric(word: &str) -> bool {
    const PREFIXES: &[&str] =
        &["auth_", "booking_", "http_", "idempotency_", "db_", "log_", "vacancy_"];
    let shaped = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    shaped
        && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        && word.matches('_').count() > 1
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The name of each crate, and its files by their paths below `src`. Files named `tests.rs` are
/// tests, which may use what they like and be as long as it takes.
fn crate_sources() -> Vec<(String, Vec<(String, String)>)> {
    let crates = fs::read_dir(root().join("crates")).expect("the crates are there");
    let crates = crates.map(|entry| entry.expect("an entry").path());
    let named = crates.map(|krate| {
        let folder = krate.join("src");
        let files = sources(&folder).into_iter().filter(|file| !file.ends_with("tests.rs"));
        let files = files.map(|file| {
            let text = fs::read_to_string(&file).expect("a source file");
            let file = file.strip_prefix(&folder).expect("it lies there");
            (file.to_str().expect("UTF-8").to_owned(), text)
        });
        let name = krate.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        (name.to_owned(), files.collect())
    });
    named.collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
