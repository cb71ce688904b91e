//! Text that people typed: trimmed, bounded, without what a database cannot hold.

/// The longest [`Text`], in characters.
pub const TEXT_CHARS_MAX: usize = 200;

/// The longest [`Email`], in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
const EMAIL_BYTES_MAX: usize = 254;

/// A name, a number on a door, a kind of room: 1 to 200 characters after trimming, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

impl Text {
    /// Trims `raw`. Fails with what to correct when nothing is left, or too much, or a NUL is in it.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let trimmed = raw.trim();
        if trimmed.is_empty() {
            return Err("must not be empty".into());
        }
        // PostgreSQL refuses NUL in text (SQLSTATE 22021), so it is refused here.
        if trimmed.contains('\0') {
            return Err("must not contain NUL".into());
        }
        if trimmed.chars().count() > TEXT_CHARS_MAX {
            return Err(format!("must be at most {TEXT_CHARS_MAX} characters long"));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// What stands for a name that was forgotten.
    #[must_use]
    pub fn erased() -> Self {
        Self("erased".to_owned())
    }

    /// The trimmed text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A mail address by shape only: whether it is delivered to is not ours to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Trims `raw`. Fails with what to correct unless it is at most 254 bytes around one `@`.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let trimmed = raw.trim();
        let shaped = trimmed.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        if !shaped || trimmed.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("must be an e-mail address such as ada@example.org".into());
        }
        if trimmed.len() > EMAIL_BYTES_MAX {
            return Err(format!("must be at most {EMAIL_BYTES_MAX} bytes long"));
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
    fn text_is_trimmed_bounded_and_free_of_nul() {
        assert_eq!(Text::parse("  Rialto\n").map(|t| t.0), Ok("Rialto".into()));
        assert!(Text::parse(" \t ").is_err());
        assert!(Text::parse("a\0b").is_err());
        assert!(Text::parse(&"é".repeat(200)).is_ok(), "characters count, not bytes");
        assert!(Text::parse(&"é".repeat(201)).is_err());
    }

    #[test]
    fn an_email_has_one_at_sign_inside() {
        for good in ["a@b", "ada.lovelace+vacancy@example.org", &format!("{}@b", "a".repeat(252))] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "a@\0", &"a@b".repeat(100)] {
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
