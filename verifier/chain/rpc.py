"""JSON-RPC to one node, without trusting a word of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from verifier.chain.endpoint import Endpoint, authority
from verifier.chain.transfer import Reply, TransferError, exchange, open_client
from verifier.core.errors import EvidenceUnavailableError, MalformedEvidenceError
from verifier.core.strict_json import JsonValue, canonical_json, parse_json_object

MAX_ANSWER_BYTES: Final = 1024 * 1024  # a block without transactions or a dossier has 20 KB
CALL_SECONDS: Final = 8.0  # with the repetition; a distant node under load answers in 2
_ATTEMPTS: Final = 2  # a second one rides over a dropped connection or a short rate limit
_PAUSE_SECONDS: Final = 0.25  # between attempts
_RETRIED: Final = frozenset({429, 502, 503, 504})  # the server says: not now

_QUANTITY: Final = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15})", re.ASCII)  # 64 bits
_DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*", re.ASCII)
_HASH_BYTES: Final = 32


def unreachable(message: str) -> EvidenceUnavailableError:
    """Return the error that a node gives no answer, for the caller to raise."""
    return EvidenceUnavailableError("chain_unreachable", message)


def fault(message: str) -> EvidenceUnavailableError:
    """Return the error that a node's answer breaks the protocol, for the caller to raise."""
    return EvidenceUnavailableError("chain_fault", message)


def mismatch(message: str) -> EvidenceUnavailableError:
    """Return the error that a node or contract is not the pinned one, for the caller to raise."""
    return EvidenceUnavailableError("chain_mismatch", message)


class RpcNode:
    """One endpoint. After one time-out it is not asked again, so that a verification ends.

    Args:
        endpoint: Whom to ask.
        transport: Replaces the network, for tests.
    """

    def __init__(
        self, endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.endpoint = endpoint
        self._client = open_client(endpoint.url, transport)
        self._next_id = 1
        self._gone = False
        # Access keys stand in the path of many endpoints: messages name the host alone.
        self._name = authority(endpoint.url)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def call(self, method: str, params: Sequence[JsonValue]) -> JsonValue:
        """Return the result of one JSON-RPC call.

        Raises:
            EvidenceUnavailableError: `chain_unreachable` without an answer in time or with an
                error for an answer, `chain_fault` with one that breaks the protocol.
        """
        if self._gone:
            raise unreachable(f"{self._name}: did not answer in time before")
        number, self._next_id = self._next_id, self._next_id + 1
        request: dict[str, JsonValue] = {
            "jsonrpc": "2.0",
            "id": number,
            "method": method,
            "params": list(params),
        }
        try:
            async with asyncio.timeout(CALL_SECONDS):
                reply = await self._exchange(canonical_json(request))
        except TimeoutError as error:
            self._gone = True
            raise unreachable(f"{self._name}: {method}: too slow") from error
        except TransferError as error:
            self._gone = error.timed_out
            raise unreachable(f"{self._name}: {method}: {error}") from error
        return self._result(reply, method, number)

    async def quantity(self, method: str, params: Sequence[JsonValue] = ()) -> int:
        """Return the result of a call as an integer of at most 64 bits."""
        return read_quantity(await self.call(method, params), what=f"{self._name}: {method}")

    async def data(self, method: str, params: Sequence[JsonValue]) -> bytes:
        """Return the result of a call as bytes.

        Raises:
            EvidenceUnavailableError: As `call`; `0x` is a `chain_fault`, since it means that there
                is no contract at that address and never that a contract said no.
        """
        data = read_data(await self.call(method, params), what=f"{self._name}: {method}")
        if not data:
            raise fault(f"{self._name}: {method}: empty answer, there is no such contract")
        return data

    async def block(self, tag: int | str) -> BlockHeader:
        """Return number, hash and time of a block by its number or tag."""
        wanted = hex(tag) if isinstance(tag, int) else tag
        what = f"{self._name}: block {wanted}"
        header = read_header(await self.call("eth_getBlockByNumber", [wanted, False]), what=what)
        if isinstance(tag, int) and header.number != tag:
            raise fault(f"{what}: the answer is block {header.number}")
        return header

    async def _exchange(self, body: bytes) -> Reply:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                reply = await exchange(
                    self._client,
                    "POST",
                    self.endpoint.url,
                    max_bytes=MAX_ANSWER_BYTES,
                    seconds=CALL_SECONDS,
                    body=body,
                )
            except TransferError as error:
                if last or error.timed_out:
                    raise
            else:
                if last or reply.status not in _RETRIED:
                    return reply
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover

    def _result(self, reply: Reply, method: str, number: int) -> JsonValue:
        what = f"{self._name}: {method}"
        if reply.status != httpx.codes.OK:
            raise unreachable(f"{what}: HTTP status {reply.status}")
        try:
            answer = parse_json_object(reply.body, what=what, max_bytes=MAX_ANSWER_BYTES)
        except MalformedEvidenceError as error:
            raise fault(str(error)) from error
        if answer.get("error") is not None:
            raise unreachable(f"{what}: the node answers with {_error_code(answer['error'])}")
        identified = answer.get("id") == number and not isinstance(answer.get("id"), bool)
        if not identified or answer.get("jsonrpc") != "2.0" or "result" not in answer:
            raise fault(f"{what}: not the answer to this request")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What is used of a block: number, 32-byte hash, time in Unix seconds."""

    number: int
    hash: bytes
    time: int


def read_quantity(value: JsonValue, *, what: str) -> int:
    """Return an integer of at most 64 bits as JSON-RPC writes it, without leading zeros.

    Raises:
        EvidenceUnavailableError: It is written otherwise (`chain_fault`).
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise fault(f"{what}: not a number")
    return int(value, 16)


def read_data(value: JsonValue, *, what: str, length: int | None = None) -> bytes:
    """Return bytes as JSON-RPC writes them: "0x" and an even number of digits.

    Raises:
        EvidenceUnavailableError: They are written otherwise or have another length than `length`
            (`chain_fault`).
    """
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise fault(f"{what}: not hexadecimal data")
    data = bytes.fromhex(value[2:])
    if length is not None and len(data) != length:
        raise fault(f"{what}: {len(data)} bytes instead of {length}")
    return data


def read_header(value: JsonValue, *, what: str) -> BlockHeader:
    """Return what is used of a block as `eth_getBlockByNumber` answers it.

    Raises:
        EvidenceUnavailableError: `chain_unreachable` when the node has no such block,
            `chain_fault` when the answer is no block.
    """
    if value is None:
        raise unreachable(f"{what}: the node has no such block")
    if not isinstance(value, dict):
        raise fault(f"{what}: not a block")
    return BlockHeader(
        number=read_quantity(value.get("number"), what=f"{what}, number"),
        hash=read_data(value.get("hash"), what=f"{what}, hash", length=_HASH_BYTES),
        time=read_quantity(value.get("timestamp"), what=f"{what}, timestamp"),
    )


def _error_code(error: JsonValue) -> str:
    code = error.get("code") if isinstance(error, dict) else None
    return f"error {code}" if isinstance(code, int) else "an error"
