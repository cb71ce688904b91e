//! Keys from their making to their end.

use serde_json::json;
use vacancy::auth::guard::GuardOptions;
use vacancy_testkit::database::Database;
use vacancy_testkit::folder::Folder;
use vacancy_testkit::process::Process;
use vacancy_testkit::scrape::Scrape;
use vacancy_testkit::{PATIENCE, eventually, on_both_databases};

use super::dump::{check_is_nowhere, is_somewhere};
use super::world::{Caller, World};
use crate::support::{binary, id_of, stay_body};

on_both_databases! {
    async fn a_key_is_shown_once_used_edited_and_revoked_at_once(db: Database) {
        let world = World::on(&db).await;
        let root = &world.root;
        let body = json!({
            "name": "the website", "scopes": ["book"], "hotels": [world.hotels[0]],
            "expires_in_seconds": 3600,
        });
        let made = root.post("/v1/keys", &body).await.expect(201);
        let (json, key) = (made.json(), made.json()["key"].as_str().expect("a key").to_owned());
        let path = made.header("location").expect("a path").to_owned();
        assert_eq!(path, format!("/v1/keys/{}", id_of(&made)));
        assert_eq!(json["principal"], format!("key:{}", id_of(&made)));
        assert_eq!((&json["created_by"], &json["scopes"]), (&"root".into(), &json!(["read", "book"])));
        let caller = root.with(&key);
        let me = caller.get("/v1/me").await.expect(200).json();
        assert_eq!((&me["auth"], &me["hotels"]), (&"key".into(), &json!([world.hotels[0]])));
        assert_eq!(me["expires_at"], json["expires_at"]);
        assert_eq!(root.get("/v1/me").await.expect(200).json()["principal"], "root");
        let page = root.get("/v1/keys").await.expect(200);
        assert!(String::from_utf8_lossy(&page.body).contains(&id_of(&made)));
        assert!(!String::from_utf8_lossy(&page.body).contains(&key[17..]));

        let edit = json!({ "name": "the old website", "expires_in_seconds": null });
        let edited = root.send("PATCH", &path, &[], Some(&edit)).await.expect(200).json();
        assert_eq!(edited["name"], "the old website");
        assert!(edited.get("expires_at").is_none());
        for edit in [json!({ "scopes": ["admin"] }), json!({ "name": "" }), json!([])] {
            root.send("PATCH", &path, &[], Some(&edit)).await.expect(422);
        }
        for _ in 0..2 {
            root.send("DELETE", &path, &[], None).await.expect(204);
            caller.get("/v1/me").await.expect(401);
        }
        assert!(root.get(&path).await.expect(200).json()["revoked_at"].is_string());
        let log = "SELECT COUNT(*) FROM access_log WHERE actor = 'root' AND kind = 'key_";
        for (kind, count) in [("created", 2), ("edited", 1), ("revoked", 1)] {
            assert_eq!(db.count(&format!("{log}{kind}'")).await, count, "{kind}");
        }
    }

    async fn no_key_grants_more_than_its_maker_has(db: Database) {
        let world = World::on(&db).await;
        let body = json!({ "name": "a manager", "scopes": ["admin"], "hotels": [world.hotels[0]] });
        let manager = world.root.make(&body).await;
        let key = |hotels| json!({ "name": "x", "scopes": ["read"], "hotels": hotels });
        manager.post("/v1/keys", &key(json!([world.hotels[0]]))).await.expect(201);
        for hotels in [json!(null), json!([world.hotels[1]]), json!([world.hotels[0], world.hotels[1]])] {
            let refused = manager.post("/v1/keys", &key(hotels)).await.expect(403);
            assert_eq!(refused.code(), "insufficient_scope");
        }
        for (field, value) in [
            ("scopes", json!([])), ("scopes", json!(["write"])), ("scopes", json!("read")),
            ("scopes", json!(["read book"])), ("hotels", json!([])), ("hotels", json!(["x"])),
            ("principal", json!("root")), ("principal", json!("system:sweeper")), ("principal", json!("A b")),
            ("expires_in_seconds", json!(0)), ("name", json!("")), ("secret", json!("mine")),
        ] {
            let mut body = json!({ "name": "x", "scopes": ["read"] });
            body[field] = value;
            let refused = world.root.post("/v1/keys", &body).await.expect(422);
            let pointer = refused.json()["errors"][0]["pointer"].as_str().map(str::to_owned);
            assert_eq!(pointer, Some(format!("/{field}")), "{body}");
        }
    }

    /// A key owns what other keys of its principal made, and is answered what they were: an admin of one
    /// hotel joins no principal with keys elsewhere, and does not learn whether there is one.
    async fn an_admin_of_one_hotel_makes_no_key_for_a_principal_of_others(db: Database) {
        let world = World::on(&db).await;
        let limited = json!([world.hotels[0]]);
        let key = |principal: &str, hotels: &serde_json::Value| {
            json!({ "name": "x", "principal": principal, "scopes": ["book"], "hotels": hotels })
        };
        let admin = json!({
            "name": "manager", "principal": "manager", "scopes": ["admin"], "hotels": limited,
        });
        let manager = world.root.make(&admin).await;
        world.root.post("/v1/keys", &key("here", &limited)).await.expect(201);
        let both = world.root.post("/v1/keys", &key("both", &limited)).await.expect(201);
        world.root.post("/v1/keys", &key("both", &json!([world.hotels[1]]))).await.expect(201);
        world.root.post("/v1/keys", &key("there", &json!([world.hotels[1]]))).await.expect(201);

        let mut refusals = Vec::new();
        for principal in ["owner", "both", "there", "unused"] {
            let refused = manager.post("/v1/keys", &key(principal, &limited)).await.expect(403);
            assert_eq!(refused.code(), "insufficient_scope", "{principal}");
            let mut problem = refused.json();
            problem["instance"] = json!(null);
            refusals.push(problem);
        }
        refusals.dedup();
        assert_eq!(refusals.len(), 1, "they are the same answer: {refusals:?}");
        for principal in ["here", "manager"] {
            manager.post("/v1/keys", &key(principal, &limited)).await.expect(201);
        }
        let own = json!({ "name": "x", "scopes": ["read"], "hotels": limited });
        let own = manager.post("/v1/keys", &own).await.expect(201).json();
        assert_eq!(own["principal"], format!("key:{}", own["id"].as_str().expect("an id")));
        world.root.post("/v1/keys", &key("unused", &json!(null))).await.expect(201);
        // Revoking the wider key does not open the principal: its bookings are still there.
        let there = world.root.get("/v1/keys").await.expect(200).json();
        let items = there["items"].as_array().expect("keys");
        let wider = items.iter().find(|it| it["principal"] == "both" && it["id"] != both.json()["id"]);
        let path = format!("/v1/keys/{}", wider.expect("it is listed")["id"].as_str().expect("an id"));
        world.root.send("DELETE", &path, &[], None).await.expect(204);
        manager.post("/v1/keys", &key("both", &limited)).await.expect(403);
        // What is wider than itself it neither sees nor changes, and no cursor tells of it.
        let mut seen = Vec::new();
        let mut next = "/v1/keys?limit=1".to_owned();
        loop {
            let page = manager.get(&next).await.expect(200).json();
            let items = page["items"].as_array().expect("keys").clone();
            assert_eq!(items.len(), 1, "every page has what was asked for");
            seen.extend(items.iter().map(|key| key["hotels"] == limited));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("/v1/keys?limit=1&cursor={cursor}");
        }
        assert_eq!(seen, [true; 6], "the keys of this hotel, and no others");
        for method in ["GET", "PATCH", "DELETE"] {
            let body = json!({ "name": "mine" });
            let body = (method == "PATCH").then_some(&body);
            manager.send(method, &path, &[], body).await.expect(404);
        }
    }

    /// The replay of a key's making does not show it again, and nothing anywhere else ever did.
    async fn a_keys_secret_is_nowhere_but_in_the_answer_that_made_it(db: Database) {
        let folder = Folder::new("root-key");
        let root = root_key(&folder).await;
        let file = folder.path().join("key").display().to_string();
        let args = ["--auth", "required", "--root-key-file", &file, "--log", "trace"];
        let mut service = Process::start(binary(), db.url(), &args).await;
        let root = Caller::new(service.url(), Some(&root));
        let (body, header) = (json!({ "name": "x", "scopes": ["admin"] }), [("Idempotency-Key", "k")]);
        let made = root.send("POST", "/v1/keys", &header, Some(&body)).await.expect(201);
        let key = made.json()["key"].as_str().expect("a key").to_owned();
        let again = root.send("POST", "/v1/keys", &header, Some(&body)).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!((&again.json()["key"], &again.json()["id"]), (&json!(null), &made.json()["id"]));
        let other = json!({ "name": "y", "scopes": ["admin"] });
        root.send("POST", "/v1/keys", &header, Some(&other)).await.expect(422);

        let caller = root.with(&key);
        let secret = &key[17..];
        let wrong = root.with(&format!("{}{}", &key[..17], secret.chars().rev().collect::<String>()));
        let mut seen = vec![again];
        for (caller, path) in [
            (&caller, "/v1/me"), (&caller, "/v1/keys"), (&caller, "/metrics"), (&wrong, "/v1/me"),
            (&caller, "/v1/nothing"), (&caller, "/v1/rooms/x"),
        ] {
            seen.push(caller.get(path).await);
        }
        seen.push(caller.get(&format!("/v1/me?access_token={key}")).await.expect(400));
        for answer in &seen {
            let headers = format!("{:?}", answer.headers);
            let shown = String::from_utf8_lossy(&answer.body) + &*headers;
            assert!(!shown.contains(secret), "{answer:?}");
        }
        service.terminate().await;
        assert!(service.log().contains("turned away"), "the log tells of it");
        assert!(!service.log().contains(secret), "the log shows it");
        check_is_nowhere(&db, secret).await;
        assert!(is_somewhere(&db, &key[4..16]).await, "its id is there");
    }

    /// Two principals may use the same text: it names two requests.
    async fn idempotency_keys_belong_to_their_principal(db: Database) {
        let world = World::on(&db).await;
        let other = json!({ "name": "other", "principal": "other", "scopes": ["book"] });
        let other = world.root.make(&other).await;
        let second = json!({ "name": "rotated", "principal": "other", "scopes": ["book"] });
        let rotated = world.root.make(&second).await;
        let path = format!("/v1/rooms/{}/bookings", world.rooms[1]);
        let header = [("Idempotency-Key", "one")];
        let body = stay_body(0, 1);
        let first = world.owner.send("POST", &path, &header, Some(&body)).await.expect(201);
        let second = other.send("POST", &path, &header, Some(&stay_body(1, 2))).await.expect(201);
        let again = rotated.send("POST", &path, &header, Some(&stay_body(1, 2))).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_ne!(id_of(&first), id_of(&second));
        assert_eq!(id_of(&again), id_of(&second));
        // What was made with the old key is the new one's.
        rotated.get(&format!("/v1/bookings/{}", id_of(&second))).await.expect(200);
    }

    async fn a_principal_may_send_its_burst_and_then_its_rate(db: Database) {
        // The root's own burst makes the world.
        let guard = GuardOptions { rate: 1, burst: 8, ..GuardOptions::default() };
        let world = World::with(&db, guard).await;
        let owner = &world.owner;
        let last = eventually("it has sent too many", PATIENCE, || async move {
            let answer = owner.get("/v1/me").await;
            (answer.status != 200).then_some(answer)
        });
        assert_eq!(last.await.expect(429).header("retry-after"), Some("1"));
        assert!(db.count("SELECT COUNT(*) FROM api_keys").await > 0);
    }

    /// A key that was made beside the running service works at once, and one that was revoked beside
    /// it stops within seconds.
    async fn the_command_line_makes_keys_beside_a_running_service(db: Database) {
        let folder = Folder::new("root-key");
        let root = root_key(&folder).await;
        let file = folder.path().join("key").display().to_string();
        let args = ["--auth", "required", "--root-key-file", &file];
        let service = Process::start(binary(), db.url(), &args).await;
        let url = ["--database-url", db.url()];
        let create = ["keys", "create", "--name", "the desk", "--scopes", "desk,metrics"];
        let made = Process::run(binary(), &[&create[..], &["--expires", "90d"], &url].concat()).await;
        assert_eq!(made.code, Some(0), "{made:?}");
        let key = made.stdout.trim_end();
        assert_eq!(made.stdout, format!("{key}\n"), "the key alone");
        let caller = Caller::new(service.url(), Some(key));
        let me = caller.get("/v1/me").await.expect(200).json();
        assert_eq!(me["scopes"], json!(["read", "book", "desk", "metrics"]));
        let listed = Process::run(binary(), &[&["keys", "list"][..], &url].concat()).await;
        assert!(listed.stdout.contains(&key[4..16]) && !listed.stdout.contains(&key[17..]), "{listed:?}");
        let revoke = ["keys", "revoke", &key[4..16]];
        let ended = Process::run(binary(), &[&revoke[..], &url].concat()).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let caller = &caller;
        eventually("it is not accepted", PATIENCE, || async move {
            (caller.get("/v1/me").await.status == 401).then_some(())
        })
        .await;
        let unknown = ["keys", "revoke", "000000000000"];
        let unknown = Process::run(binary(), &[&unknown[..], &url].concat()).await;
        assert_eq!(unknown.code, Some(1), "{unknown:?}");
        Caller::new(service.url(), Some(&root)).get("/v1/me").await.expect(200);
    }

    async fn what_came_of_credentials_is_counted(db: Database) {
        let world = World::on(&db).await;
        let scrape = |text: &[u8]| Scrape::parse(std::str::from_utf8(text).expect("text"));
        let before = scrape(&world.root.get("/metrics").await.expect(200).body);
        Caller::new(world.replica.url(), None).get("/v1/me").await.expect(401);
        world.owner.get("/v1/keys").await.expect(403);
        let stranger = json!({ "name": "s", "principal": "s", "scopes": ["book"] });
        let stranger = world.root.make(&stranger).await;
        stranger.get(&format!("/v1/bookings/{}", world.booking)).await.expect(404);
        let after = scrape(&world.root.get("/metrics").await.expect(200).body);
        for (name, labels, by) in [
            ("auth_requests_total", &[("method", "none"), ("result", "missing")][..], 1.0),
            ("auth_requests_total", &[("method", "key"), ("result", "ok")], 2.0),
            ("auth_requests_total", &[("method", "root"), ("result", "ok")], 2.0),
            ("auth_denials_total", &[("reason", "scope")], 1.0),
            ("auth_denials_total", &[("reason", "owner")], 1.0),
            ("auth_denials_total", &[("reason", "hotel")], 0.0),
        ] {
            let moved = after.value(name, labels) - before.value(name, labels);
            assert!((moved - by).abs() < 0.5, "{name} {labels:?} moved by {moved}");
        }
    }
}

/// Writes a root key into the folder's file `key`, and returns it.
pub async fn root_key(folder: &Folder) -> String {
    use std::os::unix::fs::PermissionsExt;
    let made = Process::run(binary(), &["keys", "generate"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let file = folder.path().join("key");
    std::fs::write(&file, &made.stdout).expect("a new folder can be written");
    let owners = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&file, owners).expect("it is ours");
    made.stdout.trim_end().to_owned()
}
