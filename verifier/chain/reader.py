"""Contracts of one chain, read at one agreed final block."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

import httpx

from verifier.chain.chain_profile import ChainProfile, Generation, PinnedContract
from verifier.chain.quorum import Pin, pin_earlier_block, pin_final_block
from verifier.chain.rpc import (
    BlockHeader,
    RpcNode,
    fault,
    mismatch,
    read_data,
    read_quantity,
)
from verifier.core.strict_json import JsonValue

MAX_LOG_ENTRIES: Final = 1024  # status changes that name one list of one body; bounds the parsing
_MAX_TOPICS: Final = 4  # of the EVM
_AT_A_TIME: Final = 16  # questions under way at once, for each node

Result = TypeVar("Result")


async def together(*questions: Awaitable[Result]) -> list[Result]:
    """Await all, then return their results, or raise the first error in the order given."""
    outcomes = await asyncio.gather(*questions, return_exceptions=True)
    results: list[Result] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


async def few_at_a_time(questions: Iterable[Awaitable[Result]]) -> list[Result]:
    """Await many in groups, so that no node is flooded, and return their results in order."""
    results: list[Result] = []
    rest = iter(questions)
    while group := tuple(islice(rest, _AT_A_TIME)):
        results += await together(*group)
    return results


@dataclass(frozen=True, slots=True)
class Era:
    """A generation of contracts that has begun, with the block time at which it ended.

    Attributes:
        generation: Its contracts and blocks.
        retired_at: Time of the first block that is not its own, None while it is in charge.
    """

    generation: Generation
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a contract's log."""

    block: int
    block_hash: bytes
    position: int
    topics: tuple[bytes, ...]
    data: bytes


class ChainReader:
    """One chain of a profile, read at one block by its hash (EIP-1898).

    Made by `open_chain`; every answer is that of a quorum.

    Attributes:
        profile: What the checker decided about the chain.
        header: The agreed final block.
        eras: Generations that have begun by then, the newest first.
    """

    def __init__(self, profile: ChainProfile, nodes: Sequence[RpcNode], pin: Pin) -> None:
        self.profile = profile
        self.header = pin.header
        self.eras: tuple[Era, ...] = ()
        self._nodes = tuple(nodes)
        self._quorum = pin.quorum
        self._at: JsonValue = {"blockHash": f"0x{pin.header.hash.hex()}", "requireCanonical": True}

    async def close(self) -> None:
        """Close the connections to every node."""
        for node in self._nodes:
            await node.close()

    async def call(self, address: str, data: bytes) -> bytes:
        """Return what a contract answers to a call.

        Raises:
            EvidenceUnavailableError: No quorum for an answer, see `Quorum.ask`.
        """
        request: JsonValue = {"to": address, "data": f"0x{data.hex()}"}
        return await self._quorum.ask(
            functools.partial(RpcNode.data, method="eth_call", params=[request, self._at])
        )

    async def block(self, number: int) -> BlockHeader:
        """Return a block at or below the agreed one.

        Raises:
            EvidenceUnavailableError: No quorum for an answer, see `Quorum.ask`.
        """
        return await self._quorum.ask(functools.partial(RpcNode.block, tag=number))

    def last_block(self, generation: Generation) -> int:
        """Return the last block for which a generation speaks, the agreed one at most."""
        until = generation.until_block
        return self.header.number if until is None else min(until - 1, self.header.number)

    async def logs(
        self,
        generation: Generation,
        topics: Sequence[JsonValue],
        *,
        blocks: tuple[int, int] | None = None,
    ) -> tuple[LogEntry, ...]:
        """Return log entries of a generation's ledger in the order in which they were written.

        Args:
            generation: Its blocks bound the search, and so does the agreed block.
            topics: Filter as in `eth_getLogs`.
            blocks: First and last block to search, both included; None for the generation's own.

        Raises:
            EvidenceUnavailableError: No quorum for an answer, see `Quorum.ask`.
        """
        first, last = blocks or (generation.from_block, self.last_block(generation))
        request: JsonValue = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": generation.certificate_ledger.address,
            "topics": list(topics),
        }

        async def question(node: RpcNode) -> tuple[LogEntry, ...]:
            entries = _log_entries(await node.call("eth_getLogs", [request]), generation, last)
            return tuple(sorted(entries, key=lambda entry: (entry.block, entry.position)))

        return await self._quorum.ask(question)

    async def check_code(self, pinned: PinnedContract) -> None:
        """Refuse unless the contract's code is what the profile says.

        Raises:
            EvidenceUnavailableError: Other code (`chain_mismatch`), none (`chain_fault`), or no
                quorum for an answer, see `Quorum.ask`.
        """
        code = await self._quorum.ask(
            functools.partial(RpcNode.data, method="eth_getCode", params=[pinned.address, self._at])
        )
        if hashlib.sha256(code).digest() != pinned.code_hash:
            raise mismatch(
                f"chain {self.profile.chain_id}: the code at {pinned.address} is not the one "
                "that the profile names"
            )


