//! An identity provider of the tests' own: it publishes keys over HTTP on loopback, and signs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vacancy_testkit::{PATIENCE, eventually};

/// Made for these tests, and used for nothing else.
const RSA: &[u8] = include_bytes!("rsa_test_key.der");

/// How it answers.
#[derive(Clone)]
pub enum Mode {
    /// With these keys.
    Keys(Value),
    /// With these bytes, which are a whole answer.
    Raw(Vec<u8>),
    /// Not at all.
    Silence,
}

/// The provider. It answers until the test's runtime ends.
pub struct Idp {
    pub url: String,
    /// How often its keys were fetched.
    pub fetches: Arc<AtomicUsize>,
    /// How often its discovery document was.
    pub discoveries: Arc<AtomicUsize>,
    mode: Arc<Mutex<Mode>>,
    discovery: Arc<Mutex<Value>>,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
}

pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The time, in seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

impl Idp {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let ec = ec.expect("a new key");
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random);
        let idp = Self {
            url,
            fetches: Arc::default(),
            discoveries: Arc::default(),
            discovery: Arc::default(),
            mode: Arc::new(Mutex::new(Mode::Silence)),
            rsa: RsaKeyPair::from_pkcs8(RSA).expect("the test's key"),
            ec: ec.expect("a new key"),
        };
        idp.answer(Mode::Keys(idp.keys()));
        idp.discover(idp.discovery());
        let (mode, fetches) = (idp.mode.clone(), idp.fetches.clone());
        let (discovery, discoveries) = (idp.discovery.clone(), idp.discoveries.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mode = mode.lock().expect("no panic").clone();
                let discovery = discovery.lock().expect("no panic").clone();
                let (fetches, discoveries) = (fetches.clone(), discoveries.clone());
                tokio::spawn(async move {
                    let mut head = vec![0; 4096];
                    let length = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..length]).into_owned();
                    let body = if head.contains("/.well-known/openid-configuration") {
                        discoveries.fetch_add(1, Ordering::Relaxed);
                        discovery
                    } else {
                        fetches.fetch_add(1, Ordering::Relaxed);
                        match mode {
                            Mode::Keys(keys) => keys,
                            Mode::Raw(bytes) => {
                                let _ = stream.write_all(&bytes).await;
                                return;
                            }
                            Mode::Silence => {
                                return tokio::time::sleep(Duration::from_mins(1)).await;
                            }
                        }
                    };
                    let body = body.to_string();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        idp
    }

    /// Waits until its keys were asked for, as a service does at its start.
    pub async fn has_been_asked(&self) {
        eventually("its keys are asked for", PATIENCE, || async {
            (self.fetches.load(Ordering::Relaxed) > 0).then_some(())
        })
        .await;
    }

    /// From now on it answers so.
    pub fn answer(&self, mode: Mode) {
        *self.mode.lock().expect("no panic") = mode;
    }

    /// From now on its discovery document is this one.
    pub fn discover(&self, document: Value) {
        *self.discovery.lock().expect("no panic") = document;
    }

    /// The discovery document it has at first.
    pub fn discovery(&self) -> Value {
        json!({ "issuer": self.url, "jwks_uri": format!("{}/keys", self.url) })
    }

    /// Its keys: `rsa`, which says its algorithm, and `ec`, which does not.
    pub fn keys(&self) -> Value {
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
        json!({ "keys": [
            {
                "kid": "rsa", "kty": "RSA", "alg": "RS256", "use": "sig",
                "n": base64(rsa.n), "e": base64(rsa.e),
            },
            { "kid": "ec", "kty": "EC", "crv": "P-256", "x": base64(x), "y": base64(y) },
            { "kid": "odd", "kty": "odd" },
        ] })
    }

    /// What a good token says.
    pub fn claims(&self) -> Value {
        json!({
            "iss": self.url, "aud": "vacancy", "sub": "ada", "scope": "book openid",
            "exp": now() + 300, "nbf": now() - 1,
        })
    }

    /// A token with this head and these claims, signed as the head's `alg` says.
    pub fn sign(&self, head: &Value, claims: &Value) -> String {
        self.sign_text(head, &claims.to_string())
    }

    /// The same, with the claims as they are.
    pub fn sign_text(&self, head: &Value, claims: &str) -> String {
        let message = format!("{}.{}", base64(head.to_string()), base64(claims));
        let random = SystemRandom::new();
        let mut rsa = vec![0; self.rsa.public().modulus_len()];
        let signature = match head["alg"].as_str() {
            Some("RS256") => {
                let signed =
                    self.rsa.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut rsa);
                signed.expect("it signs");
                rsa
            }
            Some("PS256") => {
                let signed = self.rsa.sign(&RSA_PSS_SHA256, &random, message.as_bytes(), &mut rsa);
                signed.expect("it signs");
                rsa
            }
            Some("HS256") => {
                // Keyed with what is public: the public key.
                let public = self.rsa.public().as_ref();
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public);
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Some("none") => b"none".to_vec(),
            _ => self.ec.sign(&random, message.as_bytes()).expect("it signs").as_ref().to_vec(),
        };
        format!("{message}.{}", base64(signature))
    }
}
