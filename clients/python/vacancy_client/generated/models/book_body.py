from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.guest import Guest


T = TypeVar("T", bound="BookBody")


@_attrs_define
class BookBody:
    """A stay in a room.

    Attributes:
        check_in (datetime.date): The first night: today at the hotel at the earliest, three years ahead at the latest.
        check_out (datetime.date): The day after the last night; at most 365 nights.
        guest (Guest): Who stays.
        guests (int): How many people. Example: 2.
        hold_seconds (int | None | Unset): Hold it for so many seconds instead of confirming it.
    """

    check_in: datetime.date
    check_out: datetime.date
    guest: Guest
    guests: int
    hold_seconds: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        check_in = self.check_in.isoformat()

        check_out = self.check_out.isoformat()

        guest = self.guest.to_dict()

        guests = self.guests

        hold_seconds: int | None | Unset
        if isinstance(self.hold_seconds, Unset):
            hold_seconds = UNSET
        else:
            hold_seconds = self.hold_seconds

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "check_in": check_in,
                "check_out": check_out,
                "guest": guest,
                "guests": guests,
            }
        )
        if hold_seconds is not UNSET:
            field_dict["hold_seconds"] = hold_seconds

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.guest import Guest

        d = dict(src_dict)
        check_in = datetime.date.fromisoformat(d.pop("check_in"))

        check_out = datetime.date.fromisoformat(d.pop("check_out"))

        guest = Guest.from_dict(d.pop("guest"))

        guests = d.pop("guests")

        def _parse_hold_seconds(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        hold_seconds = _parse_hold_seconds(d.pop("hold_seconds", UNSET))

        book_body = cls(
            check_in=check_in,
            check_out=check_out,
            guest=guest,
            guests=guests,
            hold_seconds=hold_seconds,
        )

        return book_body
