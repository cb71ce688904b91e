from enum import StrEnum


class ProblemCode(StrEnum):
    CAPACITY_EXCEEDED = "capacity_exceeded"
    DUPLICATE = "duplicate"
    FOREIGN_ETAG = "foreign_etag"
    HEADERS_TOO_LARGE = "headers_too_large"
    HOLD_EXPIRED = "hold_expired"
    HOTEL_IN_USE = "hotel_in_use"
    IDEMPOTENCY_IN_FLIGHT = "idempotency_in_flight"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    INTERNAL = "internal"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_REQUEST = "invalid_request"
    INVALID_TRANSITION = "invalid_transition"
    INVALID_VERSION = "invalid_version"
    LOCK_CONFLICT = "lock_conflict"
    MALFORMED_PRECONDITION = "malformed_precondition"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_FOUND = "not_found"
    NO_ROOM_AVAILABLE = "no_room_available"
    OUTCOME_UNKNOWN = "outcome_unknown"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    REQUEST_TIMEOUT = "request_timeout"
    ROOM_CLOSED = "room_closed"
    ROOM_IN_USE = "room_in_use"
    ROOM_UNAVAILABLE = "room_unavailable"
    UNAVAILABLE = "unavailable"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    URI_TOO_LONG = "uri_too_long"
    VALIDATION_FAILED = "validation_failed"
    VERSION_CONFLICT = "version_conflict"
    WEAK_ETAG = "weak_etag"

    def __str__(self) -> str:
        return str(self.value)
