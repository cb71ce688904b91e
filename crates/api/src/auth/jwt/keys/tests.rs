//! When keys are fetched and how long they are used, on a clock of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use vacancy_domain::Zones;
use vacancy_testkit::{PATIENCE, eventually};

use super::*;

const DAY: u64 = 86_400;

/// Publishes keys over HTTP on loopback, for as long as the test's runtime lives.
struct Published {
    /// The names of the keys; none: it answers 500.
    names: Mutex<Option<&'static [&'static str]>>,
    fetches: AtomicUsize,
    /// How many it may still answer.
    answers: Semaphore,
}

/// Such an issuer, and what the service knows of it.
async fn publish(answers: usize) -> (Arc<Published>, Arc<Keys>, Arc<Metrics>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = format!("http://{}/keys", listener.local_addr().expect("it is bound"));
    let (names, fetches) = (Mutex::new(Some(&["a"][..])), AtomicUsize::new(0));
    let issuer = Arc::new(Published { names, fetches, answers: Semaphore::new(answers) });
    let answering = issuer.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            answering.fetches.fetch_add(1, Ordering::SeqCst);
            answering.answers.acquire().await.expect("it is never closed").forget();
            let answer = answering.answer();
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let (alias, url) = ("staff".to_owned(), "https://idp.example".to_owned());
    let keys = Arc::new(Keys::of(Issuer { alias, url, keys: Some(place) }));
    (issuer, keys, Arc::new(Metrics::new(&[], &Zones::default())))
}

impl Published {
    fn answer(&self) -> String {
        let Some(names) = *self.names.lock().expect("no panic") else {
            return "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_owned();
        };
        let key = |name: &&str| json!({ "kid": name, "kty": "oct", "k": "AA" });
        let keys: Vec<Value> = names.iter().map(key).collect();
        let body = json!({ "keys": keys }).to_string();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }
}

fn name(known: &Known) -> &'static str {
    match known {
        Known::Key(_) => "key",
        Known::None => "none",
        Known::Nothing => "nothing",
    }
}

/// Row by row: the second, the keys that are published then, the name that is asked for, what is
/// known of it, and how often keys were fetched by then.
#[tokio::test]
async fn unknown_names_are_asked_for_seldom_and_old_keys_are_used_for_a_day() {
    let (issuer, keys, metrics) = publish(Semaphore::MAX_PERMITS).await;
    let start = Instant::now();
    for (second, published, asked, expect, fetches) in [
        (0, Some(&["a"][..]), "a", "key", 1),
        (1, Some(&["b"]), "a", "key", 1),
        (1, Some(&["b"]), "b", "none", 1),
        (29, Some(&["b"]), "b", "none", 1),
        (30, Some(&["b"]), "b", "key", 2),
        // Withdrawn by its issuer.
        (31, Some(&["b"]), "a", "none", 2),
        // It may be new, and the issuer cannot be asked.
        (60, None, "c", "nothing", 3),
        (60, None, "b", "key", 3),
        (89, Some(&["b", "c"]), "c", "nothing", 3),
        (90, Some(&["b", "c"]), "c", "key", 4),
        (119, Some(&["b", "c"]), "d", "none", 4),
        (120, Some(&["b", "c"]), "d", "none", 5),
        (120 + DAY, None, "c", "key", 5),
        (121 + DAY, None, "c", "nothing", 6),
        (150 + DAY, Some(&["c"]), "c", "nothing", 6),
        (151 + DAY, Some(&["c"]), "c", "key", 7),
    ] {
        *issuer.names.lock().expect("no panic") = published;
        let known = keys.get_at(asked, start + Duration::from_secs(second), &metrics).await;
        let seen = (name(&known), issuer.fetches.load(Ordering::SeqCst));
        assert_eq!(seen, (expect, fetches), "{asked} in second {second}");
    }
}

/// Fetching every hour does not wait for the pause, and one that fails costs no key.
#[tokio::test]
async fn keys_are_fetched_by_the_hour_whatever_was_asked_for() {
    let (issuer, keys, metrics) = publish(Semaphore::MAX_PERMITS).await;
    for (published, asked, expect, fetches) in [
        (Some(&["a"][..]), "a", "key", 1),
        (Some(&["b"]), "a", "none", 2),
        (None, "b", "key", 3),
        (None, "c", "nothing", 4),
        (Some(&["c"]), "c", "key", 5),
    ] {
        *issuer.names.lock().expect("no panic") = published;
        keys.refresh(&metrics).await;
        let known = keys.get(asked, &metrics).await;
        let seen = (name(&known), issuer.fetches.load(Ordering::SeqCst));
        assert_eq!(seen, (expect, fetches), "{asked} of {published:?}");
        assert!(keys.age().is_some());
    }
}

#[tokio::test]
async fn one_fetch_is_under_way_and_outlives_the_caller_that_began_it() {
    let (issuer, keys, metrics) = publish(0).await;
    let ask = || {
        let (keys, metrics) = (keys.clone(), metrics.clone());
        tokio::spawn(async move { name(&keys.get("a", &metrics).await) })
    };
    let first = ask();
    let fetches = || issuer.fetches.load(Ordering::SeqCst);
    eventually("it is asked", PATIENCE, || async { (fetches() == 1).then_some(()) }).await;
    first.abort();
    let others: Vec<_> = (0..100).map(|_| ask()).collect();
    issuer.answers.add_permits(1);
    for other in others {
        assert_eq!(other.await.expect("it does not panic"), "key");
    }
    assert_eq!(fetches(), 1);
}
