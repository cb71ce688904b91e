//! Where a booking comes from, in the words of the channel that sent it.

use crate::ids::HotelId;
use crate::text::Text;

/// The longest [`Reference`], in characters.
pub const REFERENCE_CHARS_MAX: usize = 100;

/// The longest [`Source`], in characters.
const SOURCE_CHARS_MAX: usize = 40;

/// The name of a channel, such as `booking.com`: 1 to 40 of `a-z`, `0-9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source(String);

impl Source {
    /// Fails with what to correct unless `raw` is such a name.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let known = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
        if !raw.is_empty() && raw.len() <= SOURCE_CHARS_MAX && raw.bytes().all(known) {
            return Ok(Self(raw.to_owned()));
        }
        let max = SOURCE_CHARS_MAX;
        Err(format!("must be 1 to {max} of a-z, 0-9, dot, hyphen and underscore"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the source calls the booking: a [`Text::label`] of at most 100 characters, so that what people
/// read as one reference is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(Text);

impl Reference {
    /// Composes, trims and checks `raw` as a label. Fails with what to correct.
    pub fn parse(raw: &str) -> Result<Self, String> {
        let label = Text::label(raw)?;
        if label.as_str().chars().count() > REFERENCE_CHARS_MAX {
            return Err(format!("must be at most {REFERENCE_CHARS_MAX} characters long"));
        }
        Ok(Self(label))
    }

    /// Takes a reference as it was stored, perhaps by a release with other rules. Fails when it is
    /// not what any release stored.
    pub fn stored(raw: &str) -> Result<Self, String> {
        Text::stored(raw).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Where a booking comes from; both are optional, and neither needs the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The channel.
    pub source: Option<Source>,
    /// The channel's own name of the booking.
    pub reference: Option<Reference>,
}

impl Origin {
    /// What of it no other booking of `hotel` may have; nothing without a reference.
    #[must_use]
    pub fn claim(&self, hotel: HotelId) -> Option<Claim> {
        let reference = self.reference.clone()?;
        Some(Claim { hotel, source: self.source.clone(), reference })
    }
}

/// A reference within a hotel, of one source or of none: it belongs to one booking, until that
/// expires or is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The hotel.
    pub hotel: HotelId,
    /// The source whose reference it is; that of no source is a name of its own.
    pub source: Option<Source>,
    /// The reference.
    pub reference: Reference,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_short_name_in_lower_case() {
        for good in ["a", "booking.com", "front-desk_2", "0", &"a".repeat(40)] {
            assert!(Source::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "Booking.com", "a b", "a/b", "é", " a", "a\0", &"a".repeat(41)] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_reference_is_one_as_people_read_it() {
        for (raw, expect) in [
            ("4711", Some("4711")),
            (" BDC \u{a0} 47/11 ", Some("BDC 47/11")),
            ("Cafe\u{301}", Some("Caf\u{e9}")),
            ("", None),
            ("47\u{200b}11", None),
            ("47\n11", None),
            ("47\u{0}11", None),
        ] {
            let parsed = Reference::parse(raw);
            assert_eq!(parsed.as_ref().ok().map(Reference::as_str), expect, "{raw:?}");
        }
        assert!(Reference::parse(&"é".repeat(100)).is_ok());
        assert!(Reference::parse(&"é".repeat(101)).is_err());
    }

    #[test]
    fn only_a_reference_is_claimed() {
        let hotel = HotelId(uuid::Uuid::from_u128(1));
        let (source, reference) = (Source::parse("a").ok(), Reference::parse("1").ok());
        let source_alone = Origin { source: source.clone(), reference: None };
        assert_eq!(source_alone.claim(hotel), None);
        let reference_alone = Origin { source: None, reference: reference.clone() };
        let both = Origin { source, reference };
        assert_ne!(both.claim(hotel), None);
        assert_ne!(both.claim(hotel), reference_alone.claim(hotel));
    }
}
