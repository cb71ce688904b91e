from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="KeyBody")


@_attrs_define
class KeyBody:
    """A new key.

    Attributes:
        name (str): What it is for: 1 to 200 characters. Example: the website.
        scopes (list[str]): What it may do: of `read`, `book`, `desk`, `admin`, `metrics`. Example: ['book'].
        expires_in_seconds (int | None | Unset): For how many seconds it is accepted; absent: until it is revoked.
        hotels (list[UUID] | None | Unset): The hotels it is limited to: 1 to 1,000 ids; absent: none.
        principal (None | str | Unset): The name it stands for: lower-case letters, digits and `._@-`; absent: a name of
            its own. Keys
            that share one share their bookings and their idempotency keys. Example: website.
    """

    name: str
    scopes: list[str]
    expires_in_seconds: int | None | Unset = UNSET
    hotels: list[UUID] | None | Unset = UNSET
    principal: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        scopes = self.scopes

        expires_in_seconds: int | None | Unset
        if isinstance(self.expires_in_seconds, Unset):
            expires_in_seconds = UNSET
        else:
            expires_in_seconds = self.expires_in_seconds

        hotels: list[str] | None | Unset
        if isinstance(self.hotels, Unset):
            hotels = UNSET
        elif isinstance(self.hotels, list):
            hotels = []
            for hotels_type_0_item_data in self.hotels:
                hotels_type_0_item = str(hotels_type_0_item_data)
                hotels.append(hotels_type_0_item)

        else:
            hotels = self.hotels

        principal: None | str | Unset
        if isinstance(self.principal, Unset):
            principal = UNSET
        else:
            principal = self.principal

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "scopes": scopes,
            }
        )
        if expires_in_seconds is not UNSET:
            field_dict["expires_in_seconds"] = expires_in_seconds
        if hotels is not UNSET:
            field_dict["hotels"] = hotels
        if principal is not UNSET:
            field_dict["principal"] = principal

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        scopes = cast(list[str], d.pop("scopes"))

        def _parse_expires_in_seconds(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        expires_in_seconds = _parse_expires_in_seconds(
            d.pop("expires_in_seconds", UNSET)
        )

        def _parse_hotels(data: object) -> list[UUID] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                hotels_type_0 = []
                _hotels_type_0 = data
                for hotels_type_0_item_data in _hotels_type_0:
                    hotels_type_0_item = UUID(hotels_type_0_item_data)

                    hotels_type_0.append(hotels_type_0_item)

                return hotels_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[UUID] | None | Unset, data)

        hotels = _parse_hotels(d.pop("hotels", UNSET))

        def _parse_principal(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        principal = _parse_principal(d.pop("principal", UNSET))

        key_body = cls(
            name=name,
            scopes=scopes,
            expires_in_seconds=expires_in_seconds,
            hotels=hotels,
            principal=principal,
        )

        return key_body
