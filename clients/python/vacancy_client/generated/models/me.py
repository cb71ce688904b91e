from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="Me")


@_attrs_define
class Me:
    """What a request may see and do.

    Attributes:
        auth (str): By what it was let in: `key`, `jwt`, `root` or `none`.
        scopes (list[str]): What it may do, with what that includes.
        expires_at (datetime.datetime | Unset): From when on its credential is not accepted.
        hotels (list[UUID] | Unset): The hotels it is limited to; absent: none.
        principal (str | Unset): The name its credential stands for; absent where none is needed.
    """

    auth: str
    scopes: list[str]
    expires_at: datetime.datetime | Unset = UNSET
    hotels: list[UUID] | Unset = UNSET
    principal: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        auth = self.auth

        scopes = self.scopes

        expires_at: str | Unset = UNSET
        if not isinstance(self.expires_at, Unset):
            expires_at = self.expires_at.isoformat()

        hotels: list[str] | Unset = UNSET
        if not isinstance(self.hotels, Unset):
            hotels = []
            for hotels_item_data in self.hotels:
                hotels_item = str(hotels_item_data)
                hotels.append(hotels_item)

        principal = self.principal

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "auth": auth,
                "scopes": scopes,
            }
        )
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if hotels is not UNSET:
            field_dict["hotels"] = hotels
        if principal is not UNSET:
            field_dict["principal"] = principal

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        auth = d.pop("auth")

        scopes = cast(list[str], d.pop("scopes"))

        _expires_at = d.pop("expires_at", UNSET)
        expires_at: datetime.datetime | Unset
        if isinstance(_expires_at, Unset):
            expires_at = UNSET
        else:
            expires_at = datetime.datetime.fromisoformat(_expires_at)

        _hotels = d.pop("hotels", UNSET)
        hotels: list[UUID] | Unset = UNSET
        if _hotels is not UNSET:
            hotels = []
            for hotels_item_data in _hotels:
                hotels_item = UUID(hotels_item_data)

                hotels.append(hotels_item)

        principal = d.pop("principal", UNSET)

        me = cls(
            auth=auth,
            scopes=scopes,
            expires_at=expires_at,
            hotels=hotels,
            principal=principal,
        )

        me.additional_properties = d
        return me

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
