from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="HotelBody")


@_attrs_define
class HotelBody:
    """What a client sets of a hotel.

    Attributes:
        city (str): 1 to 200 characters. Example: Venice.
        name (str): 1 to 200 characters. Example: Rialto.
        country (None | str | Unset): ISO 3166-1 alpha-2, upper case. Example: IT.
        day_ends (None | str | Unset): When the day ends there, `HH:MM` by its clocks, `00:00` (if absent) to `12:00`:
            until then,
            today is the day before. Seconds may follow where they are zero. Example: 04:00.
        time_zone (None | str | Unset): IANA name; `UTC` if absent. Example: Europe/Rome.
    """

    city: str
    name: str
    country: None | str | Unset = UNSET
    day_ends: None | str | Unset = UNSET
    time_zone: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        city = self.city

        name = self.name

        country: None | str | Unset
        if isinstance(self.country, Unset):
            country = UNSET
        else:
            country = self.country

        day_ends: None | str | Unset
        if isinstance(self.day_ends, Unset):
            day_ends = UNSET
        else:
            day_ends = self.day_ends

        time_zone: None | str | Unset
        if isinstance(self.time_zone, Unset):
            time_zone = UNSET
        else:
            time_zone = self.time_zone

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "city": city,
                "name": name,
            }
        )
        if country is not UNSET:
            field_dict["country"] = country
        if day_ends is not UNSET:
            field_dict["day_ends"] = day_ends
        if time_zone is not UNSET:
            field_dict["time_zone"] = time_zone

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

        def _parse_day_ends(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        day_ends = _parse_day_ends(d.pop("day_ends", UNSET))

        def _parse_time_zone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        time_zone = _parse_time_zone(d.pop("time_zone", UNSET))

        hotel_body = cls(
            city=city,
            name=name,
            country=country,
            day_ends=day_ends,
            time_zone=time_zone,
        )

        return hotel_body
