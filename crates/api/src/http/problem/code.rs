//! The kinds of problems: status, `code`, title and explanation, one row each.

macro_rules! codes {
    ($($variant:ident = $status:literal $name:literal, $title:literal, $explanation:literal;)*) => {
        /// The public contract: one row a kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// All of them, in the order of their statuses.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The `code`, and the last segment of the `type`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The `title`.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what to do, for the page behind the `type`.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

codes! {
    InvalidRequest = 400 "invalid_request", "Invalid request",
        "The request line, the query, a header or the syntax of the body cannot be understood. Correct it; sending it again will not help.";
    MalformedPrecondition = 400 "malformed_precondition", "Malformed precondition",
        "If-Match and If-None-Match take quoted entity tags, separated by commas, or a lone *. Unquoted digits are read as a tag.";
    InvalidVersion = 400 "invalid_version", "Invalid version",
        "?version= takes one decimal number from 1 to 9223372036854775807, without leading zeros, once.";
    InvalidCursor = 400 "invalid_cursor", "Invalid cursor",
        "A cursor is used as it came in next_cursor, with the same filters and the same order.";
    Unauthenticated = 401 "unauthenticated", "Unauthenticated",
        "The request needs a credential: Authorization: Bearer with an API key or a token. The one sent, if any, is not accepted; why is in the service's log.";
    InsufficientScope = 403 "insufficient_scope", "Insufficient scope",
        "The credential does not allow this; WWW-Authenticate names the scope that does.";
    CrossSite = 403 "cross_site", "Cross-site request",
        "A page of another origin sent this to a service that is open to its own machine alone.";
    NotFound = 404 "not_found", "Not found",
        "There is no such path or no such resource, or it was deleted.";
    MethodNotAllowed = 405 "method_not_allowed", "Method not allowed",
        "The resource does not know this method; Allow lists those it knows.";
    RequestTimeout = 408 "request_timeout", "Request timeout",
        "The body did not arrive in time. Nothing was done.";
    RoomUnavailable = 409 "room_unavailable", "Room unavailable",
        "The room is taken on some night of the stay; conflicts lists the stays in the way and alternatives other rooms of the hotel.";
    RoomClosed = 409 "room_closed", "Room closed",
        "The room takes no new bookings at present.";
    NoRoomAvailable = 409 "no_room_available", "No room available",
        "No room of the hotel is open, large enough, of the kind asked for and free for the whole stay.";
    VersionConflict = 409 "version_conflict", "Version conflict",
        "The version in ?version= is not the current one, which is in current_version and ETag. Read the resource again and decide anew.";
    HoldExpired = 409 "hold_expired", "Hold expired",
        "The hold ran out before the request. Book again if the room is still free.";
    InvalidTransition = 409 "invalid_transition", "Invalid transition",
        "The booking's state does not allow this any more.";
    Duplicate = 409 "duplicate", "Duplicate",
        "The hotel has a room with this number already.";
    ReferenceTaken = 409 "reference_taken", "Reference taken",
        "Another booking of the hotel has this source and this reference; booking_id names it to those who may see it. If it is the reservation you sent before, it was done.";
    HotelInUse = 409 "hotel_in_use", "Hotel in use",
        "The hotel still has rooms. Delete them first.";
    RoomInUse = 409 "room_in_use", "Room in use",
        "Bookings from today on keep the room. Cancel or move them first.";
    IdempotencyInFlight = 409 "idempotency_in_flight", "Request in flight",
        "A request with this Idempotency-Key is still being carried out. Send it again after Retry-After to hear its answer.";
    LockConflict = 409 "lock_conflict", "Lock conflict",
        "Other writers of the room were first at every attempt. Nothing was written; send the request again.";
    PreconditionFailed = 412 "precondition_failed", "Precondition failed",
        "The resource is not in a state that If-Match or If-None-Match allows; current_version and ETag say where it is. Read it again and decide anew.";
    WeakEtag = 412 "weak_etag", "Weak entity tag",
        "If-Match compares strongly (RFC 9110, 13.1.1), so a weak tag never matches. A proxy that compresses may have weakened it.";
    ForeignEtag = 412 "foreign_etag", "Foreign entity tag",
        "A tag of this service is a version in quotes. No tag in If-Match is one, so it can match no version; a proxy may have changed it. Send the tag as it was, or ?version= with the version from the body.";
    PayloadTooLarge = 413 "payload_too_large", "Payload too large",
        "A body has at most 64 KiB.";
    UriTooLong = 414 "uri_too_long", "URI too long",
        "A request target has at most 8 KiB.";
    UnsupportedMediaType = 415 "unsupported_media_type", "Unsupported media type",
        "Bodies are application/json, not compressed; PATCH also takes application/merge-patch+json.";
    MisdirectedRequest = 421 "misdirected_request", "Misdirected request",
        "The service is open to its own machine alone, and Host names another one. Use localhost, or start it with --auth required.";
    ValidationFailed = 422 "validation_failed", "Validation failed",
        "The body is JSON, but not what this operation takes; errors lists each field to correct.";
    CapacityExceeded = 422 "capacity_exceeded", "Capacity exceeded",
        "The room takes fewer guests.";
    IdempotencyMismatch = 422 "idempotency_mismatch", "Idempotency mismatch",
        "This Idempotency-Key was used for another request. A key names one request: method, path, query, body and If-Match.";
    PreconditionRequired = 428 "precondition_required", "Precondition required",
        "An edit must say which version it edits: send If-Match with the ETag you read, or ?version=. If-Match: * edits the version that is there.";
    RateLimited = 429 "rate_limited", "Rate limited",
        "The principal sends more requests than it may, or has too many at work at once. Send the request again after Retry-After.";
    HeadersTooLarge = 431 "headers_too_large", "Headers too large",
        "The header block has at most 16 KiB.";
    Internal = 500 "internal", "Internal error",
        "Something is wrong on our side; the instance names this request in our log. Nothing was written.";
    Unavailable = 503 "unavailable", "Unavailable",
        "The database cannot be reached, or the service is overloaded or stopping, or the deadline passed. Nothing was written; send the request again after Retry-After.";
    OutcomeUnknown = 504 "outcome_unknown", "Outcome unknown",
        "The connection to the database broke, or the deadline passed, while the write was being committed. Send the request again with the same Idempotency-Key to learn its outcome.";
}

impl Code {
    /// Whether the same request may succeed when it is sent again.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::LockConflict
                | Self::IdempotencyInFlight
                | Self::RateLimited
                | Self::Unavailable
                | Self::OutcomeUnknown
        )
    }

    /// The names of all conflicts, which are counted one by one.
    #[must_use]
    pub fn conflicts() -> Vec<&'static str> {
        let conflicts = Self::ALL.iter().filter(|code| code.status() == 409);
        conflicts.map(|code| code.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn codes_are_distinct_and_statuses_are_statuses() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(StatusCode::from_u16(code.status()).is_ok_and(|s| s.as_u16() >= 400));
            assert!(!Code::ALL[..index].iter().any(|other| other.name() == code.name()));
            assert!(code.explanation().ends_with('.'), "{}", code.name());
        }
        assert_eq!(Code::conflicts().len(), 12);
    }
}
