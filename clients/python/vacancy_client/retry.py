"""Sending the same request again, when that may help."""

import json
import time
import uuid
from collections.abc import Callable

import httpx

from .generated import Client

WRITES = {"POST", "PUT", "PATCH", "DELETE"}


def new_key() -> str:
    """A key for one thing that shall be done once."""
    return str(uuid.uuid4())


def connect(
    base_url: str,
    *,
    timeout: float = 10.0,
    transport: httpx.BaseTransport | None = None,
    **retry,
) -> Client:
    """A client whose every call is one intent: a write without an `Idempotency-Key` gets one, and
    what may succeed later is sent again after `Retry-After`, the same request under the same key.

    An intent that outlives the process needs a key that does: keep one (`new_key()`) beside what it
    is for, and pass it as `idempotency_key`.
    """
    retrying = RetryingTransport(transport or httpx.HTTPTransport(), **retry)
    return Client(
        base_url=base_url,
        timeout=httpx.Timeout(timeout),
        httpx_args={"transport": retrying},
    )


class RetryingTransport(httpx.BaseTransport):
    """Sends a request until it is answered for good, `attempts_max` times at most.

    The key is chosen once, before the first attempt: a lost answer to a write is then heard again
    instead of being done again.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport,
        *,
        attempts_max: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._attempts_max = attempts_max
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method in WRITES and "Idempotency-Key" not in request.headers:
            request.headers["Idempotency-Key"] = new_key()
        # A body that is a stream could be sent only once.
        request.read()
        for _ in range(self._attempts_max - 1):
            try:
                response = self._transport.handle_request(request)
            except httpx.TransportError:
                # The connection was lost: the outcome of the request is unknown.
                self._sleep(1)
                continue
            if not _is_retryable(response):
                return response
            response.close()
            self._sleep(_seconds_to_wait(response))
        return self._transport.handle_request(request)

    def close(self) -> None:
        self._transport.close()


def _is_retryable(response: httpx.Response) -> bool:
    media_type = response.headers.get("Content-Type", "")
    if not media_type.startswith("application/problem+json"):
        return False
    return json.loads(response.read()).get("retryable") is True


def _seconds_to_wait(response: httpx.Response) -> float:
    try:
        return max(float(response.headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return 1.0
