from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.problem_code import ProblemCode
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.field_error import FieldError
    from ..models.stay import Stay


T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """A problem document (RFC 9457).

    Example:
        {'alternatives': ['01a200e7-599d-7400-bd6e-008944829d53'], 'code': 'room_unavailable', 'conflicts':
            [{'check_in': '2028-06-12', 'check_out': '2028-06-15'}], 'detail': 'the room is not free for this stay',
            'instance': '01a200e7-59bf-7285-bc80-05bee6db9dee', 'retryable': False, 'status': 409, 'title': 'Room
            unavailable', 'type': '/problems/room_unavailable'}

    Attributes:
        code (ProblemCode): What kind of problem; `/problems/{code}` explains it.
        detail (str): What happened in this case.
        instance (str): The request's id, as in `X-Request-Id` and the log.
        retryable (bool): Whether the same request may succeed when sent again.
        status (int): The HTTP status, again.
        title (str): What kind of problem, for people.
        type_ (str): A path of this service that explains the problem. Example: /problems/room_unavailable.
        alternatives (list[UUID] | Unset): Up to five other rooms of the hotel that are free for the stay.
        attempts (int | Unset): How often the write was tried.
        booking_id (UUID | Unset): The booking that has the reference.
        conflicts (list[Stay] | Unset): The stays in the way.
        current_version (int | Unset): The version the resource has.
        errors (list[FieldError] | Unset): The fields to correct.
        provided_version (int | Unset): The version the client named.
    """

    code: ProblemCode
    detail: str
    instance: str
    retryable: bool
    status: int
    title: str
    type_: str
    alternatives: list[UUID] | Unset = UNSET
    attempts: int | Unset = UNSET
    booking_id: UUID | Unset = UNSET
    conflicts: list[Stay] | Unset = UNSET
    current_version: int | Unset = UNSET
    errors: list[FieldError] | Unset = UNSET
    provided_version: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code = self.code.value

        detail = self.detail

        instance = self.instance

        retryable = self.retryable

        status = self.status

        title = self.title

        type_ = self.type_

        alternatives: list[str] | Unset = UNSET
        if not isinstance(self.alternatives, Unset):
            alternatives = []
            for alternatives_item_data in self.alternatives:
                alternatives_item = str(alternatives_item_data)
                alternatives.append(alternatives_item)

        attempts = self.attempts

        booking_id: str | Unset = UNSET
        if not isinstance(self.booking_id, Unset):
            booking_id = str(self.booking_id)

        conflicts: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.conflicts, Unset):
            conflicts = []
            for conflicts_item_data in self.conflicts:
                conflicts_item = conflicts_item_data.to_dict()
                conflicts.append(conflicts_item)

        current_version = self.current_version

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = errors_item_data.to_dict()
                errors.append(errors_item)

        provided_version = self.provided_version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "detail": detail,
                "instance": instance,
                "retryable": retryable,
                "status": status,
                "title": title,
                "type": type_,
            }
        )
        if alternatives is not UNSET:
            field_dict["alternatives"] = alternatives
        if attempts is not UNSET:
            field_dict["attempts"] = attempts
        if booking_id is not UNSET:
            field_dict["booking_id"] = booking_id
        if conflicts is not UNSET:
            field_dict["conflicts"] = conflicts
        if current_version is not UNSET:
            field_dict["current_version"] = current_version
        if errors is not UNSET:
            field_dict["errors"] = errors
        if provided_version is not UNSET:
            field_dict["provided_version"] = provided_version

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.field_error import FieldError
        from ..models.stay import Stay

        d = dict(src_dict)
        code = ProblemCode(d.pop("code"))

        detail = d.pop("detail")

        instance = d.pop("instance")

        retryable = d.pop("retryable")

        status = d.pop("status")

        title = d.pop("title")

        type_ = d.pop("type")

        _alternatives = d.pop("alternatives", UNSET)
        alternatives: list[UUID] | Unset = UNSET
        if _alternatives is not UNSET:
            alternatives = []
            for alternatives_item_data in _alternatives:
                alternatives_item = UUID(alternatives_item_data)

                alternatives.append(alternatives_item)

        attempts = d.pop("attempts", UNSET)

        _booking_id = d.pop("booking_id", UNSET)
        booking_id: UUID | Unset
        if isinstance(_booking_id, Unset):
            booking_id = UNSET
        else:
            booking_id = UUID(_booking_id)

        _conflicts = d.pop("conflicts", UNSET)
        conflicts: list[Stay] | Unset = UNSET
        if _conflicts is not UNSET:
            conflicts = []
            for conflicts_item_data in _conflicts:
                conflicts_item = Stay.from_dict(conflicts_item_data)

                conflicts.append(conflicts_item)

        current_version = d.pop("current_version", UNSET)

        _errors = d.pop("errors", UNSET)
        errors: list[FieldError] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = FieldError.from_dict(errors_item_data)

                errors.append(errors_item)

        provided_version = d.pop("provided_version", UNSET)

        problem = cls(
            code=code,
            detail=detail,
            instance=instance,
            retryable=retryable,
            status=status,
            title=title,
            type_=type_,
            alternatives=alternatives,
            attempts=attempts,
            booking_id=booking_id,
            conflicts=conflicts,
            current_version=current_version,
            errors=errors,
            provided_version=provided_version,
        )

        problem.additional_properties = d
        return problem

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
