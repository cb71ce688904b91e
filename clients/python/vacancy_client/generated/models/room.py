from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.room_status import RoomStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="Room")


@_attrs_define
class Room:
    """A room. Everything here is a column of its own row, so its tag is true.

    Example:
        {'capacity': 2, 'created_at': '2026-11-22T01:38:11.520000Z', 'hotel_id': '01a200e7-597c-77e1-a16a-1569e3de7611',
            'id': '01a200e7-599d-7400-bd6e-008944829d53', 'kind': 'double', 'nightly_rate': {'amount': 12900, 'currency':
            'EUR'}, 'number': '104', 'status': 'open', 'times_booked': 0, 'updated_at': '2026-11-22T01:38:11.520000Z',
            'version': 1}

    Attributes:
        capacity (int): How many guests it takes.
        created_at (datetime.datetime): When it was created.
        hotel_id (UUID): Its hotel.
        id (UUID): UUIDv7.
        kind (str): Free text.
        number (str): The number on the door.
        status (RoomStatus): Whether a room takes new bookings.
        times_booked (int): How many of its bookings are confirmed.
        updated_at (datetime.datetime): When this version came to be.
        version (int): Counts every write to it and to its bookings, from 1.
        nightly_rate (Money | Unset): An amount in minor units of a currency.
    """

    capacity: int
    created_at: datetime.datetime
    hotel_id: UUID
    id: UUID
    kind: str
    number: str
    status: RoomStatus
    times_booked: int
    updated_at: datetime.datetime
    version: int
    nightly_rate: Money | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        capacity = self.capacity

        created_at = self.created_at.isoformat()

        hotel_id = str(self.hotel_id)

        id = str(self.id)

        kind = self.kind

        number = self.number

        status = self.status.value

        times_booked = self.times_booked

        updated_at = self.updated_at.isoformat()

        version = self.version

        nightly_rate: dict[str, Any] | Unset = UNSET
        if not isinstance(self.nightly_rate, Unset):
            nightly_rate = self.nightly_rate.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "capacity": capacity,
                "created_at": created_at,
                "hotel_id": hotel_id,
                "id": id,
                "kind": kind,
                "number": number,
                "status": status,
                "times_booked": times_booked,
                "updated_at": updated_at,
                "version": version,
            }
        )
        if nightly_rate is not UNSET:
            field_dict["nightly_rate"] = nightly_rate

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.money import Money

        d = dict(src_dict)
        capacity = d.pop("capacity")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        hotel_id = UUID(d.pop("hotel_id"))

        id = UUID(d.pop("id"))

        kind = d.pop("kind")

        number = d.pop("number")

        status = RoomStatus(d.pop("status"))

        times_booked = d.pop("times_booked")

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        version = d.pop("version")

        _nightly_rate = d.pop("nightly_rate", UNSET)
        nightly_rate: Money | Unset
        if isinstance(_nightly_rate, Unset):
            nightly_rate = UNSET
        else:
            nightly_rate = Money.from_dict(_nightly_rate)

        room = cls(
            capacity=capacity,
            created_at=created_at,
            hotel_id=hotel_id,
            id=id,
            kind=kind,
            number=number,
            status=status,
            times_booked=times_booked,
            updated_at=updated_at,
            version=version,
            nightly_rate=nightly_rate,
        )

        room.additional_properties = d
        return room

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
