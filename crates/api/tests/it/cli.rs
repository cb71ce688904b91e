//! The program as an operator calls it: what it prints, what it says when it cannot go on, and how it
//! ends.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::{Finished, Process};
use vacancy_testkit::replica::Replica;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use crate::logs::wrapped;
use crate::support::{Api, binary, day, id_of};

/// Rows of the document that need more than a test has.
const NOT_RUN: &[(&str, &str)] = &[
    ("name that is no address", "the resolver and its patience are the machine's"),
    ("unknown host", "the resolver and its patience are the machine's"),
    ("wrong certificate", "the PostgreSQL of the tests does not speak TLS"),
];

/// Runs what one would type, settings for its environment in front, in a folder of the test's own.
async fn run(folder: &Folder, typed: &str) -> Finished {
    let words: Vec<_> = typed.split(' ').collect();
    let settings = words.iter().take_while(|word| word.starts_with(|c: char| c.is_uppercase()));
    let settings: Vec<_> = settings.filter_map(|word| word.split_once('=')).collect();
    Process::run_in(folder.path(), binary(), &settings, &words[settings.len()..]).await
}

/// How the program ends, as `docs/operations.md` tells it.
struct Row {
    line: String,
    status: i32,
}

/// The table of bad configurations, by its first column.
fn documented() -> BTreeMap<String, Row> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let document = std::fs::read_to_string(document).expect("the document is there");
    let (_, section) = document.split_once("\n## Bad configurations\n").expect("it has a section");
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [what, line, status] = cells[..] else { panic!("not three columns: {line}") };
        // The head of the table has no status.
        let row = Row { line: line.trim_matches('`').to_owned(), status: status.parse().ok()? };
        Some((what.to_owned(), row))
    });
    rows.collect()
}

/// Whether a line is the documented one, in which `…` stands for anything and a local port for any.
fn is_as_documented(line: &str, documented: &str) -> bool {
    let (line, documented) = (without_ports(line), without_ports(documented));
    let mut parts = documented.split('…');
    let mut rest = parts.next().and_then(|start| line.strip_prefix(start));
    let parts: Vec<_> = parts.collect();
    for (place, part) in parts.iter().enumerate() {
        rest = rest.and_then(|rest| {
            let last = place + 1 == parts.len();
            let at = if last { rest.rfind(part) } else { rest.find(part) };
            at.map(|at| &rest[at + part.len()..])
        });
    }
    rest == Some("") || (documented.ends_with('…') && rest.is_some())
}

