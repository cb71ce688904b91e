//! What a service does that is started without saying who is let in, or with what does not fit.

use std::os::unix::fs::PermissionsExt;

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;

use super::keys::root_key;
use crate::support::binary;

const ISSUER: &[&str] = &["--oidc-audience", "x", "--oidc-issuer", "a=https://idp.example"];

/// Every row: what is typed, and the line it ends with, with status 2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_say_who_is_let_in_does_not_start_on_a_network() {
    let folder = Folder::new("startup");
    root_key(&folder).await;
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("empty"), "").expect("a new folder can be written");
    std::fs::copy(file("key"), file("shared")).expect("it can be copied");
    for (name, mode) in [("empty", 0o600), ("shared", 0o640)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file(name), mode).expect("it is ours");
    }
    let (shared, empty, none) = (file("shared"), file("empty"), file("none"));
    for (args, why) in [
        (&["--listen", "0.0.0.0:0"][..], "start with --auth required, or say --auth none"),
        (&["--listen", "[::]:0"], "start with --auth required, or say --auth none"),
        (&["--auth", "required"], "there is no key"),
        (&["--auth", "required", "--root-key-file", &shared], "it has mode 0640"),
        (&["--auth", "required", "--root-key-file", &empty], "it holds no key"),
        (&["--auth", "required", "--root-key-file", &none], "No such file"),
        (&["--oidc-issuer", "a=https://idp.example"], "--oidc-issuer needs --oidc-audience"),
        (&["--oidc-issuer", "a=http://idp.example", "--oidc-audience", "x"], "must be ALIAS=https"),
        (&["--oidc-issuer", "https://idp.example", "--oidc-audience", "x"], "must be ALIAS=https"),
        (&["--oidc-jwks-url", "a=https://idp.example"], "--oidc-jwks-url needs --oidc-issuer"),
        (&[ISSUER, &["--oidc-jwks-url", "b=https://idp.example"]].concat(), "called b"),
        (&[ISSUER, &["--oidc-jwks-url", "a=http://idp.example"]].concat(), "must be ALIAS=https"),
        (&[ISSUER, &["--oidc-issuer", "a=https://other.example"]].concat(), "names a twice"),
        (&["--oidc-leeway", "6m"], "to 5m"),
        (&["--oidc-algorithms", "HS256"], "must be RS256, PS256, ES256 or EdDSA"),
        (&["--auth", "maybe"], "invalid value 'maybe'"),
        (&["--rate-limit", "200/m"], "must be a whole number from 0 to 100000, such as 200/s"),
    ] {
        // A port that is free, because the port is taken before anything else is looked at.
        let elsewhere = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let listens = args.contains(&"--listen");
        let typed = if listens { [&["serve"], args].concat() } else { elsewhere };
        let ended = Process::run_in(folder.path(), binary(), &[], &typed).await;
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        let line = ended.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("vacancy: ") && line.contains(why), "{args:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{args:?}");
    }
}

const OPEN: &str = "--auth none: every caller that reaches this address may do everything";

/// IPv4's loopback as an address of IPv6, which counts as another: what cannot be told at once to be
/// loopback alone has no default.
const MAPPED: &str = "[::ffff:127.0.0.1]:0";

/// Every row: where it listens, what is typed besides, what a caller without a credential is answered,
/// and whether the log warns of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_starts_as_it_is_told_and_warns_when_it_is_open_to_a_network() {
    let Some(db) = Database::create(Kind::Sqlite).await else { return };
    let folder = Folder::new("startup");
    root_key(&folder).await;
    let file = folder.path().join("key").display().to_string();
    let required = ["--auth", "required", "--root-key-file", &file];
    for (listen, args, status, warns) in [
        ("127.0.0.1:0", &[][..], 200, false),
        ("127.0.0.1:0", &["--auth", "none"], 200, false),
        ("127.0.0.1:0", &required, 401, false),
        (MAPPED, &["--auth", "none"], 200, true),
        (MAPPED, &required, 401, false),
    ] {
        let mut service = Process::start_at(binary(), listen, db.url(), args).await;
        let answer = super::world::Caller::new(service.url(), None).get("/v1/me").await;
        assert_eq!(answer.status, status, "{listen} {args:?}");
        // What it says of itself it has said before it ends.
        service.terminate().await;
        let log = service.log();
        let warnings = log.lines().filter(|line| line.contains(OPEN) && line.contains("WARN"));
        assert_eq!(warnings.count(), usize::from(warns), "{listen} {args:?}: {log}");
    }
    // With no other way in than tokens; and with a key in the database.
    let issuer = ["--oidc-issuer", "a=https://127.0.0.1:1/idp", "--oidc-audience", "x"];
    let mut service =
        Process::start(binary(), db.url(), &[&["--auth", "required"], &issuer[..]].concat()).await;
    super::world::Caller::new(service.url(), None).get("/v1/me").await.expect(401);
    service.terminate().await;
    let create = ["keys", "create", "--name", "x", "--scopes", "read", "--database-url", db.url()];
    let made = Process::run(binary(), &create).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut service = Process::start(binary(), db.url(), &["--auth", "required"]).await;
    let caller = super::world::Caller::new(service.url(), Some(made.stdout.trim_end()));
    caller.get("/v1/me").await.expect(200);
    service.terminate().await;
}
