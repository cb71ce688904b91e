from enum import StrEnum


class RoomSort(StrEnum):
    NIGHTLY_RATE = "nightly_rate"
    NUMBER = "number"
    TIMES_BOOKED = "times_booked"

    def __str__(self) -> str:
        return str(self.value)
