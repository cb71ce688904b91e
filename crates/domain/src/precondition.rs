//! What a client's preconditions mean for a version (RFC 9110, section 13). The wire format is
//! read elsewhere.

use crate::version::Version;

/// One member of `If-Match` or `If-None-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A strong tag that names this version.
    Strong(Version),
    /// A weak tag that names this version.
    Weak(Version),
    /// A strong tag that this service never issued, such as `""` or `"07"`.
    StrongForeign,
    /// A weak tag that this service never issued.
    WeakForeign,
}

/// The states a client accepts, or accepts none of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `*`: whatever is there.
    Any,
    /// Any of these.
    Tags(Vec<Tag>),
}

impl Expected {
    /// Strong comparison (RFC 9110, 8.8.3.2), for `If-Match`.
    fn matches_strongly(&self, current: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(&Tag::Strong(current)),
        }
    }

    /// Weak comparison, for `If-None-Match`.
    fn matches_weakly(&self, current: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => {
                tags.contains(&Tag::Strong(current)) || tags.contains(&Tag::Weak(current))
            }
        }
    }

    fn has_weak_member(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Tags(tags) => {
                tags.iter().any(|tag| matches!(tag, Tag::Weak(_) | Tag::WeakForeign))
            }
        }
    }
}

/// Which precondition the current version does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// No member of `If-Match` is the current version.
    Match,
    /// As `Match`, and a member was weak: it could not have matched whatever the version.
    WeakMatch,
    /// `If-None-Match` names the current version: 304 for a read, 412 for a write.
    NoneMatch,
    /// `?version=` names another version.
    Version {
        /// The one it names.
        provided: Version,
    },
}

/// The preconditions of one request, by what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`.
    pub if_match: Option<Expected>,
    /// `If-None-Match`.
    pub if_none_match: Option<Expected>,
    /// `?version=`.
    pub version: Option<Version>,
}

impl Preconditions {
    /// Compares with the current version, in the order of the contract: `If-Match`, then
    /// `If-None-Match`, then `?version=`. Fails with the first that is not met.
    pub fn check(&self, current: Version) -> Result<(), Stale> {
        match &self.if_match {
            Some(expected) if !expected.matches_strongly(current) => {
                let weak = expected.has_weak_member();
                return Err(if weak { Stale::WeakMatch } else { Stale::Match });
            }
            Some(_) | None => {}
        }
        if self.if_none_match.as_ref().is_some_and(|tags| tags.matches_weakly(current)) {
            return Err(Stale::NoneMatch);
        }
        match self.version {
            Some(provided) if provided != current => Err(Stale::Version { provided }),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether the client said which state it acts upon, as an edit must. `If-None-Match` alone
    /// does not.
    #[must_use]
    pub fn suffice_for_an_edit(&self) -> bool {
        self.if_match.is_some() || self.version.is_some()
    }

    /// Whether there is anything to check.
    #[must_use]
    pub fn are_present(&self) -> bool {
        self.if_none_match.is_some() || self.suffice_for_an_edit()
    }

    /// Whether they name a version, so a lost race may have settled them for good.
    #[must_use]
    pub fn name_a_version(&self) -> bool {
        let named = |tags: &Option<Expected>| matches!(tags, Some(Expected::Tags(_)));
        named(&self.if_match) || named(&self.if_none_match) || self.version.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Version = Version(7);
    const OLD: Version = Version(6);

    #[test]
    fn if_match_compares_strongly() {
        check(matching(vec![Tag::Strong(NOW)]), Ok(()));
        check(matching(vec![Tag::Strong(OLD), Tag::Strong(NOW)]), Ok(()));
        check(matching(vec![Tag::Weak(NOW), Tag::Strong(NOW)]), Ok(()));
        check(matching(vec![Tag::Strong(OLD)]), Err(Stale::Match));
        check(matching(vec![Tag::StrongForeign]), Err(Stale::Match));
        check(matching(vec![Tag::Weak(NOW)]), Err(Stale::WeakMatch));
        check(matching(vec![Tag::Strong(OLD), Tag::WeakForeign]), Err(Stale::WeakMatch));
        check(Preconditions { if_match: Some(Expected::Any), ..none() }, Ok(()));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        check(none_matching(vec![Tag::Strong(OLD)]), Ok(()));
        check(none_matching(vec![Tag::StrongForeign, Tag::WeakForeign]), Ok(()));
        check(none_matching(vec![Tag::Strong(NOW)]), Err(Stale::NoneMatch));
        check(none_matching(vec![Tag::Weak(NOW)]), Err(Stale::NoneMatch));
        let any = Preconditions { if_none_match: Some(Expected::Any), ..none() };
        check(any, Err(Stale::NoneMatch));
    }

    #[test]
    fn the_version_parameter_comes_last() {
        let stale = Stale::Version { provided: OLD };
        check(Preconditions { version: Some(NOW), ..none() }, Ok(()));
        check(Preconditions { version: Some(OLD), ..none() }, Err(stale));
        let both = Preconditions { version: Some(OLD), ..matching(vec![Tag::Strong(OLD)]) };
        check(both, Err(Stale::Match));
        let met = Preconditions { version: Some(OLD), ..matching(vec![Tag::Strong(NOW)]) };
        check(met, Err(stale));
        check(none(), Ok(()));
    }

    #[test]
    fn only_if_match_and_version_say_what_is_edited() {
        for (given, says, names) in [
            (none(), false, false),
            (none_matching(vec![Tag::Strong(OLD)]), false, true),
            (matching(vec![Tag::Strong(OLD)]), true, true),
            (Preconditions { if_match: Some(Expected::Any), ..none() }, true, false),
            (Preconditions { version: Some(NOW), ..none() }, true, true),
        ] {
            assert_eq!(given.suffice_for_an_edit(), says, "{given:?}");
            assert_eq!(given.name_a_version(), names, "{given:?}");
        }
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the table reads better with values")]
    fn check(given: Preconditions, expect: Result<(), Stale>) {
        assert_eq!(given.check(NOW), expect);
    }

    fn none() -> Preconditions {
        Preconditions::default()
    }

    fn matching(tags: Vec<Tag>) -> Preconditions {
        Preconditions { if_match: Some(Expected::Tags(tags)), ..none() }
    }

    fn none_matching(tags: Vec<Tag>) -> Preconditions {
        Preconditions { if_none_match: Some(Expected::Tags(tags)), ..none() }
    }
}
