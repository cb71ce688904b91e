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
        !matches!(self, Self::Compute | Self::List | Self::Create)
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
    /// To look at hotels, rooms and calendars.
    Read,
    /// To book, and to see and change its own bookings.
    Book,
    /// To administer hotels and rooms.
    Admin,
}

impl Scope {
    /// The name in credentials and in the OpenAPI document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Book => "book",
            Self::Admin => "admin",
        }
    }
}
