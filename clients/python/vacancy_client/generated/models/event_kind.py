from enum import StrEnum


class EventKind(StrEnum):
    BOOKED = "booked"
    BOOKING_EDITED = "booking_edited"
    CANCELLED = "cancelled"
    CONFIRMED = "confirmed"
    ERASED = "erased"
    EXPIRED = "expired"
    HELD = "held"
    HOLD_PROLONGED = "hold_prolonged"
    MOVED_IN = "moved_in"
    MOVED_OUT = "moved_out"
    RESCHEDULED = "rescheduled"
    ROOM_CREATED = "room_created"
    ROOM_DELETED = "room_deleted"
    ROOM_EDITED = "room_edited"
    STAYED = "stayed"

    def __str__(self) -> str:
        return str(self.value)
