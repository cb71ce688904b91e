from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..models.booking_status import BookingStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.guest_patch import GuestPatch
    from ..models.metadata_patch import MetadataPatch
    from ..models.money import Money


T = TypeVar("T", bound="BookingPatch")


@_attrs_define
class BookingPatch:
    """What shall be different; `null` removes (RFC 7396).

    Attributes:
        attempts (int | Unset): At which attempt this write succeeded; only in answers to writes.
        check_in (datetime.date | Unset): The first night.
        check_out (datetime.date | Unset): The day after the last night.
        continued_by (UUID | Unset): The booking under which the stay went on in another room. This one holds the nights
            slept
            until then: they and their room stay as they are.
        continues (UUID | Unset): The booking of the nights slept before in another room, when a guest in the house
            changed
            rooms.
        created_at (datetime.datetime | Unset): When it was made.
        guest (GuestPatch | Unset): Who stays.
        guests (int | Unset): How many people. Example: 2.
        hold_expires_at (datetime.datetime | Unset): When the hold runs out.
        hold_seconds (int | None | Unset): A hold shall run at least so many seconds from now on.
        hotel_id (UUID | Unset): That room's hotel.
        id (UUID | Unset): UUIDv7; a move keeps it, also that of a guest in the house.
        made_by (str | Unset): The principal that made it; shown to those who see all bookings.
        metadata (MetadataPatch | None | Unset):
        nights (int | Unset): How many nights.
        reference (None | str | Unset): What the source calls it; at most 100 characters.
        reprice (bool | None | Unset): Whether other nights, or another room, cost what they cost now (if absent), or
            `false`: what
            was agreed for a night.
        room_id (UUID | Unset): The room.
        room_version (int | Unset): The room's version that its last write produced.
        source (None | str | Unset): The channel it came by: `[a-z0-9._-]{1,40}`.
        status (BookingStatus | Unset): Where a booking stands.
        total (Money | Unset): An amount in minor units of a currency.
        updated_at (datetime.datetime | Unset): When this version came to be.
        version (int | Unset): Counts its own writes, from 1.
    """

    attempts: int | Unset = UNSET
    check_in: datetime.date | Unset = UNSET
    check_out: datetime.date | Unset = UNSET
    continued_by: UUID | Unset = UNSET
    continues: UUID | Unset = UNSET
    created_at: datetime.datetime | Unset = UNSET
    guest: GuestPatch | Unset = UNSET
    guests: int | Unset = UNSET
    hold_expires_at: datetime.datetime | Unset = UNSET
    hold_seconds: int | None | Unset = UNSET
    hotel_id: UUID | Unset = UNSET
    id: UUID | Unset = UNSET
    made_by: str | Unset = UNSET
    metadata: MetadataPatch | None | Unset = UNSET
    nights: int | Unset = UNSET
    reference: None | str | Unset = UNSET
    reprice: bool | None | Unset = UNSET
    room_id: UUID | Unset = UNSET
    room_version: int | Unset = UNSET
    source: None | str | Unset = UNSET
    status: BookingStatus | Unset = UNSET
    total: Money | Unset = UNSET
    updated_at: datetime.datetime | Unset = UNSET
    version: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.metadata_patch import MetadataPatch

        attempts = self.attempts

        check_in: str | Unset = UNSET
        if not isinstance(self.check_in, Unset):
            check_in = self.check_in.isoformat()

        check_out: str | Unset = UNSET
        if not isinstance(self.check_out, Unset):
            check_out = self.check_out.isoformat()

        continued_by: str | Unset = UNSET
        if not isinstance(self.continued_by, Unset):
            continued_by = str(self.continued_by)

        continues: str | Unset = UNSET
        if not isinstance(self.continues, Unset):
            continues = str(self.continues)

        created_at: str | Unset = UNSET
        if not isinstance(self.created_at, Unset):
            created_at = self.created_at.isoformat()

        guest: dict[str, Any] | Unset = UNSET
        if not isinstance(self.guest, Unset):
            guest = self.guest.to_dict()

        guests = self.guests

        hold_expires_at: str | Unset = UNSET
        if not isinstance(self.hold_expires_at, Unset):
            hold_expires_at = self.hold_expires_at.isoformat()

        hold_seconds: int | None | Unset
        if isinstance(self.hold_seconds, Unset):
            hold_seconds = UNSET
        else:
            hold_seconds = self.hold_seconds

        hotel_id: str | Unset = UNSET
        if not isinstance(self.hotel_id, Unset):
            hotel_id = str(self.hotel_id)

        id: str | Unset = UNSET
        if not isinstance(self.id, Unset):
            id = str(self.id)

        made_by = self.made_by

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, MetadataPatch):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        nights = self.nights

        reference: None | str | Unset
        if isinstance(self.reference, Unset):
            reference = UNSET
        else:
            reference = self.reference

        reprice: bool | None | Unset
        if isinstance(self.reprice, Unset):
            reprice = UNSET
        else:
            reprice = self.reprice

        room_id: str | Unset = UNSET
        if not isinstance(self.room_id, Unset):
            room_id = str(self.room_id)

        room_version = self.room_version

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        status: str | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.value

        total: dict[str, Any] | Unset = UNSET
        if not isinstance(self.total, Unset):
            total = self.total.to_dict()

        updated_at: str | Unset = UNSET
        if not isinstance(self.updated_at, Unset):
            updated_at = self.updated_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if attempts is not UNSET:
            field_dict["attempts"] = attempts
        if check_in is not UNSET:
            field_dict["check_in"] = check_in
        if check_out is not UNSET:
            field_dict["check_out"] = check_out
        if continued_by is not UNSET:
            field_dict["continued_by"] = continued_by
        if continues is not UNSET:
            field_dict["continues"] = continues
        if created_at is not UNSET:
            field_dict["created_at"] = created_at
        if guest is not UNSET:
            field_dict["guest"] = guest
        if guests is not UNSET:
            field_dict["guests"] = guests
        if hold_expires_at is not UNSET:
            field_dict["hold_expires_at"] = hold_expires_at
        if hold_seconds is not UNSET:
            field_dict["hold_seconds"] = hold_seconds
        if hotel_id is not UNSET:
            field_dict["hotel_id"] = hotel_id
        if id is not UNSET:
            field_dict["id"] = id
        if made_by is not UNSET:
            field_dict["made_by"] = made_by
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if nights is not UNSET:
            field_dict["nights"] = nights
        if reference is not UNSET:
            field_dict["reference"] = reference
        if reprice is not UNSET:
            field_dict["reprice"] = reprice
        if room_id is not UNSET:
            field_dict["room_id"] = room_id
        if room_version is not UNSET:
            field_dict["room_version"] = room_version
        if source is not UNSET:
            field_dict["source"] = source
        if status is not UNSET:
            field_dict["status"] = status
        if total is not UNSET:
            field_dict["total"] = total
        if updated_at is not UNSET:
            field_dict["updated_at"] = updated_at
        if version is not UNSET:
            field_dict["version"] = version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.guest_patch import GuestPatch
        from ..models.metadata_patch import MetadataPatch
        from ..models.money import Money

        d = dict(src_dict)
        attempts = d.pop("attempts", UNSET)

        _check_in = d.pop("check_in", UNSET)
        check_in: datetime.date | Unset
        if isinstance(_check_in, Unset):
            check_in = UNSET
        else:
            check_in = datetime.date.fromisoformat(_check_in)

        _check_out = d.pop("check_out", UNSET)
        check_out: datetime.date | Unset
        if isinstance(_check_out, Unset):
            check_out = UNSET
        else:
            check_out = datetime.date.fromisoformat(_check_out)

        _continued_by = d.pop("continued_by", UNSET)
        continued_by: UUID | Unset
        if isinstance(_continued_by, Unset):
            continued_by = UNSET
        else:
            continued_by = UUID(_continued_by)

        _continues = d.pop("continues", UNSET)
        continues: UUID | Unset
        if isinstance(_continues, Unset):
            continues = UNSET
        else:
            continues = UUID(_continues)

        _created_at = d.pop("created_at", UNSET)
        created_at: datetime.datetime | Unset
        if isinstance(_created_at, Unset):
            created_at = UNSET
        else:
            created_at = datetime.datetime.fromisoformat(_created_at)

        _guest = d.pop("guest", UNSET)
        guest: GuestPatch | Unset
        if isinstance(_guest, Unset):
            guest = UNSET
        else:
            guest = GuestPatch.from_dict(_guest)

        guests = d.pop("guests", UNSET)

        _hold_expires_at = d.pop("hold_expires_at", UNSET)
        hold_expires_at: datetime.datetime | Unset
        if isinstance(_hold_expires_at, Unset):
            hold_expires_at = UNSET
        else:
            hold_expires_at = datetime.datetime.fromisoformat(_hold_expires_at)

        def _parse_hold_seconds(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        hold_seconds = _parse_hold_seconds(d.pop("hold_seconds", UNSET))

        _hotel_id = d.pop("hotel_id", UNSET)
        hotel_id: UUID | Unset
        if isinstance(_hotel_id, Unset):
            hotel_id = UNSET
        else:
            hotel_id = UUID(_hotel_id)

        _id = d.pop("id", UNSET)
        id: UUID | Unset
        if isinstance(_id, Unset):
            id = UNSET
        else:
            id = UUID(_id)

        made_by = d.pop("made_by", UNSET)

        def _parse_metadata(data: object) -> MetadataPatch | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = MetadataPatch.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MetadataPatch | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        nights = d.pop("nights", UNSET)

        def _parse_reference(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        reference = _parse_reference(d.pop("reference", UNSET))

        def _parse_reprice(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        reprice = _parse_reprice(d.pop("reprice", UNSET))

        _room_id = d.pop("room_id", UNSET)
        room_id: UUID | Unset
        if isinstance(_room_id, Unset):
            room_id = UNSET
        else:
            room_id = UUID(_room_id)

        room_version = d.pop("room_version", UNSET)

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        _status = d.pop("status", UNSET)
        status: BookingStatus | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = BookingStatus(_status)

        _total = d.pop("total", UNSET)
        total: Money | Unset
        if isinstance(_total, Unset):
            total = UNSET
        else:
            total = Money.from_dict(_total)

        _updated_at = d.pop("updated_at", UNSET)
        updated_at: datetime.datetime | Unset
        if isinstance(_updated_at, Unset):
            updated_at = UNSET
        else:
            updated_at = datetime.datetime.fromisoformat(_updated_at)

        version = d.pop("version", UNSET)

        booking_patch = cls(
            attempts=attempts,
            check_in=check_in,
            check_out=check_out,
            continued_by=continued_by,
            continues=continues,
            created_at=created_at,
            guest=guest,
            guests=guests,
            hold_expires_at=hold_expires_at,
            hold_seconds=hold_seconds,
            hotel_id=hotel_id,
            id=id,
            made_by=made_by,
            metadata=metadata,
            nights=nights,
            reference=reference,
            reprice=reprice,
            room_id=room_id,
            room_version=room_version,
            source=source,
            status=status,
            total=total,
            updated_at=updated_at,
            version=version,
        )

        return booking_patch
