//! The labels whose values are known in advance.

use axum::http::Method;

/// The values of one label. They are declared once: the place of a value in the declaration is the
/// place of its series in an array.
macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$doc])* $value,)* }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$value,)*];

            /// The value as it is exposed.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

label! {
    /// What kind of write is counted; the value of the label `operation`.
    Operation {
        /// Booking a named room at once.
        Book = "book",
        /// Holding a named room.
        Hold = "hold",
        /// Booking or holding whichever room of a hotel is free.
        AutoBook = "auto_book",
        /// Confirming a held booking.
        Confirm = "confirm",
        /// Cancelling a booking.
        Cancel = "cancel",
        /// Recording that a hold has run out.
        Expire = "expire",
        /// Forgetting a guest, asked for by a client.
        Erase = "erase",
        /// Forgetting a guest who has left long ago.
        Forget = "forget",
        /// Changing the dates or the room of a booking.
        Move = "move",
        /// Giving a hold more time.
        Prolong = "prolong",
        /// Editing a booking's particulars.
        EditBooking = "edit_booking",
        /// Creating, editing or deleting a room.
        EditRoom = "edit_room",
        /// Creating, editing or deleting a hotel.
        EditHotel = "edit_hotel",
    }
}

label! {
    /// How a write that reached a decision ended; the value of the label `outcome`.
    Outcome {
        /// Committed without losing a race.
        FirstAttempt = "first_attempt",
        /// Committed after at least one lost race.
        AfterRetry = "after_retry",
        /// Asked for what already is; nothing was written.
        Unchanged = "unchanged",
        /// The rules said no.
        Refused = "refused",
        /// The client's precondition no longer held.
        PreconditionFailed = "precondition_failed",
        /// Every attempt lost its race.
        Exhausted = "exhausted",
        /// Whether it committed could not be found out.
        Unknown = "unknown",
        /// The database or the service failed.
        Failed = "failed",
    }
}

label! {
    /// How a request's precondition was answered; the value of the label `result`.
    PreconditionResult {
        /// It held.
        Passed = "passed",
        /// 304: the client already has this version.
        NotModified = "not_modified",
        /// 412 for `If-Match` or `If-None-Match`.
        Failed412 = "failed_412",
        /// 409 for `?version=`.
        Version409 = "version_409",
        /// 428: an edit came without one.
        Missing428 = "missing_428",
        /// 400: it could not be read.
        Malformed400 = "malformed_400",
        /// 412: a weak tag, which never matches in `If-Match`.
        WeakEtag = "weak_etag",
    }
}

label! {
    /// What a client's idempotency key led to; the value of the label `result`.
    KeyResult {
        /// It was stored with the write it came with.
        New = "new",
        /// The stored answer was sent again.
        Replayed = "replayed",
        /// It had been used for another request.
        Mismatch = "mismatch",
        /// Its first request was still running.
        InFlight = "in_flight",
    }
}

label! {
    /// What a request was to be let in by; the value of the label `method`.
    AuthMethod {
        /// Nothing that is a credential.
        None = "none",
        /// An API key.
        Key = "key",
        /// A token of an issuer.
        Jwt = "jwt",
        /// The root key.
        Root = "root",
    }
}

label! {
    /// What came of it; the value of the label `result`.
    AuthResult {
        /// It was let in.
        Ok = "ok",
        /// It came without a credential.
        Missing = "missing",
        /// The credential does not read.
        Malformed = "malformed",
        /// There is no such key, or not with that secret, or no such issuer.
        Unknown = "unknown",
        /// It was accepted once.
        Expired = "expired",
        /// It was taken back.
        Revoked = "revoked",
        /// The database could not be asked.
        Unavailable = "unavailable",
    }
}

label! {
    /// Why a request that is known was not answered, or not shown something; the value of the label
    /// `reason`.
    Denial {
        /// It lacks a scope.
        Scope = "scope",
        /// It is limited to other hotels.
        Hotel = "hotel",
        /// Another principal made the booking.
        Owner = "owner",
        /// It sends too many requests.
        Rate = "rate",
        /// A page of another origin sent it.
        CrossSite = "cross_site",
        /// It names another host.
        Host = "host",
    }
}

/// The values of the label `method`. Clients may invent methods, so the rest share one.
pub(super) const METHODS: [&str; 8] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];

pub(super) fn method_label(method: &Method) -> &'static str {
    METHODS.into_iter().find(|label| method.as_str() == *label).unwrap_or("other")
}
