//! What clients note beside a booking for themselves.

use std::collections::BTreeMap;

/// The most notes of a booking.
pub const METADATA_KEYS_MAX: usize = 16;

/// The longest key, in characters.
pub const METADATA_KEY_CHARS_MAX: usize = 40;

/// The longest value, in characters.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;

/// Up to 16 texts by name, kept letter by letter: they mean nothing here. A key has 1 to 40 characters, a
/// value up to 500; neither has a NUL, which PostgreSQL refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

impl Metadata {
    /// Fails with each key whose note cannot be accepted, or the empty one for all of them together, and
    /// what to correct.
    pub fn parse(notes: BTreeMap<String, String>) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        if notes.len() > METADATA_KEYS_MAX {
            wrong.push((String::new(), format!("must have at most {METADATA_KEYS_MAX} members")));
        }
        for (key, value) in &notes {
            if let Err(why) = check(key, value) {
                wrong.push((key.clone(), why));
            }
        }
        if wrong.is_empty() { Ok(Self(notes)) } else { Err(wrong) }
    }

    /// The notes.
    #[must_use]
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn check(key: &str, value: &str) -> Result<(), String> {
    if !(1..=METADATA_KEY_CHARS_MAX).contains(&key.chars().count()) || key.contains('\0') {
        return Err(format!(
            "must have a key of 1 to {METADATA_KEY_CHARS_MAX} characters, without NUL"
        ));
    }
    if value.chars().count() > METADATA_VALUE_CHARS_MAX || value.contains('\0') {
        return Err(format!(
            "must be at most {METADATA_VALUE_CHARS_MAX} characters long, without NUL"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_few_short_and_kept_as_they_are() {
        let longest = ("\u{e9}".repeat(40), "\u{e9}".repeat(500));
        for (key, value, expect) in [
            ("flight", "AZ 1471", true),
            ("e\u{301}", " two\nlines ", true),
            ("a", "", true),
            (longest.0.as_str(), longest.1.as_str(), true),
            ("", "a", false),
            ("a\0", "a", false),
            ("a", "a\0", false),
            (&"k".repeat(41), "a", false),
            ("a", &"v".repeat(501), false),
        ] {
            let notes = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let parsed = Metadata::parse(notes.clone());
            assert_eq!(parsed.is_ok(), expect, "{key:?} {value:?}");
            match parsed {
                Ok(metadata) => assert_eq!(metadata.notes(), &notes),
                Err(wrong) => assert_eq!(wrong[0].0, key),
            }
        }
        let many = |count: usize| (0..count).map(|n| (n.to_string(), String::new())).collect();
        assert!(Metadata::parse(many(16)).is_ok());
        assert_eq!(
            Metadata::parse(many(17)).map_err(|wrong| wrong[0].0.clone()),
            Err(String::new())
        );
    }
}