async def open_chain(
    profile: ChainProfile,
    *,
    now: int,
    block: int | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> ChainReader:
    """Agree on a final block of a chain and check the contracts at it.

    Args:
        profile: What the checker decided about the chain.
        now: Unix time by the checker's clock.
        block: Number of an earlier block to read at instead, None for the last final one.
        transport: Replaces the network, for tests.

    Raises:
        EvidenceUnavailableError: See `pin_final_block` and `ChainReader.check_code`.
    """
    async with AsyncExitStack() as stack:
        nodes = [RpcNode(endpoint, transport=transport) for endpoint in profile.endpoints]
        for node in nodes:
            stack.push_async_callback(node.close)
        pin = await pin_final_block(profile, nodes, now=now)
        if block is not None:
            pin = await pin_earlier_block(pin, block)
        reader = ChainReader(profile, nodes, pin)
        begun = [g for g in profile.generations if g.from_block <= reader.header.number]
        pinned = [part for g in begun for part in (g.trust_registry, g.certificate_ledger)]
        await together(*map(reader.check_code, dict.fromkeys(pinned)))
        reader.eras = tuple(await together(*(_era(reader, g) for g in reversed(begun))))
        stack.pop_all()  # everything is as it must be: `ChainReader.close` ends the connections
    return reader


async def _era(reader: ChainReader, generation: Generation) -> Era:
    until = generation.until_block
    if until is None or until > reader.header.number:
        return Era(generation, None)
    return Era(generation, (await reader.block(until)).time)


def _log_entries(value: JsonValue, generation: Generation, last: int) -> list[LogEntry]:
    if not isinstance(value, list) or len(value) > MAX_LOG_ENTRIES:
        raise fault(f"eth_getLogs: not a list of at most {MAX_LOG_ENTRIES} entries")
    return [_log_entry(entry, generation, last) for entry in value]


def _log_entry(value: JsonValue, generation: Generation, last: int) -> LogEntry:
    what = "eth_getLogs"
    if not isinstance(value, dict) or value.get("removed") is True:
        raise fault(f"{what}: an entry is no entry, or of a block that was given up")
    address = read_data(value.get("address"), what=f"{what}, address", length=20)
    topics = value.get("topics")
    if not isinstance(topics, list) or not 1 <= len(topics) <= _MAX_TOPICS:
        raise fault(f"{what}: an entry has no topics")
    entry = LogEntry(
        block=read_quantity(value.get("blockNumber"), what=f"{what}, block"),
        block_hash=read_data(value.get("blockHash"), what=f"{what}, block hash", length=32),
        position=read_quantity(value.get("logIndex"), what=f"{what}, position"),
        topics=tuple(read_data(t, what=f"{what}, topic", length=32) for t in topics),
        data=read_data(value.get("data"), what=f"{what}, data"),
    )
    inside = generation.from_block <= entry.block <= last
    if not inside or f"0x{address.hex()}" != generation.certificate_ledger.address:
        raise fault(f"{what}: an entry was not asked for")
    return entry
