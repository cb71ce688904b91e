from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="MoneyPatch")


@_attrs_define
class MoneyPatch:
    """An amount in minor units of a currency.

    Attributes:
        amount (int | Unset): Minor units: cents for EUR, yen for JPY. Example: 12900.
        currency (str | Unset): ISO 4217, upper case. Example: EUR.
    """

    amount: int | Unset = UNSET
    currency: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        currency = self.currency

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if amount is not UNSET:
            field_dict["amount"] = amount
        if currency is not UNSET:
            field_dict["currency"] = currency

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        amount = d.pop("amount", UNSET)

        currency = d.pop("currency", UNSET)

        money_patch = cls(
            amount=amount,
            currency=currency,
        )

        return money_patch
