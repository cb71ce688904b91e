//! What credentials may do, as a set.

use crate::about::Scope;

/// The scopes of a credential, with those that they include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

/// The scopes a credential can have, from the narrowest on.
pub const ALL: [Scope; 5] = [Scope::Read, Scope::Book, Scope::Desk, Scope::Admin, Scope::Metrics];

impl Scopes {
    /// May do everything.
    #[must_use]
    pub fn admin() -> Self {
        Self(included(Scope::Admin))
    }

    /// Reads names with blanks between them. Fails for a name that is none, and for no name at all.
    pub fn parse(names: &str) -> Result<Self, String> {
        let mut scopes = Self(0);
        for name in names.split_whitespace() {
            let scope = ALL.into_iter().find(|scope| scope.name() == name);
            let scope = scope.ok_or("must be of read, book, desk, admin, metrics")?;
            scopes.0 |= included(scope);
        }
        if scopes.0 == 0 { Err("must name a scope".to_owned()) } else { Ok(scopes) }
    }

    /// Reads names as [`Self::parse`], and passes over those that are none.
    #[must_use]
    pub fn known(names: &[String]) -> Self {
        let known = names.iter().filter_map(|name| Self::parse(name).ok());
        Self(known.fold(0, |all, one| all | one.0))
    }

    /// Whether it may do what needs `scope`.
    #[must_use]
    pub fn allow(self, scope: Scope) -> bool {
        scope == Scope::Any || self.0 & bit(scope) != 0
    }

    /// Whether it may do nothing that `other` may not.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The names of all of them, those included too.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        ALL.into_iter().filter(|scope| self.allow(*scope)).map(Scope::name).collect()
    }
}

fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Any => 0,
        Scope::Read => 1,
        Scope::Book => 2,
        Scope::Desk => 4,
        Scope::Admin => 8,
        Scope::Metrics => 16,
    }
}

fn included(scope: Scope) -> u8 {
    let less = match scope {
        Scope::Any | Scope::Read | Scope::Metrics => 0,
        Scope::Book => included(Scope::Read),
        Scope::Desk => included(Scope::Book),
        Scope::Admin => included(Scope::Desk) | included(Scope::Metrics),
    };
    bit(scope) | less
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_includes_the_narrower_ones_and_metrics_stands_apart() {
        for (names, includes) in [
            ("read", &["read"][..]),
            ("book", &["read", "book"]),
            ("desk", &["read", "book", "desk"]),
            ("admin", &["read", "book", "desk", "admin", "metrics"]),
            ("metrics", &["metrics"]),
            ("read metrics", &["read", "metrics"]),
        ] {
            let scopes = Scopes::parse(names).expect("known names");
            assert_eq!(scopes.names(), includes, "{names}");
            assert!(scopes.within(Scopes::admin()));
            assert_eq!(Scopes::admin().within(scopes), names == "admin", "{names}");
        }
        for names in ["", " ", "write", "read write", "READ", "any"] {
            assert!(Scopes::parse(names).is_err(), "{names:?}");
        }
        assert!(!Scopes::parse("metrics").is_ok_and(|scopes| scopes.allow(Scope::Read)));
        assert_eq!(Scopes::known(&["write".to_owned()]).names(), [""; 0]);
    }
}
