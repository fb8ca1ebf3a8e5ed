"""The trust source that reads contracts through nodes, as the checker's profile says."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import chain as joined
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from verifier.chain.contracts import CERTIFICATE_LEDGER, RFC9162_SHA256, TRUST_REGISTRY, contract
from verifier.chain.profile import Profile
from verifier.chain.reader import ChainReader, Era, open_chain, together
from verifier.chain.records import read_anchor, read_body, read_key
from verifier.chain.rpc import mismatch
from verifier.chain.status_events import read_status_events
from verifier.chain.succession import Said, earliest_anchor, one_body, one_key
from verifier.checks.facts import AnchorFacts, BodyFacts, Head, KeyFacts, StatusEvent, StatusFacts
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.ids import StatusEntry

_QUESTIONS_AT_ONCE: Final = 32  # more wait in the client, where their time-outs run

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusWords:
    """Words of a status list as the ledger keeps them, by number of the word.

    Bit i of a word, from the least significant, speaks for the entry 256 * word + i. An entry is
    suspended when the body or its party says so.
    """

    revoked: Mapping[int, int]
    suspended: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Place:
    """One generation of contracts on one chain."""

    reader: ChainReader
    era: Era

    async def trust(self, function: str, *arguments: object) -> dict[str, Any]:
        address = self.era.generation.trust_registry.address
        return await self._ask(TRUST_REGISTRY, address, function, arguments)

    async def ledger(self, function: str, *arguments: object) -> dict[str, Any]:
        address = self.era.generation.certificate_ledger.address
        return await self._ask(CERTIFICATE_LEDGER, address, function, arguments)

    async def _ask(
        self, name: str, address: str, function: str, arguments: tuple[object, ...]
    ) -> dict[str, Any]:
        abi = contract(name)
        answer = await self.reader.call(address, abi.encode_call(function, *arguments))
        return dict(abi.decode_result(function, answer))


def _check_covered(home: ChainReader) -> None:
    if not any(era.generation.covers(home.header.number) for era in home.eras):
        raise mismatch(
            f"chain {home.profile.chain_id}: the profile names no contracts for block "
            f"{home.header.number}"
        )


class RpcTrustSource:
    """A `TrustSource` over JSON-RPC: one final block per chain, k operators for every fact.

    Nothing is asked before the first fact is wanted. What made the first one unavailable makes all
    of them so: a dead network costs its time-out once. For one verification, in one thread, outside
    any event loop; use as a context manager.

    Args:
        profile: Chains, contracts, endpoints and quorum.
        now: Unix time by the checker's clock, against which the age of the final block is held.
        history: Read the log of status changes even while no bit is set, for a question about a
            moment in the past. Then a missing log makes the status unavailable.
        transport: Replaces the network, for tests.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        now: int,
        history: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._profile = profile
        self._now = now
        self._history = history
        self._transport = transport
        self._runner = asyncio.Runner()
        self._readers: tuple[ChainReader, ...] = ()
        self._failure: EvidenceUnavailableError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. May be called twice."""
        readers, self._readers = self._readers, ()
        for reader in readers:
            self._runner.run(reader.close())
        self._runner.close()

    def head(self) -> Head:
        """Return the final block of the home chain, at which trust facts and status are read."""
        home = self._open()[0]
        return Head(
            chain_id=home.profile.chain_id,
            block=home.header.number,
            block_hash=home.header.hash,
            time=home.header.time,
        )

    def find_body(self, body_id: bytes) -> BodyFacts | None:
        """Return the body with this 32-byte id, as all generations of contracts know it."""
        return self._run(self._find_body(body_id))

    def find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        """Return the key of a body by its RFC 7638 thumbprint, with its strictest limits."""
        return self._run(self._find_key(body_id, thumbprint))

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """Return the earliest authorised anchor of a root, on any chain of the profile.

        An anchor counts only in blocks for which its generation of contracts speaks.
        """
        return self._run(self._find_anchor(root, size))

    def status(self, body_id: bytes, *, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """Return the status of one entry and of the leaf, set in any generation of contracts.

        Events tell when and why. They come from the log, and only when a bit is set or the history
        was asked for; without a usable log the bits stand alone.
        """
        entry = StatusEntry(list_number=list_number, index=index)
        return self._run(self._status(body_id, entry, leaf))

    def status_event_count(self, body_id: bytes) -> int:
        """Return how many status changes of a body are recorded in all generations of contracts.

        It only grows: the same number again means that no bit of the body has changed.
        """
        return self._run(self._status_event_count(body_id))

    def status_words(self, body_id: bytes, *, list_number: int, words: int) -> StatusWords:
        """Return the first words of a status list, set in any generation of contracts.

        Args:
            body_id: Body that owns the list, 32 bytes.
            list_number: Number of the list.
            words: How many words of 256 entries; each is a call, and the answers are few bytes.
        """
        return self._run(self._status_words(body_id, list_number, words))

    def _run(self, question: Coroutine[None, None, Result]) -> Result:
        try:
            self._open()
            return self._runner.run(question)
        finally:
            question.close()

    def _open(self) -> tuple[ChainReader, ...]:
        if self._failure is not None:
            raise self._failure
        if not self._readers:
            try:
                self._readers = self._runner.run(self._connect())
            except EvidenceUnavailableError as error:
                self._failure = error
                raise
        return self._readers

    async def _connect(self) -> tuple[ChainReader, ...]:
        async with AsyncExitStack() as stack:
            readers = []
            for chain in self._profile.chains:
                reader = await open_chain(chain, now=self._now, transport=self._transport)
                stack.push_async_callback(reader.close)
                readers.append(reader)
            _check_covered(readers[0])
            stack.pop_all()  # everything is as it must be: `close` ends the connections
        return tuple(readers)

    def _places(self) -> list[_Place]:
        """Return every generation on every chain, the newest of the home chain first."""
        return [_Place(reader, era) for reader in self._readers for era in reader.eras]

    async def _find_body(self, body_id: bytes) -> BodyFacts | None:
        places = self._places()
        dossiers = await together(*(place.trust("bodyDossier", body_id) for place in places))
        bodies = [read_body(body_id, dossier) for dossier in dossiers]
        return one_body(
            [
                Said(body, place.era.retired_at)
                for place, body in zip(places, bodies, strict=True)
                if body is not None
            ]
        )

    async def _find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        places = self._places()
        records = await together(*(place.trust("keyOf", body_id, thumbprint) for place in places))
        keys = [read_key(thumbprint, record["key"]) for record in records]
        return one_key(
            [
                Said(key, place.era.retired_at)
                for place, key in zip(places, keys, strict=True)
                if key is not None
            ]
        )

    async def _find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        places = self._places()
        records = await together(
            *(place.ledger("earliestAnchor", RFC9162_SHA256, root, size) for place in places)
        )
        anchors = [
            read_anchor(
                root,
                size,
                record["found"],
                chain_id=place.reader.profile.chain_id,
                ledger=place.era.generation.certificate_ledger.address,
            )
            for place, record in zip(places, records, strict=True)
        ]
        return earliest_anchor(
            [
                anchor
                for place, anchor in zip(places, anchors, strict=True)
                if anchor is not None and place.era.generation.covers(anchor.block)
            ]
        )

    async def _status(self, body_id: bytes, entry: StatusEntry, leaf: bytes) -> StatusFacts:
        places = self._places()
        answers = await together(
            *(
                place.ledger("statusOf", body_id, entry.list_number, entry.index, leaf)
                for place in places
            )
        )
        revoked = any(answer["revoked"] or answer["leafRevoked"] for answer in answers)
        by_body = any(answer["suspendedByBody"] for answer in answers)
        by_party = any(answer["suspendedByParty"] for answer in answers)
        events: tuple[StatusEvent, ...] = ()
        if revoked or by_body or by_party or self._history:
            events = await self._events(places, body_id, entry, leaf)
        return StatusFacts(
            revoked=revoked,
            suspended_by_body=by_body,
            suspended_by_party=by_party,
            events=events,
        )

    async def _status_event_count(self, body_id: bytes) -> int:
        counts = await together(
            *(place.ledger("statusEventCount", body_id) for place in self._places())
        )
        return sum(count["count"] for count in counts)

    async def _status_words(self, body_id: bytes, list_number: int, words: int) -> StatusWords:
        revoked: dict[int, int] = {}
        suspended: dict[int, int] = {}
        asked = [(place, word) for place in self._places() for word in range(words)]
        for start in range(0, len(asked), _QUESTIONS_AT_ONCE):
            part = asked[start : start + _QUESTIONS_AT_ONCE]
            answers = await together(
                *(place.ledger("word", body_id, list_number, word) for place, word in part)
            )
            for (_, word), bits in zip(part, answers, strict=True):
                either = bits["suspendedByBody"] | bits["suspendedByParty"]
                revoked[word] = revoked.get(word, 0) | bits["revoked"]
                suspended[word] = suspended.get(word, 0) | either
        return StatusWords(revoked=revoked, suspended=suspended)

    async def _events(
        self, places: list[_Place], body_id: bytes, entry: StatusEntry, leaf: bytes
    ) -> tuple[StatusEvent, ...]:
        try:
            events = await together(
                *(
                    read_status_events(
                        place.reader, place.era, body=body_id, entry=entry, leaf=leaf
                    )
                    for place in places
                )
            )
        except EvidenceUnavailableError:
            if self._history:
                raise
            return ()  # the bits are facts without the log; only time and reason are missing
        return tuple(sorted(joined(*events), key=lambda event: (event.time, event.block)))
