//! Tokens of identity providers: those that hold, and every way in which one does not.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use vacancy::auth::guard::GuardOptions;
use vacancy::auth::jwt::issuer::{Issuer, JwtOptions};
use vacancy_testkit::database::Database;
use vacancy_testkit::http::Answer;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use super::idp::{Idp, Mode, base64, now};
use super::world::{Caller, World};

pub fn trusting(issuers: &[(&str, &Idp)]) -> GuardOptions {
    let issuers = issuers.iter().map(|(alias, idp)| Issuer {
        alias: (*alias).to_owned(),
        url: idp.url.clone(),
        keys: None,
    });
    let jwt = JwtOptions {
        issuers: issuers.collect(),
        audience: "vacancy".to_owned(),
        algorithms: vec![Algorithm::RS256, Algorithm::ES256],
        scope_claim: "scope".to_owned(),
        hotels_claim: "vacancy_hotels".to_owned(),
        leeway: Duration::from_secs(30),
    };
    GuardOptions { jwt: Some(jwt), ..GuardOptions::default() }
}

pub async fn me(world: &World, token: &str) -> Answer {
    Caller::new(world.replica.url(), Some(token)).get("/v1/me").await
}

pub fn rsa() -> Value {
    json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" })
}

/// `claims` with one of them changed; null removes it.
pub fn but(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("an object");
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    claims
}

