//! API keys as text: `vac_<id>_<secret>`, made of random bits.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Crockford's base32 in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How long an id is, in characters.
const ID_LENGTH: usize = 12;
/// How long a secret is, in characters of five bits: 260 random bits.
const SECRET_LENGTH: usize = 52;

/// A whole key. `Debug` shows its id alone.
#[derive(Clone)]
pub struct KeyText {
    text: String,
}

impl KeyText {
    /// A new one, of the system's random numbers.
    #[must_use]
    pub fn made() -> Self {
        let random: [u8; ID_LENGTH + SECRET_LENGTH] = rand::random();
        let letters = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)]));
        let letters: String = letters.collect();
        let (id, secret) = letters.split_at(ID_LENGTH);
        Self { text: format!("vac_{id}_{secret}") }
    }

    /// Reads one. None unless it has exactly that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix("vac_")?.split_once('_')?;
        let known = |part: &str| part.bytes().all(|byte| ALPHABET.contains(&byte));
        let fits = id.len() == ID_LENGTH && secret.len() == SECRET_LENGTH;
        (fits && known(id) && known(secret)).then(|| Self { text: text.to_owned() })
    }

    /// The public half, which names it in the log and in lists.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[4..4 + ID_LENGTH]
    }

    /// The whole of it: to be shown once, where it was made.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// SHA-256 of its secret. The secret has more random bits than the hash: slow hashing would
    /// protect nothing.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.text.as_bytes()[5 + ID_LENGTH..]).into()
    }

    /// Whether its secret has this hash; takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, hash: &[u8]) -> bool {
        self.hash().ct_eq(hash).into()
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_shows_its_id_alone() {
        let (key, other) = (KeyText::made(), KeyText::made());
        let back = KeyText::parse(key.reveal()).expect("our own text");
        assert!(back.matches(&key.hash()) && !other.matches(&key.hash()));
        assert_ne!(key.id(), other.id());
        assert_eq!(format!("{key:?}"), format!("KeyText({})", key.id()));
        assert!(!key.matches(&[]), "a hash of another length");
    }

    #[test]
    fn what_is_not_exactly_a_key_is_none() {
        let key = KeyText::made();
        let whole = key.reveal();
        let cut = &whole[..whole.len() - 1];
        for text in [
            "",
            "vac_",
            "vac__",
            cut,
            &format!("{whole}0"),
            &format!(" {whole}"),
            &whole.to_uppercase(),
            &whole.replace("vac_", "vaC_"),
            &format!("{cut}u"),
            &format!("{cut}\u{e9}"),
            &whole[4..],
        ] {
            assert!(KeyText::parse(text).is_none(), "{text}");
        }
    }
}
