from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Stay")


@_attrs_define
class Stay:
    """A range of nights: arrival and departure.

    Attributes:
        check_in (datetime.date): The first night.
        check_out (datetime.date): The day after the last night.
    """

    check_in: datetime.date
    check_out: datetime.date
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        check_in = self.check_in.isoformat()

        check_out = self.check_out.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "check_in": check_in,
                "check_out": check_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        check_in = datetime.date.fromisoformat(d.pop("check_in"))

        check_out = datetime.date.fromisoformat(d.pop("check_out"))

        stay = cls(
            check_in=check_in,
            check_out=check_out,
        )

        stay.additional_properties = d
        return stay

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
