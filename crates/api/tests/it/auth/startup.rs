//! What a service does that is started without saying who is let in, or with what does not fit.

use std::os::unix::fs::PermissionsExt;

use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;

use super::keys::root_key;
use crate::support::binary;

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
        (&["--oidc-algorithms", "HS256"], "must be RS256, PS256, ES256 or EdDSA"),
        (&["--auth", "maybe"], "invalid value 'maybe'"),
        (&["--rate-limit", "200/m"], "must be a whole number from 0 to 100000, such as 200/s"),
    ] {
        let ended =
            Process::run_in(folder.path(), binary(), &[], &[&["serve"], args].concat()).await;
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        let line = ended.stderr.lines().last().unwrap_or_default();
        assert!(line.starts_with("vacancy: ") && line.contains(why), "{args:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{args:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_on_loopback_starts_as_it_is_told_and_open_if_it_is_not() {
    let Some(db) = Database::create(Kind::Sqlite).await else { return };
    let folder = Folder::new("startup");
    root_key(&folder).await;
    let file = folder.path().join("key").display().to_string();
    for (args, open) in [
        (&["--auth", "required", "--root-key-file", &file][..], false),
        (&["--auth", "none"], true),
        (&[], true),
    ] {
        let mut service = Process::start(binary(), db.url(), args).await;
        let answer = super::world::Caller::new(service.url(), None).get("/v1/me").await;
        answer.expect(if open { 200 } else { 401 });
        assert!(!service.log().contains("every caller that reaches"), "{args:?}");
        service.terminate().await;
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
