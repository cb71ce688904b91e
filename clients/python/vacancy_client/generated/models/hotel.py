from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Hotel")


@_attrs_define
class Hotel:
    """A hotel.

    Example:
        {'city': 'Venice', 'country': 'IT', 'created_at': '2026-11-22T01:38:11.520000Z', 'day_ends': '00:00', 'id':
            '01a200e7-597c-77e1-a16a-1569e3de7611', 'name': 'Rialto', 'time_zone': 'Europe/Rome', 'updated_at':
            '2026-11-22T01:38:11.520000Z', 'version': 1}

    Attributes:
        city (str): Where it is.
        created_at (datetime.datetime): When it was created.
        day_ends (str): When the day ends there, by its clocks: until then, today is the day before. Example: 04:00.
        id (UUID): UUIDv7.
        name (str): What guests call it.
        time_zone (str): IANA name; decides what day it is there.
        updated_at (datetime.datetime): When this version came to be.
        version (int): Counts its edits, from 1.
        country (str | Unset): ISO 3166-1 alpha-2.
    """

    city: str
    created_at: datetime.datetime
    day_ends: str
    id: UUID
    name: str
    time_zone: str
    updated_at: datetime.datetime
    version: int
    country: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        city = self.city

        created_at = self.created_at.isoformat()

        day_ends = self.day_ends

        id = str(self.id)

        name = self.name

        time_zone = self.time_zone

        updated_at = self.updated_at.isoformat()

        version = self.version

        country = self.country

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "city": city,
                "created_at": created_at,
                "day_ends": day_ends,
                "id": id,
                "name": name,
                "time_zone": time_zone,
                "updated_at": updated_at,
                "version": version,
            }
        )
        if country is not UNSET:
            field_dict["country"] = country

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        city = d.pop("city")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        day_ends = d.pop("day_ends")

        id = UUID(d.pop("id"))

        name = d.pop("name")

        time_zone = d.pop("time_zone")

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        version = d.pop("version")

        country = d.pop("country", UNSET)

        hotel = cls(
            city=city,
            created_at=created_at,
            day_ends=day_ends,
            id=id,
            name=name,
            time_zone=time_zone,
            updated_at=updated_at,
            version=version,
            country=country,
        )

        hotel.additional_properties = d
        return hotel

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
