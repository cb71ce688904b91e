//! Text as it is searched for: what people read as the same, whatever the case.

use unicode_normalization::UnicodeNormalization;

use crate::text::shows_nothing;

/// The shortest [`GuestPrefix`], in characters as they are searched.
pub const GUEST_PREFIX_CHARS_MIN: usize = 2;

/// The longest one, in characters as they were typed.
pub const GUEST_PREFIX_CHARS_MAX: usize = 100;

/// `text` composed (NFC), without case, without what shows nothing, with one blank for each run of them.
///
/// Each character counts as the lower case of its upper case, by itself: so ß and ẞ are ss, and a Greek
/// sigma is one wherever it stands, which a word in lower case would not have. Both databases store the
/// result and compare it by bytes, and so agree.
#[must_use]
pub fn folded(text: &str) -> String {
    let shown = text.nfc().filter(|c| !shows_nothing(*c));
    // Lower case first: the capital ẞ is its own upper case, and only ß has SS.
    let upper = shown.flat_map(char::to_lowercase).flat_map(char::to_uppercase);
    let composed: String = upper.flat_map(char::to_lowercase).nfc().collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a guest's name or mail address begins with, [folded](folded()).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPrefix(String);

impl GuestPrefix {
    /// Fails with what to correct unless it is 2 to 100 characters long.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let prefix = folded(raw);
        let long_enough = prefix.chars().count() >= GUEST_PREFIX_CHARS_MIN;
        if !long_enough || raw.chars().count() > GUEST_PREFIX_CHARS_MAX {
            let (min, max) = (GUEST_PREFIX_CHARS_MIN, GUEST_PREFIX_CHARS_MAX);
            return Err(format!("must be {min} to {max} characters long"));
        }
        Ok(Self(prefix))
    }

    /// What begins with it, in the order of bytes, is not less than this.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What begins with it, in the order of bytes, is less than this; absent when nothing is greater.
    /// No pattern is made of it, so `%` and `_` are letters as any other.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            // The order of code points is that of their bytes. There are none where surrogates are.
            let next = match last {
                '\u{d7ff}' => Some('\u{e000}'),
                last => char::from_u32(u32::from(last) + 1),
            };
            if let Some(next) = next {
                end.push(next);
                return Some(end);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_composition_blanks_and_what_is_invisible_do_not_count() {
        for (one, other) in [
            ("Ada Lovelace", "ADA LOVELACE"),
            ("Jose\u{301}", "JOS\u{c9}"),
            ("Stra\u{df}e", "STRASSE"),
            ("Stra\u{df}e", "STRA\u{1e9e}E"),
            (
                "\u{39f}\u{394}\u{3a5}\u{3a3}\u{3a3}\u{395}\u{3a5}\u{3a3}",
                "\u{3bf}\u{3b4}\u{3c5}\u{3c3}\u{3c3}\u{3b5}\u{3c5}\u{3c2}",
            ),
            (" Ada \u{a0} Lovelace\u{200b}", "ada lovelace"),
            ("\u{fb01}n", "FIN"),
            ("ADA@Example.ORG", "ada@example.org"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("Jose"), folded("Jos\u{e9}"), "accents are letters");
        // Every character that has a case.
        for c in '\0'..'\u{20000}' {
            let once = folded(c.encode_utf8(&mut [0; 4]));
            assert_eq!(folded(&once), once, "{c:?}");
            let lower = folded(&c.to_lowercase().collect::<String>());
            assert_eq!(lower, once, "{c:?}");
        }
    }

    #[test]
    fn a_prefix_is_neither_too_short_nor_too_long() {
        for (raw, expect) in [
            ("ad", true),
            ("\u{df}", true),
            ("\u{674e}\u{660e}", true),
            ("a", false),
            ("", false),
            ("a\u{200b}", false),
            (" a ", false),
            (&"x".repeat(100), true),
            (&"x".repeat(101), false),
        ] {
            assert_eq!(GuestPrefix::parse(raw).is_ok(), expect, "{raw:?}");
        }
    }

    #[test]
    fn what_begins_with_a_prefix_lies_between_it_and_its_end() {
        for (prefix, within, beyond) in [
            ("ad", vec!["ad", "ada", "ad\u{10ffff}", "ad%"], vec!["ac", "ae", "a", "b"]),
            ("a\u{d7ff}", vec!["a\u{d7ff}", "a\u{d7ff}z"], vec!["a\u{e000}", "b"]),
            ("a\u{10ffff}", vec!["a\u{10ffff}", "a\u{10ffff}z"], vec!["b", "a"]),
            ("%_", vec!["%_", "%_a"], vec!["ada", "%a"]),
        ] {
            let prefix = GuestPrefix(prefix.to_owned());
            let end = prefix.end().expect("something is greater");
            let meets = |text: &str| prefix.as_str() <= text && text < end.as_str();
            assert!(within.iter().all(|text| meets(text)), "{prefix:?} {end:?}");
            assert!(!beyond.iter().any(|text| meets(text)), "{prefix:?} {end:?}");
        }
        assert_eq!(GuestPrefix("\u{10ffff}\u{10ffff}".to_owned()).end(), None);
    }
}
