from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.booking_status import BookingStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.guest import Guest
    from ..models.metadata import Metadata
    from ..models.money import Money


T = TypeVar("T", bound="Booking")


@_attrs_define
class Booking:
    """A booking.

    Example:
        {'attempts': 1, 'check_in': '2028-06-12', 'check_out': '2028-06-15', 'created_at':
            '2026-11-22T01:38:11.520000Z', 'guest': {'email': 'ada@example.org', 'name': 'Ada Lovelace'}, 'guests': 2,
            'hotel_id': '01a200e7-597c-77e1-a16a-1569e3de7611', 'id': '01a200e7-59bf-7285-bc80-05bee6db9dee', 'made_by':
            'key:6ex6g5r9mtvy', 'nights': 3, 'room_id': '01a200e7-599d-7400-bd6e-008944829d53', 'room_version': 2, 'status':
            'confirmed', 'total': {'amount': 38700, 'currency': 'EUR'}, 'updated_at': '2026-11-22T01:38:11.520000Z',
            'version': 1}

    Attributes:
        check_in (datetime.date): The first night.
        check_out (datetime.date): The day after the last night.
        created_at (datetime.datetime): When it was made.
        guest (Guest): Who stays.
        guests (int): How many people.
        hotel_id (UUID): That room's hotel.
        id (UUID): UUIDv7; a move keeps it, also that of a guest in the house.
        nights (int): How many nights.
        room_id (UUID): Its room.
        room_version (int): The room's version that its last write produced.
        status (BookingStatus): Where a booking stands.
        updated_at (datetime.datetime): When this version came to be.
        version (int): Counts its own writes, from 1.
        attempts (int | Unset): At which attempt this write succeeded; only in answers to writes.
        continued_by (UUID | Unset): The booking under which the stay went on in another room. This one holds the nights
            slept
            until then: they and their room stay as they are.
        continues (UUID | Unset): The booking of the nights slept before in another room, when a guest in the house
            changed
            rooms.
        hold_expires_at (datetime.datetime | Unset): When the hold runs out.
        made_by (str | Unset): The principal that made it; shown to those who see all bookings.
        metadata (Metadata | Unset): What clients note beside a booking for themselves, kept letter by letter.
        reference (str | Unset): What the source calls it.
        source (str | Unset): The channel it came by.
        total (Money | Unset): An amount in minor units of a currency.
    """

    check_in: datetime.date
    check_out: datetime.date
    created_at: datetime.datetime
    guest: Guest
    guests: int
    hotel_id: UUID
    id: UUID
    nights: int
    room_id: UUID
    room_version: int
    status: BookingStatus
    updated_at: datetime.datetime
    version: int
    attempts: int | Unset = UNSET
    continued_by: UUID | Unset = UNSET
    continues: UUID | Unset = UNSET
    hold_expires_at: datetime.datetime | Unset = UNSET
    made_by: str | Unset = UNSET
    metadata: Metadata | Unset = UNSET
    reference: str | Unset = UNSET
    source: str | Unset = UNSET
    total: Money | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        check_in = self.check_in.isoformat()

        check_out = self.check_out.isoformat()

        created_at = self.created_at.isoformat()

        guest = self.guest.to_dict()

        guests = self.guests

        hotel_id = str(self.hotel_id)

        id = str(self.id)

        nights = self.nights

        room_id = str(self.room_id)

        room_version = self.room_version

        status = self.status.value

        updated_at = self.updated_at.isoformat()

        version = self.version

        attempts = self.attempts

        continued_by: str | Unset = UNSET
        if not isinstance(self.continued_by, Unset):
            continued_by = str(self.continued_by)

        continues: str | Unset = UNSET
        if not isinstance(self.continues, Unset):
            continues = str(self.continues)

        hold_expires_at: str | Unset = UNSET
        if not isinstance(self.hold_expires_at, Unset):
            hold_expires_at = self.hold_expires_at.isoformat()

        made_by = self.made_by

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        reference = self.reference

        source = self.source

        total: dict[str, Any] | Unset = UNSET
        if not isinstance(self.total, Unset):
            total = self.total.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "check_in": check_in,
                "check_out": check_out,
                "created_at": created_at,
                "guest": guest,
                "guests": guests,
                "hotel_id": hotel_id,
                "id": id,
                "nights": nights,
                "room_id": room_id,
                "room_version": room_version,
                "status": status,
                "updated_at": updated_at,
                "version": version,
            }
        )
        if attempts is not UNSET:
            field_dict["attempts"] = attempts
        if continued_by is not UNSET:
            field_dict["continued_by"] = continued_by
        if continues is not UNSET:
            field_dict["continues"] = continues
        if hold_expires_at is not UNSET:
            field_dict["hold_expires_at"] = hold_expires_at
        if made_by is not UNSET:
            field_dict["made_by"] = made_by
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if reference is not UNSET:
            field_dict["reference"] = reference
        if source is not UNSET:
            field_dict["source"] = source
        if total is not UNSET:
            field_dict["total"] = total

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.guest import Guest
        from ..models.metadata import Metadata
        from ..models.money import Money

        d = dict(src_dict)
        check_in = datetime.date.fromisoformat(d.pop("check_in"))

        check_out = datetime.date.fromisoformat(d.pop("check_out"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        guest = Guest.from_dict(d.pop("guest"))

        guests = d.pop("guests")

        hotel_id = UUID(d.pop("hotel_id"))

        id = UUID(d.pop("id"))

        nights = d.pop("nights")

        room_id = UUID(d.pop("room_id"))

        room_version = d.pop("room_version")

        status = BookingStatus(d.pop("status"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        version = d.pop("version")

        attempts = d.pop("attempts", UNSET)

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

        _hold_expires_at = d.pop("hold_expires_at", UNSET)
        hold_expires_at: datetime.datetime | Unset
        if isinstance(_hold_expires_at, Unset):
            hold_expires_at = UNSET
        else:
            hold_expires_at = datetime.datetime.fromisoformat(_hold_expires_at)

        made_by = d.pop("made_by", UNSET)

        _metadata = d.pop("metadata", UNSET)
        metadata: Metadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = Metadata.from_dict(_metadata)

        reference = d.pop("reference", UNSET)

        source = d.pop("source", UNSET)

        _total = d.pop("total", UNSET)
        total: Money | Unset
        if isinstance(_total, Unset):
            total = UNSET
        else:
            total = Money.from_dict(_total)

        booking = cls(
            check_in=check_in,
            check_out=check_out,
            created_at=created_at,
            guest=guest,
            guests=guests,
            hotel_id=hotel_id,
            id=id,
            nights=nights,
            room_id=room_id,
            room_version=room_version,
            status=status,
            updated_at=updated_at,
            version=version,
            attempts=attempts,
            continued_by=continued_by,
            continues=continues,
            hold_expires_at=hold_expires_at,
            made_by=made_by,
            metadata=metadata,
            reference=reference,
            source=source,
            total=total,
        )

        booking.additional_properties = d
        return booking

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
