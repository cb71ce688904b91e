from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..models.room_status import RoomStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="RoomReplacement")


@_attrs_define
class RoomReplacement:
    """The whole of what a client sets; what is absent gets its default.

    Attributes:
        capacity (int): How many guests it takes. Example: 2.
        kind (str): Free text, 1 to 200 characters. Example: double.
        number (str): Unique among the hotel's rooms; 1 to 200 characters. Example: 101.
        created_at (datetime.datetime | Unset): When it was created.
        hotel_id (UUID | Unset): Its hotel.
        id (UUID | Unset): UUIDv7.
        nightly_rate (Money | None | Unset):
        status (RoomStatus | Unset): Whether a room takes new bookings.
        times_booked (int | Unset): How many of its bookings are confirmed.
        updated_at (datetime.datetime | Unset): When this version came to be.
        version (int | Unset): Counts every write to it and to its bookings, from 1.
    """

    capacity: int
    kind: str
    number: str
    created_at: datetime.datetime | Unset = UNSET
    hotel_id: UUID | Unset = UNSET
    id: UUID | Unset = UNSET
    nightly_rate: Money | None | Unset = UNSET
    status: RoomStatus | Unset = UNSET
    times_booked: int | Unset = UNSET
    updated_at: datetime.datetime | Unset = UNSET
    version: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money

        capacity = self.capacity

        kind = self.kind

        number = self.number

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        hotel_id: str | Unset = UNSET
        if not isinstance(self.hotel_id, Unset):
            hotel_id = str(self.hotel_id)

        id: str | Unset = UNSET
        if not isinstance(self.id, Unset):
            id = str(self.id)

        nightly_rate: dict[str, Any] | None | Unset
        if isinstance(self.nightly_rate, Unset):
            nightly_rate = UNSET
        elif isinstance(self.nightly_rate, Money):
            nightly_rate = self.nightly_rate.to_dict()
        else:
            nightly_rate = self.nightly_rate

        status: str | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.value

        times_booked = self.times_booked

        updated_at: str | Unset = UNSET
        if not isinstance(self.updated_at, Unset):
            updated_at = self.updated_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "capacity": capacity,
                "kind": kind,
                "number": number,
            }
        )
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if hotel_id is not UNSET:
            field_dict["hotel_id"] = hotel_id
        if id is not UNSET:
            field_dict["id"] = id
        if nightly_rate is not UNSET:
            field_dict["nightly_rate"] = nightly_rate
        if status is not UNSET:
            field_dict["status"] = status
        if times_booked is not UNSET:
            field_dict["times_booked"] = times_booked
        if updated_at is not UNSET:
            field_dict["updated_at"] = updated_at
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.money import Money

        d = dict(src_dict)
        capacity = d.pop("capacity")

        kind = d.pop("kind")

        number = d.pop("number")

        _created_at = d.pop("created_at", UNSET)
        created_at: datetime.datetime | Unset
        if isinstance(_created_at, Unset):
            created_at = UNSET
        else:
            created_at = datetime.datetime.fromisoformat(_created_at)

        _hotel_id = d.pop("hotel_id", UNSET)
        hotel_id: UUID | Unset
        if isinstance(_hotel_id, Unset):
            hotel_id = UNSET
        else:
            hotel_id = UUID(_hotel_id)

        _id = d.pop("id", UNSET)
        id: UUID | Unset
        if isinstance(_id, Unset):
            id = UNSET
        else:
            id = UUID(_id)

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

        _status = d.pop("status", UNSET)
        status: RoomStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = RoomStatus(_status)

        times_booked = d.pop("times_booked", UNSET)

        _updated_at = d.pop("updated_at", UNSET)
        updated_at: datetime.datetime | Unset
        if isinstance(_updated_at, Unset):
            updated_at = UNSET
        else:
            updated_at = datetime.datetime.fromisoformat(_updated_at)

        version = d.pop("version", UNSET)

        room_replacement = cls(
            capacity=capacity,
            kind=kind,
            number=number,
            created_at=created_at,
            hotel_id=hotel_id,
            id=id,
            nightly_rate=nightly_rate,
            status=status,
            times_booked=times_booked,
            updated_at=updated_at,
            version=version,
        )

        return room_replacement
