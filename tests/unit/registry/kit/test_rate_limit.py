"""The token bucket against a slow model of it, and its bound on memory."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from registry.kit import rate_limit
from registry.kit.metrics import Metrics
from registry.kit.rate_limit import Allowance, RateLimit

_SECOND = 10**9


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(limit: RateLimit, client: str = "a", path: str = "/", method: str = "GET") -> int:
    """Return the status of one request."""
    seen: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        seen.append(message)

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the body is not read")

    scope = {"type": "http", "path": path, "method": method, "client": (client, 1), "headers": []}
    asyncio.run(limit(scope, receive, send))
    status: int = seen[0]["status"]
    return status


def make(clock: Clock, **allowances: Allowance) -> RateLimit:
    usual = allowances.pop("usual", Allowance(burst=2, per_minute=60))
    named = {f"/{name}": allowance for name, allowance in allowances.items()}
    return RateLimit(answer, allowances={"": usual, **named}, metrics=Metrics(), monotonic_ns=clock)


@given(st.lists(st.integers(0, 3), max_size=25), st.integers(1, 4))
def test_agrees_with_counting_tokens(pauses: list[int], burst: int) -> None:
    clock = Clock()
    limit = make(clock, usual=Allowance(burst=burst, per_minute=60))
    tokens = burst
    for pause in pauses:
        clock.now += pause * _SECOND
        tokens = min(burst, tokens + pause)
        expected = 200 if tokens > 0 else 429
        tokens = max(0, tokens - 1)
        assert ask(limit) == expected


def test_clients_do_not_share_their_allowance() -> None:
    limit = make(Clock(), usual=Allowance(burst=1, per_minute=1))
    assert [ask(limit, client) for client in ("a", "b", "a")] == [200, 200, 429]


def test_a_path_has_its_own_allowance_for_what_changes_something() -> None:
    limit = make(Clock(), door=Allowance(burst=1, per_minute=1))
    statuses = [ask(limit, path="/door", method=method) for method in ("POST", "POST", "GET")]
    assert statuses == [200, 429, 200]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_CLIENTS", 3)
    limit = make(Clock(), usual=Allowance(burst=1, per_minute=1))
    assert [ask(limit, client) for client in "abcd"] == [200] * 4
    assert ask(limit, "d") == 429
    assert ask(limit, "a") == 200  # the least recently seen was forgotten