on_both_databases! {
    async fn a_token_holds_as_far_as_its_scopes_and_hotels(db: Database) {
        let idp = Idp::start().await;
        let world = World::with(&db, trusting(&[("staff", &idp)])).await;
        idp.has_been_asked().await;
        let claims = idp.claims();
        for head in [rsa(), json!({ "alg": "ES256", "kid": "ec" }), json!({ "alg": "RS256", "kid": "rsa", "typ": "at+jwt" })] {
            let me = me(&world, &idp.sign(&head, &claims)).await.expect(200).json();
            assert_eq!((&me["principal"], &me["auth"]), (&"jwt:staff:ada".into(), &"jwt".into()));
            assert_eq!(me["scopes"], json!(["read", "book"]));
        }
        let ada = world.root.with(&idp.sign(&rsa(), &claims));
        ada.book(&world.rooms[1], 0, 1).await.expect(201);
        ada.get("/v1/keys").await.expect(403);
        ada.get(&format!("/v1/bookings/{}", world.booking)).await.expect(404);

        let list = but(&but(&claims, "scope", json!(null)), "scp", json!(["desk"]));
        let list = but(&list, "vacancy_hotels", json!([world.hotels[0]]));
        let desk = world.root.with(&idp.sign(&rsa(), &list));
        desk.get(&format!("/v1/bookings/{}", world.booking)).await.expect(200);
        desk.get(&format!("/v1/hotels/{}", world.hotels[1])).await.expect(404);
        let none = world.root.with(&idp.sign(&rsa(), &but(&claims, "scope", json!("openid"))));
        none.get("/v1/me").await.expect(200);
        none.get("/v1/hotels").await.expect(403);
        let page = String::from_utf8(world.root.get("/metrics").await.expect(200).body);
        let page = page.expect("text");
        assert!(page.contains("auth_jwks_refreshes_total{issuer=\"staff\",result=\"ok\"} 1"), "{page}");
        assert!(page.contains("auth_jwks_age_seconds{issuer=\"staff\"}"));
    }

    async fn a_token_that_does_not_hold_is_401_whatever_is_wrong_with_it(db: Database) {
        let (idp, other) = (Idp::start().await, Idp::start().await);
        let world = World::with(&db, trusting(&[("staff", &idp), ("partner", &other)])).await;
        let claims = idp.claims();
        let good = idp.sign(&rsa(), &claims);
        me(&world, &good).await.expect(200);
        let head = |name: &str, value: Value| idp.sign(&but(&rsa(), name, value), &claims);
        let body = |name: &str, value: Value| idp.sign(&rsa(), &but(&claims, name, value));
        let parts: Vec<_> = good.split('.').collect();
        let twice = claims.to_string().replacen('{', "{\"sub\":\"root\",", 1);
        let ec = json!({ "alg": "ES256", "kid": "ec" });
        for (what, token) in [
            ("alg none", head("alg", json!("none"))),
            ("alg none, no signature", format!("{}.{}.", base64(json!({"alg":"none"}).to_string()), parts[1])),
            ("HS256 with the public key", head("alg", json!("HS256"))),
            ("PS256, which is not pinned", head("alg", json!("PS256"))),
            ("RS256 under the name of an EC key", head("kid", json!("ec"))),
            ("ES256 under the name of an RSA key", idp.sign(&json!({ "alg": "ES256", "kid": "rsa" }), &claims)),
            ("a key that is not there", head("kid", json!("gone"))),
            ("a key of another kind", head("kid", json!("odd"))),
            ("no kid", head("kid", json!(null))),
            ("another typ", head("typ", json!("secevent+jwt"))),
            ("crit", head("crit", json!(["exp"]))),
            ("the same kid of another issuer", other.sign(&ec, &claims)),
            ("another issuer's claims", idp.sign(&ec, &other.claims())),
            ("an unknown issuer", body("iss", json!("https://idp.example"))),
            ("issuer with a slash", body("iss", json!(format!("{}/", idp.url)))),
            ("no exp", body("exp", json!(null))),
            ("exp as text", body("exp", json!((now() + 300).to_string()))),
            ("no iss", body("iss", json!(null))),
            ("no aud", body("aud", json!(null))),
            ("no sub", body("sub", json!(null))),
            ("empty sub", body("sub", json!(""))),
            ("sub with a line", body("sub", json!("a\nb"))),
            ("another audience", body("aud", json!("booking"))),
            ("other audiences", body("aud", json!(["a", "b"]))),
            ("hotels that are none", body("vacancy_hotels", json!(["all"]))),
            ("scopes that are no text", body("scope", json!({ "admin": true }))),
            ("too long", body("filler", json!("x".repeat(9 * 1024)))),
            ("a member twice", idp.sign_text(&rsa(), &twice)),
            ("claims that are a list", idp.sign_text(&rsa(), "[]")),
            ("another's signature", format!("{}.{}.{}", parts[0], parts[1], base64([7; 256]))),
            ("other claims", format!("{}.{}.{}", parts[0], base64(but(&claims, "sub", json!("eve")).to_string()), parts[2])),
        ] {
            let answer = me(&world, &token).await;
            assert_eq!(answer.status, 401, "{what}: {answer:?}");
            let challenge = "Bearer realm=\"vacancy\", error=\"invalid_token\"";
            assert_eq!(answer.header("www-authenticate"), Some(challenge), "{what}");
        }
        for (what, claim, seconds, status) in [
            ("expired", "exp", -32, 401),
            ("expired within the leeway", "exp", -27, 200),
            ("not yet", "nbf", 33, 401),
            ("not yet, within the leeway", "nbf", 28, 200),
        ] {
            // So near to the edge that it has to be answered soon, or to be made again.
            eventually("a token is answered soon", PATIENCE, || async {
                let made = now();
                let answer = me(&world, &body(claim, json!(made + seconds))).await;
                (now() - made < 2).then(|| assert_eq!(answer.status, status, "{what}: {answer:?}"))
            })
            .await;
        }
        for (what, token) in [
            ("several audiences", body("aud", json!(["a", "vacancy"]))),
            ("the other issuer's own", other.sign(&ec, &other.claims())),
        ] {
            assert_eq!(me(&world, &token).await.status, 200, "{what}");
        }
    }

    /// A flood of made-up key names asks the issuer once; new keys are used once they are fetched.
    async fn keys_are_fetched_seldom_and_rotate(db: Database) {
        let idp = Idp::start().await;
        let began = Instant::now();
        let world = World::with(&db, trusting(&[("staff", &idp)])).await;
        idp.has_been_asked().await;
        let good = idp.sign(&rsa(), &idp.claims());
        me(&world, &good).await.expect(200);
        for number in 0..1_000 {
            let head = json!({ "alg": "RS256", "kid": format!("made-up-{number}") });
            me(&world, &idp.sign(&head, &idp.claims())).await.expect(401);
        }
        let fetches = idp.fetches.load(Ordering::Relaxed);
        let most = 1 + usize::try_from(began.elapsed().as_secs() / 30).expect("some minutes");
        assert!((1..=most).contains(&fetches), "{fetches} within {:?}", began.elapsed());

        let mut keys = idp.keys();
        keys["keys"][1]["kid"] = "new".into();
        keys["keys"].as_array_mut().expect("keys").remove(0);
        idp.answer(Mode::Keys(keys));
        let app = &world.replica.app;
        app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
        me(&world, &idp.sign(&rsa(), &idp.claims())).await.expect(401);
        let new = idp.sign(&json!({ "alg": "ES256", "kid": "new" }), &idp.claims());
        me(&world, &new).await.expect(200);
        // What cannot be fetched anew is used for a day.
        idp.answer(Mode::Raw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_vec()));
        app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
        me(&world, &new).await.expect(200);
    }

    /// An issuer that cannot be asked is no reason to throw a token away: 503, and keys work on.
    async fn an_issuer_that_does_not_answer_well_is_503(db: Database) {
        let large = vec![b' '; 5 << 20];
        let mut huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", large.len()).into_bytes();
        huge.extend(large);
        let (idp, elsewhere) = (Idp::start().await, Idp::start().await);
        let redirect = format!(
            "HTTP/1.1 302 Found\r\nLocation: {}/keys\r\nContent-Length: 0\r\n\r\n", elsewhere.url
        );
        let first = trusting(&[("staff", &idp)]);
        idp.answer(Mode::Keys(json!({ "keys": [] })));
        let world = World::with(&db, first).await;
        let good = idp.sign(&rsa(), &idp.claims());
        let app = &world.replica.app;
        for mode in [
            Mode::Keys(json!({ "keys": [] })),
            Mode::Keys(json!({})),
            Mode::Keys(json!({ "keys": vec![idp.keys()["keys"][0].clone(); 65] })),
            Mode::Raw(redirect.into_bytes()),
            Mode::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno".to_vec()),
            Mode::Raw(huge),
            Mode::Silence,
        ] {
            idp.answer(mode);
            app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
            let answer = me(&world, &good).await.expect(503);
            assert_eq!(answer.header("retry-after"), Some("1"));
            world.root.get("/v1/me").await.expect(200);
        }
        assert_eq!(elsewhere.fetches.load(Ordering::Relaxed), 0, "no redirect is followed");
        idp.answer(Mode::Keys(idp.keys()));
        app.guard.tokens().expect("it takes tokens").refresh(&app.metrics).await;
        let (world, good) = (&world, &good);
        eventually("the token is accepted", PATIENCE, || async move {
            (me(world, good).await.status == 200).then_some(())
        })
        .await;
    }
}
