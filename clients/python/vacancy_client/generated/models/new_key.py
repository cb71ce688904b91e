from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="NewKey")


@_attrs_define
class NewKey:
    """A new key.

    Attributes:
        created_at (datetime.datetime): When it was made.
        created_by (str): The principal that made it.
        id (str): The public half of the key's text.
        name (str): What it is for.
        principal (str): The name it stands for: its bookings belong to it, and so do those of its other keys.
        scopes (list[str]): What it may do, with what that includes.
        expires_at (datetime.datetime | Unset): From when on it is not accepted.
        hotels (list[UUID] | Unset): The hotels it is limited to.
        last_used_at (datetime.datetime | Unset): When it was used last, to the minute.
        revoked_at (datetime.datetime | Unset): Since when it is not accepted.
        key (None | str | Unset): The key itself, this once; null when the request is repeated.
    """

    created_at: datetime.datetime
    created_by: str
    id: str
    name: str
    principal: str
    scopes: list[str]
    expires_at: datetime.datetime | Unset = UNSET
    hotels: list[UUID] | Unset = UNSET
    last_used_at: datetime.datetime | Unset = UNSET
    revoked_at: datetime.datetime | Unset = UNSET
    key: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created_at = self.created_at.isoformat()

        created_by = self.created_by

        id = self.id

        name = self.name

        principal = self.principal

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

        last_used_at: str | Unset = UNSET
        if not isinstance(self.last_used_at, Unset):
            last_used_at = self.last_used_at.isoformat()

        revoked_at: str | Unset = UNSET
        if not isinstance(self.revoked_at, Unset):
            revoked_at = self.revoked_at.isoformat()

        key: None | str | Unset
        if isinstance(self.key, Unset):
            key = UNSET
        else:
            key = self.key

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created_at": created_at,
                "created_by": created_by,
                "id": id,
                "name": name,
                "principal": principal,
                "scopes": scopes,
            }
        )
        if expires_at is not UNSET:
            field_dict["expires_at"] = expires_at
        if hotels is not UNSET:
            field_dict["hotels"] = hotels
        if last_used_at is not UNSET:
            field_dict["last_used_at"] = last_used_at
        if revoked_at is not UNSET:
            field_dict["revoked_at"] = revoked_at
        if key is not UNSET:
            field_dict["key"] = key

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        created_by = d.pop("created_by")

        id = d.pop("id")

        name = d.pop("name")

        principal = d.pop("principal")

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

        _last_used_at = d.pop("last_used_at", UNSET)
        last_used_at: datetime.datetime | Unset
        if isinstance(_last_used_at, Unset):
            last_used_at = UNSET
        else:
            last_used_at = datetime.datetime.fromisoformat(_last_used_at)

        _revoked_at = d.pop("revoked_at", UNSET)
        revoked_at: datetime.datetime | Unset
        if isinstance(_revoked_at, Unset):
            revoked_at = UNSET
        else:
            revoked_at = datetime.datetime.fromisoformat(_revoked_at)

        def _parse_key(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        key = _parse_key(d.pop("key", UNSET))

        new_key = cls(
            created_at=created_at,
            created_by=created_by,
            id=id,
            name=name,
            principal=principal,
            scopes=scopes,
            expires_at=expires_at,
            hotels=hotels,
            last_used_at=last_used_at,
            revoked_at=revoked_at,
            key=key,
        )

        new_key.additional_properties = d
        return new_key

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
