"""Bounded HTTP: one exchange that ends in time, in size and without surprises."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx

from verifier.chain.endpoint import is_loopback


class TransferError(Exception):
    """No usable HTTP answer. Never leaves `verifier.chain`.

    Attributes:
        timed_out: The deadline passed; asking again would cost as much time again.
    """

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Reply:
    """Status and body of one answer."""

    status: int
    body: bytes


def open_client(url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client for one server that follows no redirect and asks for no compression.

    Args:
        url: The server; proxies of the environment are used unless it is this machine.
        transport: Replaces the network, for tests.
    """
    return httpx.AsyncClient(
        transport=transport,
        timeout=None,  # noqa: S113  (`exchange` sets one for the whole, these are for each read)
        follow_redirects=False,
        trust_env=not is_loopback(url),
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    body: bytes | None = None,
) -> Reply:
    """Send one request and read its answer.

    Args:
        client: From `open_client`.
        method: HTTP method.
        url: Where to.
        max_bytes: Largest body that is read.
        seconds: Time for all of it: name look-up, connection, headers and body. A server that
            sends one byte now and then gets no more.
        body: JSON to send.

    Raises:
        TransferError: No connection, no complete answer in time, a compressed or too large body.
    """
    headers = {} if body is None else {"content-type": "application/json"}
    try:
        async with (
            asyncio.timeout(seconds),
            client.stream(method, url, content=body, headers=headers) as response,
        ):
            return Reply(response.status_code, await _read(response, max_bytes))
    except TimeoutError as error:
        raise TransferError(f"no answer within {seconds} s", timed_out=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise TransferError(f"{type(error).__name__}: {error}") from error


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise TransferError("the answer is compressed although that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise TransferError(f"the answer has more than {max_bytes} bytes")
    return bytes(body)
