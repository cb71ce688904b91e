from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.room_status import RoomStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="RoomBody")


@_attrs_define
class RoomBody:
    """What a client sets of a room.

    Attributes:
        capacity (int): How many guests it takes. Example: 2.
        kind (str): Free text, 1 to 200 characters. Example: double.
        number (str): Unique among the hotel's rooms; 1 to 200 characters. Example: 101.
        nightly_rate (Money | None | Unset):
        status (None | RoomStatus | Unset):
    """

    capacity: int
    kind: str
    number: str
    nightly_rate: Money | None | Unset = UNSET
    status: None | RoomStatus | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money

        capacity = self.capacity

        kind = self.kind

        number = self.number

        nightly_rate: dict[str, Any] | None | Unset
        if isinstance(self.nightly_rate, Unset):
            nightly_rate = UNSET
        elif isinstance(self.nightly_rate, Money):
            nightly_rate = self.nightly_rate.to_dict()
        else:
            nightly_rate = self.nightly_rate

        status: None | str | Unset
        if isinstance(self.status, Unset):
            status = UNSET
        elif isinstance(self.status, RoomStatus):
            status = self.status.value
        else:
            status = self.status

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "capacity": capacity,
                "kind": kind,
                "number": number,
            }
        )
        if nightly_rate is not UNSET:
            field_dict["nightly_rate"] = nightly_rate
        if status is not UNSET:
            field_dict["status"] = status

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.money import Money

        d = dict(src_dict)
        capacity = d.pop("capacity")

        kind = d.pop("kind")

        number = d.pop("number")

        def _parse_nightly_rate(data: object) -> Money | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nightly_rate_type_0 = Money.from_dict(data)

                return nightly_rate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None | Unset, data)

        nightly_rate = _parse_nightly_rate(d.pop("nightly_rate", UNSET))

        def _parse_status(data: object) -> None | RoomStatus | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                status_type_0 = RoomStatus(data)

                return status_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RoomStatus | Unset, data)

        status = _parse_status(d.pop("status", UNSET))

        room_body = cls(
            capacity=capacity,
            kind=kind,
            number=number,
            nightly_rate=nightly_rate,
            status=status,
        )

        return room_body
