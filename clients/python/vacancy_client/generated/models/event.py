from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_kind import EventKind
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event_data import EventData


T = TypeVar("T", bound="Event")


@_attrs_define
class Event:
    """One event of a room's history.

    Attributes:
        at (datetime.datetime): When.
        data (EventData): The particulars, among them the `request_id`, which is shown to those who see all bookings.
        kind (EventKind): What happened to a room.
        version (int): The room's version that it produced.
        actor (str | Unset): The principal that did it; shown to those who see all bookings.
        booking_id (UUID | Unset): To which booking.
    """

    at: datetime.datetime
    data: EventData
    kind: EventKind
    version: int
    actor: str | Unset = UNSET
    booking_id: UUID | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        at = self.at.isoformat()

        data = self.data.to_dict()

        kind = self.kind.value

        version = self.version

        actor = self.actor

        booking_id: str | Unset = UNSET
        if not isinstance(self.booking_id, Unset):
            booking_id = str(self.booking_id)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "at": at,
                "data": data,
                "kind": kind,
                "version": version,
            }
        )
        if actor is not UNSET:
            field_dict["actor"] = actor
        if booking_id is not UNSET:
            field_dict["booking_id"] = booking_id

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.event_data import EventData

        d = dict(src_dict)
        at = datetime.datetime.fromisoformat(d.pop("at"))

        data = EventData.from_dict(d.pop("data"))

        kind = EventKind(d.pop("kind"))

        version = d.pop("version")

        actor = d.pop("actor", UNSET)

        _booking_id = d.pop("booking_id", UNSET)
        booking_id: UUID | Unset
        if isinstance(_booking_id, Unset):
            booking_id = UNSET
        else:
            booking_id = UUID(_booking_id)

        event = cls(
            at=at,
            data=data,
            kind=kind,
            version=version,
            actor=actor,
            booking_id=booking_id,
        )

        event.additional_properties = d
        return event

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
