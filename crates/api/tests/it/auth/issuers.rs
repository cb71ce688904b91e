//! Where an issuer's keys are looked for, and what an operator may say of its tokens.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use vacancy_testkit::database::{Database, Kind};
use vacancy_testkit::on_both_databases;
use vacancy_testkit::process::Process;

use super::idp::{Idp, now};
use super::jwt::{but, me, rsa, trusting};
use super::world::{Caller, World};
use crate::support::binary;

const HOTEL: &str = "0199e2a0-0000-7000-8000-000000000001";

on_both_databases! {
    async fn a_discovery_document_that_is_not_the_issuers_own_is_refused(db: Database) {
        let (idp, other) = (Idp::start().await, Idp::start().await);
        let good = idp.discovery();
        idp.discover(json!({}));
        let world = World::with(&db, trusting(&[("staff", &idp)])).await;
        let token = idp.sign(&rsa(), &idp.claims());
        let app = &world.replica.app;
        for (what, document) in [
            ("of another issuer", other.discovery()),
            ("of another issuer, with our keys", but(&good, "issuer", json!(other.url))),
            ("of the issuer with a slash", but(&good, "issuer", json!(format!("{}/", idp.url)))),
            ("of no issuer", but(&good, "issuer", json!(null))),
            ("without keys", but(&good, "jwks_uri", json!(null))),
            ("with keys that are no address", but(&good, "jwks_uri", json!(["/keys"]))),
            ("with keys in the clear", but(&good, "jwks_uri", json!("http://idp.example/keys"))),
            ("that is a list", json!([good])),
        ] {
            idp.discover(document);
            app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
            assert_eq!(me(&world, &token).await.status, 503, "{what}");
        }
        let fetches = [&idp, &other].map(|idp| idp.fetches.load(Ordering::Relaxed));
        assert_eq!(fetches, [0, 0], "of keys");
        idp.discover(good);
        app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
        me(&world, &token).await.expect(200);
    }
}

/// The scopes and hotels that a token grants; none: it is refused.
type Grants = Option<(&'static [&'static str], &'static [&'static str])>;
const BOOK: Grants = Some((&["read", "book"], &[]));
const BOOK_IN_HOTEL: Grants = Some((&["read", "book"], &[HOTEL]));
const DESK: Grants = Some((&["read", "book", "desk"], &[]));
const NO_SCOPE: Grants = Some((&[], &[]));

/// Every option about tokens, through the program: the options, a token's head, what it says besides
/// what a good one does, and what it grants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_taken_as_the_options_say() {
    let db = Database::create(Kind::Sqlite).await.expect("SQLite is always here");
    let idp = Idp::start().await;
    let trusted = format!("staff={}", idp.url);
    let (rsa, ec) = (rsa(), json!({ "alg": "ES256", "kid": "ec" }));
    let (scopes, hotels) = (["--oidc-scope-claim", "roles"], ["--oidc-hotels-claim", "houses"]);
    let other_hotels = json!({ "houses": [HOTEL], "vacancy_hotels": "none" });
    for (options, head, claims, grants) in [
        (&[][..], &rsa, json!({ "roles": "admin", "houses": [HOTEL] }), BOOK),
        (&scopes, &rsa, json!({ "roles": "desk", "scope": "admin" }), DESK),
        (&scopes, &rsa, json!({ "roles": ["book"], "scp": "desk" }), DESK),
        (&scopes, &rsa, json!({ "scope": "admin" }), NO_SCOPE),
        (&scopes, &rsa, json!({ "roles": true }), None),
        (&hotels, &rsa, other_hotels, BOOK_IN_HOTEL),
        (&hotels, &rsa, json!({ "houses": 7 }), None),
        (&["--oidc-algorithms", "ES256"], &rsa, json!({}), None),
        (&["--oidc-algorithms", "ES256"], &ec, json!({}), BOOK),
        (&["--oidc-leeway", "0s"], &rsa, json!({ "exp": now() - 2 }), None),
        (&["--oidc-leeway", "5m"], &rsa, json!({ "exp": now() - 60 }), BOOK),
    ] {
        let options = [&["--oidc-issuer", &trusted], options].concat();
        check(&db, &idp, &options, head, &claims, grants).await;
    }
    // Where the keys are is said, so no discovery document is looked for. Of the second there is none.
    let discoveries = idp.discoveries.load(Ordering::Relaxed);
    let keys = format!("staff={}/keys", idp.url);
    let elsewhere = "https://idp.example/realms/hotel";
    let of_elsewhere = format!("staff={elsewhere}");
    for (issuer, claims, grants) in [
        (&trusted, json!({}), BOOK),
        (&of_elsewhere, json!({ "iss": elsewhere }), BOOK),
        (&of_elsewhere, json!({}), None),
    ] {
        let options = ["--oidc-issuer", issuer, "--oidc-jwks-url", &keys];
        check(&db, &idp, &options, &rsa, &claims, grants).await;
    }
    assert_eq!(idp.discoveries.load(Ordering::Relaxed), discoveries, "documents fetched");
}

async fn check(
    db: &Database,
    idp: &Idp,
    options: &[&str],
    head: &Value,
    besides: &Value,
    grants: Grants,
) {
    let fixed = ["--auth", "required", "--oidc-audience", "vacancy"];
    let mut service = Process::start(binary(), db.url(), &[&fixed, options].concat()).await;
    let mut claims = idp.claims();
    for (name, value) in besides.as_object().expect("an object") {
        claims = but(&claims, name, value.clone());
    }
    let token = idp.sign(head, &claims);
    let answer = Caller::new(service.url(), Some(&token)).get("/v1/me").await;
    let what = format!("{options:?}: {claims}");
    let Some((scopes, hotels)) = grants else {
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        service.terminate().await;
        return;
    };
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    let me = answer.json();
    assert_eq!(me["principal"], "jwt:staff:ada", "{what}");
    assert_eq!(me["scopes"], json!(scopes), "{what}");
    let hotels = if hotels.is_empty() { Value::Null } else { json!(hotels) };
    assert_eq!(me["hotels"], hotels, "{what}");
    service.terminate().await;
}
