from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.stay import Stay


T = TypeVar("T", bound="Availability")


@_attrs_define
class Availability:
    """When a room can be had.

    Attributes:
        free (list[Stay]): The maximal runs of free nights.
        from_ (datetime.date): The first night asked about.
        room_id (UUID): The room.
        room_version (int): Its version at that moment: send it as `If-Match` to book only if nothing happened since.
        to (datetime.date): The day after the last night asked about.
    """

    free: list[Stay]
    from_: datetime.date
    room_id: UUID
    room_version: int
    to: datetime.date
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        free = []
        for free_item_data in self.free:
            free_item = free_item_data.to_dict()
            free.append(free_item)

        from_ = self.from_.isoformat()

        room_id = str(self.room_id)

        room_version = self.room_version

        to = self.to.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "free": free,
                "from": from_,
                "room_id": room_id,
                "room_version": room_version,
                "to": to,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.stay import Stay

        d = dict(src_dict)
        free = []
        _free = d.pop("free")
        for free_item_data in _free:
            free_item = Stay.from_dict(free_item_data)

            free.append(free_item)

        from_ = datetime.date.fromisoformat(d.pop("from"))

        room_id = UUID(d.pop("room_id"))

        room_version = d.pop("room_version")

        to = datetime.date.fromisoformat(d.pop("to"))

        availability = cls(
            free=free,
            from_=from_,
            room_id=room_id,
            room_version=room_version,
            to=to,
        )

        availability.additional_properties = d
        return availability

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