fn without_ports(line: &str) -> String {
    let mut parts = line.split("127.0.0.1:");
    let start = parts.next().unwrap_or_default().to_owned();
    parts.fold(start, |line, part| {
        line + "127.0.0.1:PORT" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// What the document says, and what of it was seen.
struct Desk {
    folder: Folder,
    documented: BTreeMap<String, Row>,
    seen: BTreeSet<String>,
}

impl Desk {
    /// What is typed ends at once as the document's row says, in one line without a password.
    async fn check(&mut self, what: &str, typed: &str) {
        let ended = run(&self.folder, typed).await;
        self.check_ended(what, typed, &ended);
    }

    fn check_ended(&mut self, what: &str, typed: &str, ended: &Finished) {
        let row = self.documented.get(what).unwrap_or_else(|| panic!("no row is called {what}"));
        assert_eq!(ended.code, Some(row.status), "{typed}: {ended:?}");
        assert_eq!(ended.stdout, "", "{typed}");
        let line = ended.stderr.strip_suffix('\n').and_then(|text| text.strip_prefix("vacancy: "));
        let line = line.unwrap_or_else(|| panic!("{typed}: {ended:?}"));
        assert!(!line.contains('\n'), "{typed}: more than a line: {line}");
        assert!(is_as_documented(line, &row.line), "{typed}: {line:?} is not {:?}", row.line);
        assert!(!line.contains("secret"), "{typed}: {line}");
        // A bad command line says where to look; the world around it is not in the help.
        assert_eq!(line.ends_with("; see vacancy --help"), row.status == 2, "{typed}: {line}");
        self.seen.insert(what.to_owned());
    }
}

/// Every row of the table in the document is a thing that happens, and happens so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one row after the other")]
async fn every_bad_configuration_ends_as_documented() {
    let folder = Folder::new("cli");
    let mut desk = Desk { folder, documented: documented(), seen: BTreeSet::new() };
    let text = "This file is long enough to have the head of a database, and has none. ".repeat(9);
    std::fs::write(desk.folder.path().join("bad.db"), text).expect("a new folder can be written");
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let taken = taken.local_addr().expect("it is bound");
    let (_socket, unused) = nothing_listens();

    let serve = "serve --listen 127.0.0.1:0 --database-url";
    for (what, typed) in [
        ("unknown flag", "serve --foo".to_owned()),
        ("unknown command", "srve".to_owned()),
        ("bad value, flag or variable", "serve --retry-attempts 0".to_owned()),
        ("bad value, flag or variable", "VACANCY_RETRY_ATTEMPTS=0 serve".to_owned()),
        ("misspelt variable", "VACANCY_LISTN=127.0.0.1:0 serve".to_owned()),
        ("duration without a unit", "serve --request-timeout 5".to_owned()),
        (
            "unknown kind of database, or an empty address",
            "serve --database-url mysql://me:secret@db/x".to_owned(),
        ),
        ("unknown kind of database, or an empty address", "DATABASE_URL= serve".to_owned()),
        ("database address that does not read", format!("{serve} postgres://me:secret@db:port/x")),
        ("unknown log level", "serve --log inof".to_owned()),
        ("unknown log level", "VACANCY_LOG=inof serve".to_owned()),
        ("unknown log level", "audit --log inof".to_owned()),
        (
            "a key would not outlive its request",
            "serve --request-timeout 1m --idempotency-ttl 1m".to_owned(),
        ),
        (
            "guests to forget, and nothing that does",
            "serve --guest-retention 30 --sweep-interval 0".to_owned(),
        ),
        ("on a network, and not said who is let in", "serve --listen 0.0.0.0:0".to_owned()),
        (
            "root key file that is not there",
            "serve --listen 127.0.0.1:0 --auth required --root-key-file missing".to_owned(),
        ),
        ("rate that does not read", "serve --rate-limit 9/m".to_owned()),
        (
            "directory without time zones",
            "serve --listen 127.0.0.1:0 --zoneinfo missing".to_owned(),
        ),
        ("port in use", format!("serve --listen {taken}")),
        ("no server at the database's address", format!("{serve} postgres://me:secret@{unused}/x")),
        (
            "no server at the database's address",
            format!("VACANCY_DATABASE_URL=postgres://me:secret@{unused}/x audit"),
        ),
        ("SQLite: no such directory", format!("{serve} sqlite://missing/vacancy.db?mode=rwc")),
        ("SQLite: no such file, and no `mode=rwc`", format!("{serve} sqlite://nothere.db")),
        (
            "SQLite: `audit` of a file that is not there",
            "audit --database-url sqlite://nowhere.db?mode=rwc".to_owned(),
        ),
        ("SQLite: not a database", format!("{serve} sqlite://bad.db")),
        ("SQLite in memory", format!("{serve} sqlite::memory:")),
    ] {
        desk.check(what, &typed).await;
    }
    for variable in ["DATABASE_URL", "VACANCY_DATABASE_URL", "VACANCY_LOG"] {
        let set = format!("export {variable}=\"$(printf 'sqlite://secret\\377.db')\"");
        let program = wrapped(&desk.folder, &set, "");
        let ended = Process::run_in(desk.folder.path(), &program, &[], &["serve"]).await;
        desk.check_ended("variable that is not UTF-8", variable, &ended);
        assert!(ended.stderr.contains(&format!("variable {variable} is")), "{ended:?}");
    }
    assert!(!desk.folder.path().join("vacancy.db").exists(), "no other database was made");
    assert!(!desk.folder.path().join("nowhere.db").exists(), "who only looks leaves nothing");

    let sqlite = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let first = Process::start(binary(), sqlite.url(), &[]).await;
    for command in ["serve --listen 127.0.0.1:0", "migrate"] {
        let typed = format!("{command} --database-url {}", sqlite.url());
        desk.check("a second process on one SQLite file", &typed).await;
    }
    drop(first);
    let linked = desk.folder.path().join("linked.db");
    let (_, file) = sqlite.url().split_once("//").expect("a file's address");
    let file = file.trim_end_matches("?mode=rwc");
    std::fs::hard_link(file, &linked).expect("one file system");
    desk.check("a SQLite file with several names", &format!("{serve} {}", sqlite.url())).await;
    std::fs::remove_file(&linked).expect("it is there");

    let postgres = Database::create(Kind::Postgres).await;
    if let Some(db) = &postgres {
        let nope = address(db, |address| address.set_path("nope"));
        desk.check("database does not exist", &format!("{serve} {nope}")).await;
        let unfit = format!("unfit_{}", std::process::id());
        let make = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
        db.sql(&format!("CREATE DATABASE {unfit} {make}")).await;
        let unfit_url = address(db, |address| address.set_path(&unfit));
        desk.check("PostgreSQL: another encoding", &format!("{serve} {unfit_url}")).await;
        // The session of the one that ended may be slow to go.
        db.sql(&format!("DROP DATABASE {unfit} WITH (FORCE)")).await;
        db.sql(&format!("CREATE DATABASE {unfit} TEMPLATE template0")).await;
        db.sql(&format!("ALTER DATABASE {unfit} SET default_transaction_read_only = on")).await;
        desk.check("PostgreSQL: read-only", &format!("{serve} {unfit_url}")).await;
        db.sql(&format!("DROP DATABASE {unfit} WITH (FORCE)")).await;
        let role = format!("poor_{}", std::process::id());
        db.sql(&format!("CREATE ROLE {role} LOGIN")).await;
        let poor = address(db, |address| address.set_username(&role).expect("it has a host"));
        desk.check("role may not create tables", &format!("{serve} {poor}")).await;
        db.sql(&format!("DROP ROLE {role}")).await;
    }
    let fresh = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    for db in [Some(fresh), postgres.clone()].into_iter().flatten() {
        let url = db.url();
        let older = "tables older than the program, `--migrate=no`";
        desk.check(older, &format!("{serve} {url} --migrate=no")).await;
        desk.check(older, &format!("VACANCY_MIGRATE=no {serve} {url}")).await;
        let migrated = run(&desk.folder, &format!("migrate --database-url {url}")).await;
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
        assert_eq!(migrated.stdout, "the database is up to date\n");
        db.sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)")
            .await;
        for command in ["serve --listen 127.0.0.1:0", "migrate", "audit"] {
            let typed = format!("{command} --database-url {url}");
            desk.check("tables newer than the program", &typed).await;
        }
    }

    if postgres.is_some() {
        let elsewhere = NOT_RUN.iter().map(|(what, _)| (*what).to_owned());
        let run: BTreeSet<_> = desk.seen.into_iter().chain(elsewhere).collect();
        let rows: BTreeSet<_> = desk.documented.into_keys().collect();
        assert_eq!(run, rows, "every row of the document was run");
    }
}

/// An address at which nothing listens, and the socket that keeps it from all others while it lives.
fn nothing_listens() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// The address of a database, changed.
fn address(db: &Database, change: impl FnOnce(&mut reqwest::Url)) -> String {
    let mut address = reqwest::Url::parse(db.url()).expect("a URL was given");
    change(&mut address);
    address.into()
}

#[test]
fn a_documented_line_may_leave_something_open() {
    for (line, documented, expect) in [
        ("in use", "in use", true),
        ("in use", "in u", false),
        ("in use", "n use", false),
        ("on 127.0.0.1:40123: no", "on 127.0.0.1:8080: no", true),
        ("on 127.0.0.1:40123: no", "on 127.0.0.1:8080: yes", false),
        ("/tmp/x/vacancy.db is in use", "/…/vacancy.db is in use", true),
        ("/tmp/x/vacancy.db is not in use", "/…/vacancy.db is in use", false),
        ("failed: why: denied (x)", "failed: … denied …", true),
        ("failed: why: allowed (x)", "failed: … denied …", false),
    ] {
        assert_eq!(is_as_documented(line, documented), expect, "{line:?} and {documented:?}");
    }
}

#[tokio::test]
async fn what_is_only_asked_for_is_printed() {
    let folder = Folder::new("cli");
    for (typed, start, holds) in [
        ("--version", concat!("vacancy ", env!("CARGO_PKG_VERSION"), "\n"), ""),
        ("--help", "Books hotel rooms by the night", "VACANCY_DATABASE_URL"),
        ("serve --help", "Answer requests until SIGTERM or SIGINT", "--retry-attempts"),
    ] {
        let ended = run(&folder, typed).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{typed}: {ended:?}");
        assert!(ended.stdout.starts_with(start), "{typed}: {ended:?}");
        assert!(ended.stdout.contains(holds), "{typed}: {ended:?}");
    }
    let openapi = run(&folder, "openapi").await;
    assert_eq!((openapi.code, openapi.stderr.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&openapi.stdout).expect("it is JSON");
    let version = document["openapi"].as_str().expect("it names its version");
    assert!(version.starts_with("3.1."), "{version}");
    assert!(document["paths"]["/v1/rooms/{room_id}/bookings"]["post"].is_object());
}

/// `vacancy openapi | head -1`: the rest is not wanted, and that is no error to report. The status is
/// that of a program which SIGPIPE has ended.
#[tokio::test]
async fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let folder = Folder::new("cli");
    let said = folder.path().join("said");
    for (command, expect) in [("openapi", 141), ("--help", 0)] {
        let text = format!(
            "#!/bin/bash\n{{ {} {command} 2>{}; }} | true\nexit ${{PIPESTATUS[0]}}\n",
            binary().display(),
            said.display()
        );
        // More than a pipe holds, so that it is still being written when the reader has gone.
        let script = folder.path().join("script");
        std::fs::write(&script, text).expect("a new folder can be written");
        let ended = Process::run_in(folder.path(), "/bin/bash".as_ref(), &[], &["script"]).await;
        assert_eq!(ended.code, Some(expect), "{command}: {ended:?}");
        let said = std::fs::read_to_string(&said).expect("the script has made it");
        assert_eq!(said, "", "{command}");
    }
}

#[tokio::test]
async fn the_demonstration_says_what_it_has_loaded() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    for line in [
        "--demo has loaded Rialto in Venice with 12 rooms and Prinsenhof in Amsterdam with 8 rooms",
        "the database has hotels, so --demo adds nothing",
    ] {
        let mut process = Process::start(binary(), db.url(), &["--demo"]).await;
        // The log is written behind the service's back, and all of it before the service ends.
        process.terminate().await;
        assert!(process.log().contains(line), "{}", process.log());
    }
}

on_both_databases! {
    async fn healthcheck_tells_a_ready_service_from_none(db: Database) {
        let folder = Folder::new("cli");
        let mut process = Process::start(binary(), db.url(), &[]).await;
        let asked = format!("healthcheck --listen {}", process.address());
        let nothing = String::new();
        let expect = Finished { code: Some(0), stdout: nothing.clone(), stderr: nothing.clone() };
        // A database that is slow to answer is not ready for that moment.
        let ready = eventually("it is ready", PATIENCE, || async {
            let asked = run(&folder, &asked).await;
            (asked.code != Some(1)).then_some(asked)
        });
        assert_eq!(ready.await, expect);
        process.terminate().await;
        let (_socket, unused) = nothing_listens();
        let dead = run(&folder, &format!("healthcheck --listen {unused}")).await;
        assert_eq!((dead.code, &dead.stdout), (Some(1), &nothing), "{dead:?}");
        let start = format!("vacancy: the service at {unused} cannot be asked: ");
        assert!(dead.stderr.starts_with(&start) && dead.stderr.lines().count() == 1, "{dead:?}");
    }

    /// Each rule of the audit, broken past the service while that runs, is told in a line and by the
    /// exit status, and as JSON.
    async fn audit_tells_what_is_broken(db: Database) {
        db.is_left_unsound("breaking rows is what it does");
        let replica = Replica::start(&db).await;
        let api = Api::new(replica.url());
        let room = api.one_room().await;
        let first = id_of(&api.book(&room, 0, 2).await.expect(201));
        let second = id_of(&api.book(&room, 5, 7).await.expect(201));
        let (room_id, first_id) = (db.kind().uuid(&room), db.kind().uuid(&first));
        check_audit(&db, &[]).await;

        let room_set = |what: &str| format!("UPDATE rooms SET {what} WHERE id = {room_id}");
        let set = |what: &str| format!("UPDATE bookings SET {what} WHERE id = {first_id}");
        let event_set = |to: i64, from: i64| {
            let set = format!("UPDATE room_events SET version = {to}");
            format!("{set} WHERE room_id = {room_id} AND version = {from}")
        };
        let last_write = |version: i64| {
            format!(
                "booking {first}: its last write is version {version} of room {room}, which has no \
                 such event of it"
            )
        };
        let sold = |booked: i64, confirmed: i64| {
            format!("room {room}: times_booked is {booked}, confirmed bookings are {confirmed}")
        };
        for (broken, mended, says) in [
            (room_set("times_booked = 3"), room_set("times_booked = 2"), sold(3, 2)),
            (set("status = 'cancelled'"), set("status = 'confirmed'"), sold(2, 1)),
            (
                room_set("version = 4"),
                room_set("version = 3"),
                format!("room {room}: version is 4, events are 3 from 1 to 3"),
            ),
            (
                event_set(9, 1),
                event_set(1, 9),
                format!("room {room}: version is 3, events are 3 from 2 to 9"),
            ),
            (set("room_version = 1"), set("room_version = 2"), last_write(1)),
        ] {
            db.sql(&broken).await;
            check_audit(&db, &[says]).await;
            db.sql(&mended).await;
            check_audit(&db, &[]).await;
        }
        // The tables themselves forbid the last two; so those are broken first.
        let (unguarded, unbound) = match db.kind() {
            Kind::Sqlite => (
                "DROP TRIGGER bookings_do_not_overlap_insert;
                 DROP TRIGGER bookings_do_not_overlap_update;",
                "PRAGMA foreign_keys = OFF;",
            ),
            Kind::Postgres => (
                "ALTER TABLE bookings DROP CONSTRAINT bookings_do_not_overlap;",
                "ALTER TABLE bookings DROP CONSTRAINT bookings_room_id_fkey;",
            ),
        };
        let nights = |from: u64, to: u64| {
            format!("check_in = '{}', check_out = '{}'", day(from), day(to))
        };
        db.sql(&format!("{unguarded} {};", set(&nights(1, 6)))).await;
        let overlap = format!("room {room}: bookings {first} and {second} overlap from {}", day(5));
        check_audit(&db, &[overlap]).await;
        let nowhere = "ffffffff-ffff-ffff-ffff-ffffffffffff";
        let away = format!("room_id = {}, {}", db.kind().uuid(nowhere), nights(0, 2));
        db.sql(&format!("{unbound} {};", set(&away))).await;
        let expect = [
            sold(2, 1),
            format!("booking {first}: confirmed in room {nowhere}, which does not exist"),
            last_write(2).replace(&room, nowhere),
        ];
        check_audit(&db, &expect).await;
    }
}

/// What `audit` finds, as text and as JSON, and how it ends.
async fn check_audit(db: &Database, violations: &[String]) {
    let folder = Folder::new("cli");
    let clean = violations.is_empty();
    let code = Some(i32::from(!clean));
    let text = run(&folder, &format!("audit --database-url {}", db.url())).await;
    assert_eq!((text.code, text.stderr.as_str()), (code, ""), "{text:?}");
    let expect = if clean { "audit: every rule holds".to_owned() } else { violations.join("\n") };
    assert_eq!(text.stdout, expect + "\n");
    let report = run(&folder, &format!("audit --json --database-url {}", db.url())).await;
    assert_eq!((report.code, report.stderr.as_str()), (code, ""), "{report:?}");
    let found: Value = serde_json::from_str(&report.stdout).expect("it is JSON");
    assert_eq!(found, json!({ "ok": clean, "violations": violations }));
    assert_eq!(report.stdout.lines().count(), 1, "one document, one line");
}
