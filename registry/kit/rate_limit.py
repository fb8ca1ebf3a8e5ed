"""How often one client may ask: a token bucket for each network address, in this process.

Several processes each keep their own buckets; a limit across them belongs to the proxy in front.
Addresses are kept in memory for as long as their bucket is not full again, and nowhere else.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.kit.errors import TooManyRequestsError
from registry.kit.metrics import Metrics
from registry.kit.problems import problem_response

MAX_CLIENTS: Final = 10_000  # about 2 MB; the least recently seen are forgotten first
_MINUTE_NS: Final = 60 * 10**9


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much one client may ask.

    Attributes:
        burst: Requests at once.
        per_minute: Requests that come back in a minute.
    """

    burst: int
    per_minute: int


@dataclass(slots=True)
class _Bucket:
    level_ns: int  # how long ago an empty bucket would have begun to fill
    at_ns: int


class RateLimit:
    """ASGI middleware: refuses what exceeds the allowance with 429 and says when to come again.

    Args:
        app: What is protected.
        allowances: By the path they are for; "" for all other paths.
        metrics: Where refusals are counted.
        monotonic_ns: Time of requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowances: Mapping[str, Allowance],
        metrics: Metrics,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._app = app
        self._allowances = allowances
        self._metrics = metrics
        self._now = monotonic_ns
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        group = scope["path"] if scope["path"] in self._allowances else ""
        if group and scope["method"] in {"GET", "HEAD"}:
            group = ""
        allowance = self._allowances[group]
        left, wait = self._take((client[0] if client else "", group), allowance)
        headers = [
            (b"ratelimit-limit", str(allowance.burst).encode()),
            (b"ratelimit-remaining", str(max(left, 0)).encode()),
            (b"ratelimit-reset", str(wait).encode()),
        ]
        if left < 0:
            self._metrics.note_limited()
            response = problem_response(
                TooManyRequestsError.code, HTTPStatus.TOO_MANY_REQUESTS, f"try again in {wait} s"
            )
            response.headers["Retry-After"] = str(wait)
            send = _with(send, headers)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, _with(send, headers))

    def _take(self, client: tuple[str, str], allowance: Allowance) -> tuple[int, int]:
        """Return how many requests are left, negative for none, and seconds until one more."""
        now = self._now()
        each = _MINUTE_NS // allowance.per_minute
        bucket = self._buckets.pop(client, None) or _Bucket(allowance.burst * each, now)
        filled = min(allowance.burst * each, bucket.level_ns + now - bucket.at_ns)
        left = filled // each - 1
        level = filled if left < 0 else filled - each
        self._buckets[client] = _Bucket(level, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        wait = 0 if level >= each else math.ceil((each - level) / 10**9)
        return left, wait


def _with(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *headers]
        await send(message)

    return sending
