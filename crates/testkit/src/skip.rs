//! Tests that cannot run on this machine: announced, counted, and refused where they must run.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;
use std::thread;

/// Names the file to which each skipped test adds a line, its name. The harness counts a skipped test
/// as passed; `scripts/check` and `scripts/test` count the lines.
const LIST: &str = "VACANCY_TEST_SKIPS";

/// What was already announced or listed by this process.
static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Announces on stderr, once a process, that tests are skipped for the reason `notice`, and adds the
/// running test to the list of skipped ones. To be called on the test's own thread, which bears its
/// name.
///
/// Panics when the variable `required` is set, with `needed`, which says what to install; and when the
/// list cannot be written.
pub fn skip(notice: &str, required: &str, needed: &str) {
    assert!(std::env::var_os(required).is_none(), "{required} is set: {needed}");
    if is_new(notice) {
        // Straight to stderr: the test harness would swallow the notice of a passing test.
        let _ = write!(std::io::stderr(), "\n*** {notice} ***\n\n");
    }
    let Some(list) = std::env::var_os(LIST) else { return };
    let test = thread::current().name().unwrap_or("a test without a name").to_owned();
    if is_new(&test) {
        let file = OpenOptions::new().create(true).append(true).open(&list);
        let written = file.and_then(|mut file| file.write_all(format!("{test}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("{LIST}={}: {error}", list.display()));
    }
}

fn is_new(text: &str) -> bool {
    TOLD.lock().expect("no test panics while it holds this").insert(text.to_owned())
}
