use chrono::{DateTime, Utc};
use vacancy_persistence::ApiKey;

use super::*;

fn key(id: &str) -> KeyLookup {
    let key = ApiKey {
        id: id.to_owned(),
        principal: "p".to_owned(),
        name: "n".to_owned(),
        scopes: "read".to_owned(),
        hotels: None,
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        created_by: "root".to_owned(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    KeyLookup { key, secret_hash: vec![0; 32], now: DateTime::<Utc>::UNIX_EPOCH }
}

fn found(at: Instant, id: Option<&str>) -> Found {
    Found { at, lookup: id.map(key) }
}

#[test]
fn what_was_read_while_a_key_was_changed_is_not_remembered() {
    let cache = KeyCache::default();
    let began = cache.lock().changes;
    let at = Instant::now();
    cache.forget("a");
    let used = cache.lock().keep("a", found(at, Some("a")), began);
    assert!(used.is_some_and(|(_, first)| first), "it is used once");
    assert!(cache.lock().known.is_empty());
    assert!(cache.lock().keep("b", found(at, None), began).is_none());
    assert!(cache.lock().unknown.is_empty(), "it may have been made meanwhile");
    let now = cache.lock().changes;
    assert!(cache.lock().keep("a", found(at, Some("a")), now).is_some());
    assert_eq!(cache.lock().known.len(), 1);
}

#[test]
fn of_those_that_waited_for_one_statement_one_is_the_first() {
    let mut entries = Entries::default();
    let at = Instant::now();
    let first = [(); 3].map(|()| entries.keep("a", found(at, Some("a")), 0));
    assert_eq!(first.map(|it| it.map(|(_, first)| first)), [Some(true), Some(false), Some(false)]);
}

#[test]
fn a_flood_of_wrong_keys_takes_no_place_from_those_that_exist() {
    let mut entries = Entries::default();
    let at = Instant::now();
    entries.keep("good", found(at, Some("good")), 0);
    for number in 0..3 * ENTRIES_MAX {
        assert!(entries.keep(&format!("wrong {number}"), found(at, None), 0).is_none());
        assert!(entries.unknown.len() <= ENTRIES_MAX);
    }
    assert!(entries.known.contains_key("good"));
    for number in 0..2 * ENTRIES_MAX {
        let id = number.to_string();
        assert!(entries.keep(&id, found(at, Some(&id)), 0).is_some(), "it works all the same");
    }
    assert_eq!(entries.known.len(), ENTRIES_MAX);
}
