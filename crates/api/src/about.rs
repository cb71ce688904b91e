//! What an operation is, said once on its type: the OpenAPI document, the counting and the router
//! read it from here, so that nothing is guessed from paths.

/// One operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its `operationId`.
    pub id: &'static str,
    /// What kind of operation.
    pub kind: Kind,
    /// What a caller must be allowed.
    pub scope: Scope,
}

/// The kinds of operations, by what they share: preconditions, keys, headers, problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Shows one resource that has a version.
    Show,
    /// Shows what is computed and has no version.
    Compute,
    /// Shows a page of a list.
    List,
    /// Creates something in a collection, which has no version that a precondition could name.
    Create,
    /// Creates a booking; preconditions name the version of the room it is sent to.
    Book,
    /// Moves a booking on; the service may decide it again when it loses a race.
    Command,
    /// Replaces or merges what is there, and must say which version it edits.
    Edit,
    /// Removes what is there, and must say which version it removes.
    Delete,
    /// Changes or ends what has no version, as often as one likes with the same result.
    Adjust,
}

impl Kind {
    /// Whether it writes.
    #[must_use]
    pub fn writes(self) -> bool {
        !matches!(self, Self::Show | Self::Compute | Self::List)
    }

    /// Whether preconditions apply to it.
    #[must_use]
    pub fn is_versioned(self) -> bool {
        !matches!(self, Self::Compute | Self::List | Self::Create | Self::Adjust)
    }

    /// Whether it may come with an `Idempotency-Key`: it writes, and twice would not be as once.
    #[must_use]
    pub fn takes_key(self) -> bool {
        self.writes() && self != Self::Adjust
    }

    /// Whether it must come with a precondition that names what it edits.
    #[must_use]
    pub fn edits(self) -> bool {
        matches!(self, Self::Edit | Self::Delete)
    }

    /// Whether its answer says where what it created is.
    #[must_use]
    pub fn creates(self) -> bool {
        matches!(self, Self::Create | Self::Book)
    }

    /// Whether it takes a body.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::Create | Self::Book | Self::Edit)
    }
}

/// What a caller must be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nothing but a credential.
    Any,
    /// To look at hotels, rooms and calendars.
    Read,
    /// To book, and to see and change its own bookings.
    Book,
    /// To see and change every booking, and its guest.
    Desk,
    /// To administer hotels, rooms and keys.
    Admin,
    /// To read the metrics, and nothing else.
    Metrics,
}

impl Scope {
    /// The name in credentials and in the OpenAPI document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Read => "read",
            Self::Book => "book",
            Self::Desk => "desk",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}
