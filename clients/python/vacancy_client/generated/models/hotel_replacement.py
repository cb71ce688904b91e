from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="HotelReplacement")


@_attrs_define
class HotelReplacement:
    """The whole of what a client sets; what is absent gets its default.

    Attributes:
        city (str): 1 to 200 characters. Example: Venice.
        name (str): 1 to 200 characters. Example: Rialto.
        country (None | str | Unset): ISO 3166-1 alpha-2, upper case. Example: IT.
        created_at (datetime.datetime | Unset): When it was created.
        day_ends (None | str | Unset): When the day ends there, `HH:MM` by its clocks, `00:00` (if absent) to `12:00`:
            until then,
            today is the day before. Seconds may follow where they are zero. Example: 04:00.
        id (UUID | Unset): UUIDv7.
        time_zone (None | str | Unset): IANA name; `UTC` if absent. Example: Europe/Rome.
        updated_at (datetime.datetime | Unset): When this version came to be.
        version (int | Unset): Counts its edits, from 1.
    """

    city: str
    name: str
    country: None | str | Unset = UNSET
    created_at: datetime.datetime | Unset = UNSET
    day_ends: None | str | Unset = UNSET
    id: UUID | Unset = UNSET
    time_zone: None | str | Unset = UNSET
    updated_at: datetime.datetime | Unset = UNSET
    version: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        city = self.city

        name = self.name

        country: None | str | Unset
        if isinstance(self.country, Unset):
            country = UNSET
        else:
            country = self.country

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        day_ends: None | str | Unset
        if isinstance(self.day_ends, Unset):
            day_ends = UNSET
        else:
            day_ends = self.day_ends

        id: str | Unset = UNSET
        if not isinstance(self.id, Unset):
            id = str(self.id)

        time_zone: None | str | Unset
        if isinstance(self.time_zone, Unset):
            time_zone = UNSET
        else:
            time_zone = self.time_zone

        updated_at: str | Unset = UNSET
        if not isinstance(self.updated_at, Unset):
            updated_at = self.updated_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "city": city,
                "name": name,
            }
        )
        if country is not UNSET:
            field_dict["country"] = country
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if day_ends is not UNSET:
            field_dict["day_ends"] = day_ends
        if id is not UNSET:
            field_dict["id"] = id
        if time_zone is not UNSET:
            field_dict["time_zone"] = time_zone
        if updated_at is not UNSET:
            field_dict["updated_at"] = updated_at
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        city = d.pop("city")

        name = d.pop("name")

        def _parse_country(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        country = _parse_country(d.pop("country", UNSET))

        _created_at = d.pop("created_at", UNSET)
        created_at: datetime.datetime | Unset
        if isinstance(_created_at, Unset):
            created_at = UNSET
        else:
            created_at = datetime.datetime.fromisoformat(_created_at)

        def _parse_day_ends(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        day_ends = _parse_day_ends(d.pop("day_ends", UNSET))

        _id = d.pop("id", UNSET)
        id: UUID | Unset
        if isinstance(_id, Unset):
            id = UNSET
        else:
            id = UUID(_id)

        def _parse_time_zone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        time_zone = _parse_time_zone(d.pop("time_zone", UNSET))

        _updated_at = d.pop("updated_at", UNSET)
        updated_at: datetime.datetime | Unset
        if isinstance(_updated_at, Unset):
            updated_at = UNSET
        else:
            updated_at = datetime.datetime.fromisoformat(_updated_at)

        version = d.pop("version", UNSET)

        hotel_replacement = cls(
            city=city,
            name=name,
            country=country,
            created_at=created_at,
            day_ends=day_ends,
            id=id,
            time_zone=time_zone,
            updated_at=updated_at,
            version=version,
        )

        return hotel_replacement
