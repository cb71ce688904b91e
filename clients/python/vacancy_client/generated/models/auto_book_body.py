from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.guest import Guest
    from ..models.metadata import Metadata


T = TypeVar("T", bound="AutoBookBody")


@_attrs_define
class AutoBookBody:
    """A stay in any room of a hotel.

    Attributes:
        check_in (datetime.date): The first night: today at the hotel at the earliest, three years ahead at the latest.
        check_out (datetime.date): The day after the last night; at most 365 nights.
        guest (Guest): Who stays.
        guests (int): How many people. Example: 2.
        hold_seconds (int | None | Unset): Hold it for so many seconds instead of confirming it.
        kind (None | str | Unset): Only in rooms of this kind, written exactly so.
        metadata (Metadata | None | Unset):
        reference (None | str | Unset): What the source calls it; at most 100 characters. A hotel has one booking with a
            source and a
            reference. Example: 4711-0815.
        source (None | str | Unset): The channel it comes by: `[a-z0-9._-]{1,40}`. Example: booking.com.
    """

    check_in: datetime.date
    check_out: datetime.date
    guest: Guest
    guests: int
    hold_seconds: int | None | Unset = UNSET
    kind: None | str | Unset = UNSET
    metadata: Metadata | None | Unset = UNSET
    reference: None | str | Unset = UNSET
    source: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.metadata import Metadata

        check_in = self.check_in.isoformat()

        check_out = self.check_out.isoformat()

        guest = self.guest.to_dict()

        guests = self.guests

        hold_seconds: int | None | Unset
        if isinstance(self.hold_seconds, Unset):
            hold_seconds = UNSET
        else:
            hold_seconds = self.hold_seconds

        kind: None | str | Unset
        if isinstance(self.kind, Unset):
            kind = UNSET
        else:
            kind = self.kind

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, Metadata):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        reference: None | str | Unset
        if isinstance(self.reference, Unset):
            reference = UNSET
        else:
            reference = self.reference

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

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
        if kind is not UNSET:
            field_dict["kind"] = kind
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if reference is not UNSET:
            field_dict["reference"] = reference
        if source is not UNSET:
            field_dict["source"] = source

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.guest import Guest
        from ..models.metadata import Metadata

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

        def _parse_kind(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        kind = _parse_kind(d.pop("kind", UNSET))

        def _parse_metadata(data: object) -> Metadata | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = Metadata.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Metadata | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        def _parse_reference(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reference = _parse_reference(d.pop("reference", UNSET))

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        auto_book_body = cls(
            check_in=check_in,
            check_out=check_out,
            guest=guest,
            guests=guests,
            hold_seconds=hold_seconds,
            kind=kind,
            metadata=metadata,
            reference=reference,
            source=source,
        )

        return auto_book_body
