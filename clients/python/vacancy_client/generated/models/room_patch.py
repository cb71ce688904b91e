from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..models.room_status import RoomStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.money_patch import MoneyPatch


T = TypeVar("T", bound="RoomPatch")


@_attrs_define
class RoomPatch:
    """What shall be different; `null` removes (RFC 7396).

    Attributes:
        capacity (int | Unset): How many guests it takes. Example: 2.
        created_at (datetime.datetime | Unset): When it was created.
        hotel_id (UUID | Unset): Its hotel.
        id (UUID | Unset): UUIDv7.
        kind (str | Unset): Free text, 1 to 200 characters. Example: double.
        nightly_rate (MoneyPatch | None | Unset):
        number (str | Unset): Unique among the hotel's rooms; 1 to 200 characters. Example: 101.
        status (RoomStatus | Unset): Whether a room takes new bookings.
        times_booked (int | Unset): How many of its bookings are confirmed.
        updated_at (datetime.datetime | Unset): When this version came to be.
        version (int | Unset): Counts every write to it and to its bookings, from 1.
    """

    capacity: int | Unset = UNSET
    created_at: datetime.datetime | Unset = UNSET
    hotel_id: UUID | Unset = UNSET
    id: UUID | Unset = UNSET
    kind: str | Unset = UNSET
    nightly_rate: MoneyPatch | None | Unset = UNSET
    number: str | Unset = UNSET
    status: RoomStatus | Unset = UNSET
    times_booked: int | Unset = UNSET
    updated_at: datetime.datetime | Unset = UNSET
    version: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.money_patch import MoneyPatch

        capacity = self.capacity

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        hotel_id: str | Unset = UNSET
        if not isinstance(self.hotel_id, Unset):
            hotel_id = str(self.hotel_id)

        id: str | Unset = UNSET
        if not isinstance(self.id, Unset):
            id = str(self.id)

        kind = self.kind

        nightly_rate: dict[str, Any] | None | Unset
        if isinstance(self.nightly_rate, Unset):
            nightly_rate = UNSET
        elif isinstance(self.nightly_rate, MoneyPatch):
            nightly_rate = self.nightly_rate.to_dict()
        else:
            nightly_rate = self.nightly_rate

        number = self.number

        status: str | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.value

        times_booked = self.times_booked

        updated_at: str | Unset = UNSET
        if not isinstance(self.updated_at, Unset):
            updated_at = self.updated_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if capacity is not UNSET:
            field_dict["capacity"] = capacity
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if hotel_id is not UNSET:
            field_dict["hotel_id"] = hotel_id
        if id is not UNSET:
            field_dict["id"] = id
        if kind is not UNSET:
            field_dict["kind"] = kind
        if nightly_rate is not UNSET:
            field_dict["nightly_rate"] = nightly_rate
        if number is not UNSET:
            field_dict["number"] = number
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
        from ..models.money_patch import MoneyPatch

        d = dict(src_dict)
        capacity = d.pop("capacity", UNSET)

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

        kind = d.pop("kind", UNSET)

        def _parse_nightly_rate(data: object) -> MoneyPatch | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                nightly_rate_type_0 = MoneyPatch.from_dict(data)

                return nightly_rate_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MoneyPatch | None | Unset, data)

        nightly_rate = _parse_nightly_rate(d.pop("nightly_rate", UNSET))

        number = d.pop("number", UNSET)

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

        room_patch = cls(
            capacity=capacity,
            created_at=created_at,
            hotel_id=hotel_id,
            id=id,
            kind=kind,
            nightly_rate=nightly_rate,
            number=number,
            status=status,
            times_booked=times_booked,
            updated_at=updated_at,
            version=version,
        )

        return room_patch
