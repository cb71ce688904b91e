from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Guest")


@_attrs_define
class Guest:
    """Who stays.

    Attributes:
        name (str): 1 to 200 characters. Example: Ada Lovelace.
        email (str | Unset): One `@` inside, at most 254 bytes. Example: ada@example.org.
    """

    name: str
    email: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        email = self.email

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if email is not UNSET:
            field_dict["email"] = email

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        email = d.pop("email", UNSET)

        guest = cls(
            name=name,
            email=email,
        )

        return guest
