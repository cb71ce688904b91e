import datetime
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.booking_list import BookingList
from ...models.booking_status import BookingStatus
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    hotel_id: UUID | Unset = UNSET,
    room_id: UUID | Unset = UNSET,
    guest: str | Unset = UNSET,
    source: str | Unset = UNSET,
    reference: str | Unset = UNSET,
    status: BookingStatus | Unset = UNSET,
    from_: datetime.date | Unset = UNSET,
    to: datetime.date | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(if_none_match, Unset):
        headers["If-None-Match"] = if_none_match

    if not isinstance(x_request_id, Unset):
        headers["X-Request-Id"] = x_request_id

    params: dict[str, Any] = {}

    json_hotel_id: str | Unset = UNSET
    if not isinstance(hotel_id, Unset):
        json_hotel_id = str(hotel_id)
    params["hotel_id"] = json_hotel_id

    json_room_id: str | Unset = UNSET
    if not isinstance(room_id, Unset):
        json_room_id = str(room_id)
    params["room_id"] = json_room_id

    params["guest"] = guest

    params["source"] = source

    params["reference"] = reference

    json_status: str | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status.value

    params["status"] = json_status

    json_from_: str | Unset = UNSET
    if not isinstance(from_, Unset):
        json_from_ = from_.isoformat()
    params["from"] = json_from_

    json_to: str | Unset = UNSET
    if not isinstance(to, Unset):
        json_to = to.isoformat()
    params["to"] = json_to

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/bookings",
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | BookingList | Problem | None:
    if response.status_code == 200:
        response_200 = BookingList.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

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

    if response.status_code == 414:
        response_414 = Problem.from_dict(response.json())

        return response_414

    if response.status_code == 421:
        response_421 = Problem.from_dict(response.json())

        return response_421

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

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | BookingList | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    hotel_id: UUID | Unset = UNSET,
    room_id: UUID | Unset = UNSET,
    guest: str | Unset = UNSET,
    source: str | Unset = UNSET,
    reference: str | Unset = UNSET,
    status: BookingStatus | Unset = UNSET,
    from_: datetime.date | Unset = UNSET,
    to: datetime.date | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[Any | BookingList | Problem]:
    """Lists bookings, by check-in

    Args:
        hotel_id (UUID | Unset):
        room_id (UUID | Unset):
        guest (str | Unset):
        source (str | Unset):
        reference (str | Unset):
        status (BookingStatus | Unset): Where a booking stands.
        from_ (datetime.date | Unset):
        to (datetime.date | Unset):
        limit (int | Unset):
        cursor (str | Unset):
        if_none_match (str | Unset):
        x_request_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | BookingList | Problem]
    """

    kwargs = _get_kwargs(
        hotel_id=hotel_id,
        room_id=room_id,
        guest=guest,
        source=source,
        reference=reference,
        status=status,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
        if_none_match=if_none_match,
        x_request_id=x_request_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    hotel_id: UUID | Unset = UNSET,
    room_id: UUID | Unset = UNSET,
    guest: str | Unset = UNSET,
    source: str | Unset = UNSET,
    reference: str | Unset = UNSET,
    status: BookingStatus | Unset = UNSET,
    from_: datetime.date | Unset = UNSET,
    to: datetime.date | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Any | BookingList | Problem | None:
    """Lists bookings, by check-in

    Args:
        hotel_id (UUID | Unset):
        room_id (UUID | Unset):
        guest (str | Unset):
        source (str | Unset):
        reference (str | Unset):
        status (BookingStatus | Unset): Where a booking stands.
        from_ (datetime.date | Unset):
        to (datetime.date | Unset):
        limit (int | Unset):
        cursor (str | Unset):
        if_none_match (str | Unset):
        x_request_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | BookingList | Problem
    """

    return sync_detailed(
        client=client,
        hotel_id=hotel_id,
        room_id=room_id,
        guest=guest,
        source=source,
        reference=reference,
        status=status,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
        if_none_match=if_none_match,
        x_request_id=x_request_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    hotel_id: UUID | Unset = UNSET,
    room_id: UUID | Unset = UNSET,
    guest: str | Unset = UNSET,
    source: str | Unset = UNSET,
    reference: str | Unset = UNSET,
    status: BookingStatus | Unset = UNSET,
    from_: datetime.date | Unset = UNSET,
    to: datetime.date | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Response[Any | BookingList | Problem]:
    """Lists bookings, by check-in

    Args:
        hotel_id (UUID | Unset):
        room_id (UUID | Unset):
        guest (str | Unset):
        source (str | Unset):
        reference (str | Unset):
        status (BookingStatus | Unset): Where a booking stands.
        from_ (datetime.date | Unset):
        to (datetime.date | Unset):
        limit (int | Unset):
        cursor (str | Unset):
        if_none_match (str | Unset):
        x_request_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | BookingList | Problem]
    """

    kwargs = _get_kwargs(
        hotel_id=hotel_id,
        room_id=room_id,
        guest=guest,
        source=source,
        reference=reference,
        status=status,
        from_=from_,
        to=to,
        limit=limit,
        cursor=cursor,
        if_none_match=if_none_match,
        x_request_id=x_request_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    hotel_id: UUID | Unset = UNSET,
    room_id: UUID | Unset = UNSET,
    guest: str | Unset = UNSET,
    source: str | Unset = UNSET,
    reference: str | Unset = UNSET,
    status: BookingStatus | Unset = UNSET,
    from_: datetime.date | Unset = UNSET,
    to: datetime.date | Unset = UNSET,
    limit: int | Unset = UNSET,
    cursor: str | Unset = UNSET,
    if_none_match: str | Unset = UNSET,
    x_request_id: str | Unset = UNSET,
) -> Any | BookingList | Problem | None:
    """Lists bookings, by check-in

    Args:
        hotel_id (UUID | Unset):
        room_id (UUID | Unset):
        guest (str | Unset):
        source (str | Unset):
        reference (str | Unset):
        status (BookingStatus | Unset): Where a booking stands.
        from_ (datetime.date | Unset):
        to (datetime.date | Unset):
        limit (int | Unset):
        cursor (str | Unset):
        if_none_match (str | Unset):
        x_request_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | BookingList | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            hotel_id=hotel_id,
            room_id=room_id,
            guest=guest,
            source=source,
            reference=reference,
            status=status,
            from_=from_,
            to=to,
            limit=limit,
            cursor=cursor,
            if_none_match=if_none_match,
            x_request_id=x_request_id,
        )
    ).parsed
