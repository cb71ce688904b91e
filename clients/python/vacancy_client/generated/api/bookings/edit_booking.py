from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.booking import Booking
from ...models.booking_patch import BookingPatch
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    booking_id: UUID,
    *,
    body: BookingPatch | Unset = UNSET,
    version: int | Unset = UNSET,
    if_match: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    prefer: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_match, Unset):
        headers["If-Match"] = if_match

    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    if not isinstance(prefer, Unset):
        headers["Prefer"] = prefer

    if not isinstance(x_request_id, Unset):
        headers["X-Request-Id"] = x_request_id

    params: dict[str, Any] = {}

    params["version"] = version

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/v1/bookings/{booking_id}".format(
            booking_id=quote(str(booking_id), safe=""),
        ),
        "params": params,
    }

    if isinstance(body, BookingPatch):
        if not isinstance(body, Unset):
            _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/json"
    if isinstance(body, BookingPatch):
        if not isinstance(body, Unset):
            _kwargs["json"] = body.to_dict()

        headers["Content-Type"] = "application/merge-patch+json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | Booking | Problem | None:
    if response.status_code == 200:
        response_200 = Booking.from_dict(response.json())

        return response_200

    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 412:
        response_412 = Problem.from_dict(response.json())

        return response_412

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 414:
        response_414 = Problem.from_dict(response.json())

        return response_414

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

    if response.status_code == 421:
        response_421 = Problem.from_dict(response.json())

        return response_421

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 428:
        response_428 = Problem.from_dict(response.json())

        return response_428

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 431:
        response_431 = Problem.from_dict(response.json())

        return response_431

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if response.status_code == 504:
        response_504 = Problem.from_dict(response.json())

        return response_504

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | Booking | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    booking_id: UUID,
    *,
    client: AuthenticatedClient,
    body: BookingPatch | Unset = UNSET,
    version: int | Unset = UNSET,
    if_match: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    prefer: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[Any | Booking | Problem]:
    """Edits guest, guests, dates, room, source, reference or metadata, or prolongs a hold (RFC 7396)

     Of a guest in the house who changes rooms, the nights slept stay where they were, as a booking of
    their own that `continues` names. Needs `If-Match` or `?version=`.

    Args:
        booking_id (UUID):
        version (int | Unset):
        if_match (str | Unset):
        if_none_match (str | Unset):
        idempotency_key (str | Unset):
        prefer (str | Unset):
        x_request_id (str | Unset):
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Booking | Problem]
    """

    kwargs = _get_kwargs(
        booking_id=booking_id,
        body=body,
        version=version,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
        prefer=prefer,
        x_request_id=x_request_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    booking_id: UUID,
    *,
    client: AuthenticatedClient,
    body: BookingPatch | Unset = UNSET,
    version: int | Unset = UNSET,
    if_match: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    prefer: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Any | Booking | Problem | None:
    """Edits guest, guests, dates, room, source, reference or metadata, or prolongs a hold (RFC 7396)

     Of a guest in the house who changes rooms, the nights slept stay where they were, as a booking of
    their own that `continues` names. Needs `If-Match` or `?version=`.

    Args:
        booking_id (UUID):
        version (int | Unset):
        if_match (str | Unset):
        if_none_match (str | Unset):
        idempotency_key (str | Unset):
        prefer (str | Unset):
        x_request_id (str | Unset):
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Booking | Problem
    """

    return sync_detailed(
        booking_id=booking_id,
        client=client,
        body=body,
        version=version,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
        prefer=prefer,
        x_request_id=x_request_id,
    ).parsed


async def asyncio_detailed(
    booking_id: UUID,
    *,
    client: AuthenticatedClient,
    body: BookingPatch | Unset = UNSET,
    version: int | Unset = UNSET,
    if_match: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    prefer: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[Any | Booking | Problem]:
    """Edits guest, guests, dates, room, source, reference or metadata, or prolongs a hold (RFC 7396)

     Of a guest in the house who changes rooms, the nights slept stay where they were, as a booking of
    their own that `continues` names. Needs `If-Match` or `?version=`.

    Args:
        booking_id (UUID):
        version (int | Unset):
        if_match (str | Unset):
        if_none_match (str | Unset):
        idempotency_key (str | Unset):
        prefer (str | Unset):
        x_request_id (str | Unset):
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | Booking | Problem]
    """

    kwargs = _get_kwargs(
        booking_id=booking_id,
        body=body,
        version=version,
        if_match=if_match,
        if_none_match=if_none_match,
        idempotency_key=idempotency_key,
        prefer=prefer,
        x_request_id=x_request_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    booking_id: UUID,
    *,
    client: AuthenticatedClient,
    body: BookingPatch | Unset = UNSET,
    version: int | Unset = UNSET,
    if_match: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    prefer: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Any | Booking | Problem | None:
    """Edits guest, guests, dates, room, source, reference or metadata, or prolongs a hold (RFC 7396)

     Of a guest in the house who changes rooms, the nights slept stay where they were, as a booking of
    their own that `continues` names. Needs `If-Match` or `?version=`.

    Args:
        booking_id (UUID):
        version (int | Unset):
        if_match (str | Unset):
        if_none_match (str | Unset):
        idempotency_key (str | Unset):
        prefer (str | Unset):
        x_request_id (str | Unset):
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).
        body (BookingPatch | Unset): What shall be different; `null` removes (RFC 7396).

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | Booking | Problem
    """

    return (
        await asyncio_detailed(
            booking_id=booking_id,
            client=client,
            body=body,
            version=version,
            if_match=if_match,
            if_none_match=if_none_match,
            idempotency_key=idempotency_key,
            prefer=prefer,
            x_request_id=x_request_id,
        )
    ).parsed
