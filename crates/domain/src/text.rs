//! Text that people typed: composed one way, trimmed, bounded, and showing something.

use unicode_normalization::UnicodeNormalization;

/// The longest [`Text`], in characters.
pub const TEXT_CHARS_MAX: usize = 200;

/// The longest [`Email`], in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// A name, a number on a door, a kind of room: 1 to 200 characters after trimming, in normalisation
/// form C, so that text that looks the same compares the same however it was composed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

impl Text {
    /// Composes and trims `raw`. Fails with what to correct when nothing that shows is left, or too
    /// much, or when it holds a control character or a line break. Characters without a shape of
    /// their own are let pass beside others: joiners and direction marks belong to many scripts.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let text = Self::normalized(raw);
        if text.chars().any(is_control) {
            return Err("must not contain control characters or line breaks".into());
        }
        if text.chars().all(|c| shows_nothing(c) || c.is_whitespace()) {
            let empty = text.is_empty();
            let why =
                if empty { "must not be empty" } else { "must not be empty: it shows nothing" };
            return Err(why.into());
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Err(format!("must be at most {TEXT_CHARS_MAX} characters long"));
        }
        Ok(Self(text))
    }

    /// As [`Self::parse`], for text that must be unique as people read it, such as the number on a
    /// door: runs of blanks of any kind count as one blank, and what shows nothing is refused.
    pub fn label(raw: &str) -> Result<Self, String> {
        let Self(text) = Self::parse(raw)?;
        if text.chars().any(shows_nothing) {
            return Err("must not contain characters that show nothing".into());
        }
        Ok(Self(text.split_whitespace().collect::<Vec<_>>().join(" ")))
    }

    /// Takes text as it was stored, perhaps by a release with other rules. Fails when it is not what
    /// any release stored: empty, not trimmed, too long or with NUL.
    pub fn stored(raw: &str) -> Result<Self, String> {
        let trimmed = !raw.is_empty() && raw.trim() == raw;
        let sane = trimmed && !raw.contains('\0') && raw.chars().count() <= TEXT_CHARS_MAX;
        sane.then(|| Self(raw.to_owned())).ok_or_else(|| "is no text that was stored".into())
    }

    /// `raw` composed (NFC) and trimmed, as texts are stored: for looking one up.
    #[must_use]
    pub fn normalized(raw: &str) -> String {
        let composed: String = raw.nfc().collect();
        composed.trim().to_owned()
    }

    /// What stands for a name that was forgotten.
    #[must_use]
    pub fn erased() -> Self {
        Self("erased".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Controls, NUL among them, which PostgreSQL refuses in text; and the separators of lines and
/// paragraphs.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether nothing is drawn for `c` alone: the `Default_Ignorable_Code_Point`s of Unicode, which
/// include every control of direction, and the blank pattern of Braille.
pub(crate) fn shows_nothing(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// A mail address by shape only: whether it is delivered to is not ours to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Composes and trims `raw`. Fails with what to correct unless it is at most 254 bytes around one
    /// `@`, all of which show.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let address = Text::normalized(raw);
        let hidden = |c: char| c.is_whitespace() || is_control(c) || shows_nothing(c);
        if !is_shaped(&address) || address.chars().any(hidden) {
            return Err("must be an e-mail address such as ada@example.org".into());
        }
        if address.len() > EMAIL_BYTES_MAX {
            return Err(format!("must be at most {EMAIL_BYTES_MAX} bytes long"));
        }
        Ok(Self(address))
    }

    /// Takes an address as it was stored, perhaps by a release with other rules. Fails when it is
    /// not what any release stored.
    pub fn stored(raw: &str) -> Result<Self, String> {
        let sane = is_shaped(raw) && !raw.contains('\0') && raw.len() <= EMAIL_BYTES_MAX;
        sane.then(|| Self(raw.to_owned())).ok_or_else(|| "is no address that was stored".into())
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether there is something on both sides of one `@`.
fn is_shaped(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    })
}

/// A country: ISO 3166-1 alpha-2, upper case, by shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Country(String);

impl Country {
    /// Fails with what to correct unless `raw` is two upper-case letters.
    pub fn parse(raw: &str) -> Result<Self, String> {
        if raw.len() == 2 && raw.bytes().all(|b| b.is_ascii_uppercase()) {
            return Ok(Self(raw.to_owned()));
        }
        Err("must be two upper-case letters (ISO 3166-1 alpha-2), such as NL".into())
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_bounded_and_free_of_controls() {
        assert_eq!(Text::parse("  Rialto\n").map(|t| t.0), Ok("Rialto".into()));
        for bad in ["", " \t ", "a\0b", "a\nb", "a\tb", "a\u{7f}", "a\u{85}b", "a\u{2028}b"] {
            assert!(Text::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Text::parse(&"é".repeat(200)).is_ok(), "characters count, not bytes");
        assert!(Text::parse(&"é".repeat(201)).is_err());
        assert!(Text::parse(&"e\u{301}".repeat(200)).is_ok(), "they count after they are composed");
    }

    #[test]
    fn text_that_looks_the_same_is_the_same() {
        for (one, other) in [
            ("Caf\u{e9}", "Cafe\u{301}"),
            ("\u{212b}ngstr\u{f6}m", "A\u{30a}ngstro\u{308}m"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            (" \u{3000}Rialto\u{a0}", "Rialto"),
        ] {
            assert_eq!(Text::parse(one), Text::parse(other), "{one} {other}");
            assert_eq!(Text::normalized(one), Text::normalized(other), "{one} {other}");
        }
    }

    #[test]
    fn text_that_shows_nothing_is_empty() {
        for nothing in
            ["\u{200b}", "\u{feff} \u{200d}", "\u{3164}", "\u{2800}", "\u{202e}", "\u{ad}\u{e0041}"]
        {
            assert!(Text::parse(nothing).is_err(), "{nothing:?}");
        }
        // What belongs to a script or an emoji stays as it is.
        for shown in
            ["\u{645}\u{6cc}\u{200c}\u{62e}", "\u{1f468}\u{200d}\u{1f373}", "\u{2708}\u{fe0f}"]
        {
            assert_eq!(Text::parse(shown).map(|text| text.0), Ok(shown.to_owned()));
        }
    }

    #[test]
    fn a_label_is_unique_as_people_read_it() {
        for (raw, expect) in [
            ("101", Some("101")),
            (" 10\u{a0}\u{2003}1 ", Some("10 1")),
            ("Su\u{308}d 1", Some("S\u{fc}d 1")),
            ("1\u{200b}01", None),
            ("101\u{2069}", None),
            ("\u{202e}101", None),
            ("\u{feff}101", None),
            ("101\u{fe0f}", None),
            ("1\n01", None),
        ] {
            assert_eq!(Text::label(raw).ok().as_ref().map(Text::as_str), expect, "{raw:?}");
        }
    }

    #[test]
    fn what_earlier_releases_stored_is_read_as_it_is() {
        for old in ["Cafe\u{301}", "a\nb", "101\u{200b}", "\u{200b}"] {
            assert_eq!(Text::stored(old).map(|text| text.0), Ok(old.to_owned()));
        }
        assert!(["", "a\0b", &"a".repeat(201)].into_iter().all(|bad| Text::stored(bad).is_err()));
        assert!(Email::stored("a\u{200b}@b").is_ok());
        assert!(["", "@b", "a@b\0"].into_iter().all(|bad| Email::stored(bad).is_err()));
    }

    #[test]
    fn an_email_has_one_at_sign_inside() {
        for good in ["a@b", "ada.lovelace+vacancy@example.org", &format!("{}@b", "a".repeat(252))] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "a@\0", "a\u{200b}@b", &"a@b".repeat(100)]
        {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        assert!(Email::parse(&format!("{}@b", "a".repeat(253))).is_err());
    }

    #[test]
    fn a_country_is_two_upper_case_letters() {
        assert!(Country::parse("NL").is_ok());
        for bad in ["", "N", "nl", "NLD", "N1", "ÑL"] {
            assert!(Country::parse(bad).is_err(), "{bad}");
        }
    }
}
