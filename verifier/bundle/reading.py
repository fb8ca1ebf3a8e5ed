"""Everything in the contracts of one chain, read through a quorum at one final block.

Contracts count what they hold. Every list is read from its counter, every log is compared with one,
and what the log says about status is replayed and compared with the words that the contract holds;
a node that leaves something out makes the bundle fail, never smaller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from verifier.bundle.opening import ended
from verifier.bundle.records import (
    MAX_CHAIN_TIME,
    BodyRecord,
    ChainRecord,
    GenerationRecord,
    KeyRecord,
    LedgerRecord,
    OperatorRecord,
    PartyRecord,
    RegistryRecord,
    ScopeRecord,
    StatusRecord,
)
from verifier.bundle.rows import (
    ANCHOR_BYTES,
    EVENT_BYTES,
    LEAF_BYTES,
    WORD_BYTES,
    AnchorRow,
    EventRow,
    LeafRow,
    WordRow,
    replay,
)
from verifier.bundle.table import Table
from verifier.chain.chain_profile import Generation
from verifier.chain.contracts import CERTIFICATE_LEDGER, RFC9162_SHA256, TRUST_REGISTRY, contract
from verifier.chain.reader import ChainReader, Era, LogEntry, few_at_a_time
from verifier.chain.rpc import fault
from verifier.chain.status_events import LEAF_EVENT, LIST_EVENTS, block_times
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.ids import party_from_bytes32
from verifier.core.strict_json import JsonValue

LOG_BLOCKS: Final = 50_000  # of one search; what nodes refuse is split further


async def read_chain(reader: ChainReader) -> ChainRecord:
    """Return everything in the contracts of a chain at the reader's block, without heads.

    Raises:
        EvidenceUnavailableError: The nodes do not give or do not agree on something, or what they
            give is not complete or contradicts itself (`chain_fault`).
    """
    generations = [await _read_generation(reader, era) for era in reversed(reader.eras)]
    header = reader.header
    return ChainRecord(
        chain_id=reader.profile.chain_id,
        genesis=reader.profile.genesis,
        block=header.number,
        block_hash=header.hash,
        time=header.time,
        generations=tuple(generations),
    )


async def _read_generation(reader: ChainReader, era: Era) -> GenerationRecord:
    place = _Place(reader, era.generation)
    registry = await _read_registry(place)
    return GenerationRecord(
        from_block=era.generation.from_block,
        until_block=ended(era.generation, reader.header.number),
        retired_at=era.retired_at,
        registry=registry.record,
        ledger=await _read_ledger(place, registry),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """One generation of contracts on one chain."""

    reader: ChainReader
    generation: Generation

    async def trust(self, function: str, *arguments: object) -> Mapping[str, Any]:
        address = self.generation.trust_registry.address
        return await self._ask(TRUST_REGISTRY, address, function, arguments)

    async def ledger(self, function: str, *arguments: object) -> Mapping[str, Any]:
        address = self.generation.certificate_ledger.address
        return await self._ask(CERTIFICATE_LEDGER, address, function, arguments)

    async def _ask(
        self, name: str, address: str, function: str, arguments: tuple[object, ...]
    ) -> Mapping[str, Any]:
        abi = contract(name)
        answer = await self.reader.call(address, abi.encode_call(function, *arguments))
        return abi.decode_result(function, answer)


@dataclass(frozen=True, slots=True)
class _Registry:
    """A registry with the numbers of its bodies and operators."""

    record: RegistryRecord
    bodies: Mapping[bytes, int]
    operators: Mapping[str, int]


async def _read_registry(place: _Place) -> _Registry:
    parties = await _listed(place, "party", "partyId")
    body_ids = await _listed(place, "body", "bodyId")
    operators = await _listed(place, "operator", "operator")
    party_records = await few_at_a_time(_read_party(place, party) for party in parties)
    numbers = {party: number for number, party in enumerate(parties)}
    bodies = [await _read_body(place, body, numbers) for body in body_ids]
    operator_records = await few_at_a_time(
        _read_operator(place, operator) for operator in operators
    )
    pinned = place.generation.trust_registry
    return _Registry(
        RegistryRecord(
            address=pinned.address,
            code_hash=pinned.code_hash,
            parties=tuple(party_records),
            bodies=tuple(bodies),
            operators=tuple(operator_records),
        ),
        {body: number for number, body in enumerate(body_ids)},
        {operator.lower(): number for number, operator in enumerate(operators)},
    )


async def _listed(place: _Place, thing: str, name: str) -> list[Any]:
    """Return every id of a list that the registry counts."""
    count = (await place.trust(f"{thing}Count"))["count"]
    answers = await few_at_a_time(place.trust(f"{thing}At", index) for index in range(count))
    ids = [answer[name] for answer in answers]
    if len(set(ids)) < len(ids):
        raise fault(f"{thing}At: one is listed twice")
    return ids


async def _read_party(place: _Place, party: bytes) -> PartyRecord:
    record = (await place.trust("partyOf", party))["party"]
    return PartyRecord(
        party=party_from_bytes32(party),
        country=record["country"].decode("ascii", "replace"),
        added_at=_time(record["addedAt"]),
        removed_at=_end(record["removedAt"]),
    )


async def _read_operator(place: _Place, operator: str) -> OperatorRecord:
    window = await place.trust("operatorWindow", operator)
    return OperatorRecord(
        address=operator.lower(), since=_time(window["from"]), until=_end(window["until"])
    )


async def _read_body(place: _Place, body: bytes, parties: Mapping[bytes, int]) -> BodyRecord:
    dossier = await place.trust("bodyDossier", body)
    record = dossier["body"]
    if record["partyId"] not in parties:
        raise fault("bodyDossier: the body is of an unknown party")
    return BodyRecord(
        party=parties[record["partyId"]],
        did=record["did"],
        kind=record["kind"],
        registered_at=_time(record["registeredAt"]),
        statuses=tuple(
            StatusRecord(
                state=each["status"],
                effective_from=_time(each["effectiveFrom"]),
                recorded_at=_time(each["recordedAt"]),
            )
            for each in dossier["statuses"]
        ),
        scopes=tuple(
            ScopeRecord(
                document_hash=each["documentHash"],
                effective_from=_time(each["effectiveFrom"]),
                effective_until=_end(each["effectiveUntil"]),
                recorded_at=_time(each["recordedAt"]),
            )
            for each in dossier["scopes"]
        ),
        keys=await _read_keys(place, body),
    )


async def _read_keys(place: _Place, body: bytes) -> tuple[KeyRecord, ...]:
    count = (await place.trust("keyCount", body))["count"]
    answers = await few_at_a_time(place.trust("keyAt", body, index) for index in range(count))
    names = [answer["thumbprint"] for answer in answers]
    keys = await few_at_a_time(place.trust("keyOf", body, name) for name in names)
    return tuple(
        KeyRecord(
            thumbprint=name,
            algorithm=key["algorithm"],
            purpose=key["purpose"],
            registered_at=_time(key["registeredAt"]),
            sign_until=_end(key["signUntil"]),
            anchor_until=_end(key["anchorUntil"]),
            revoked_at=_end(key["revokedAt"]),
            revocation_recorded_at=_end(key["revocationRecordedAt"]),
            compromised_since=_end(key["compromisedSince"]),
            public_key=key["publicKey"],
        )
        for name, key in zip(names, (answer["key"] for answer in keys), strict=True)
    )


async def _read_ledger(place: _Place, registry: _Registry) -> LedgerRecord:
    count = (await place.ledger("anchorCount"))["count"]
    anchors = await few_at_a_time(place.ledger("anchorAt", index) for index in range(count))
    events, leaves = await _read_changes(place, registry)
    words = await _confirmed(place, registry, events)
    pinned = place.generation.certificate_ledger
    return LedgerRecord(
        address=pinned.address,
        code_hash=pinned.code_hash,
        anchors=Table.of(
            (
                _anchor(ordinal, answer["found"], registry).pack()
                for ordinal, answer in enumerate(anchors)
            ),
            ANCHOR_BYTES,
        ),
        heads=b"",
        words=Table.of((word.pack() for word in words), WORD_BYTES),
        events=Table.of((event.pack() for event in events), EVENT_BYTES),
        leaves=Table.of((leaf.pack() for leaf in leaves), LEAF_BYTES),
    )


def _anchor(ordinal: int, record: Mapping[str, Any], registry: _Registry) -> AnchorRow:
    operator = registry.operators.get(record["operator"].lower())
    if operator is None or record["scheme"] != RFC9162_SHA256:
        raise fault("anchorAt: an anchor of no operator, or of an unknown scheme")
    return AnchorRow(
        root=record["root"],
        size=record["size"],
        ordinal=ordinal,
        operator=operator,
        block=record["blockNumber"],
        time=_time(record["anchoredAt"]),
    )


async def _read_changes(place: _Place, registry: _Registry) -> tuple[list[EventRow], list[LeafRow]]:
    """Return every change of status, as many as the ledger counts for each body."""
    logs = await _all_logs(place)
    times = await block_times(place.reader, logs)
    abi = contract(CERTIFICATE_LEDGER)
    events: list[EventRow] = []
    leaves: list[LeafRow] = []
    found = dict.fromkeys(registry.bodies, 0)
    for log in logs:
        event = abi.decode_event(log.topics, log.data)
        values = event.values
        body = registry.bodies.get(values["bodyId"])
        if body is None:
            raise fault("eth_getLogs: a change of status of no body")
        found[values["bodyId"]] += 1
        where = {"body": body, "block": log.block, "position": log.position}
        when = {"time": _time(times[log.block]), "reason": values["reason"]}
        if event.name == LEAF_EVENT:
            leaves.append(LeafRow(**where, **when, leaf=values["leaf"]))
            continue
        events.append(
            EventRow(
                **where,
                **when,
                list_number=values["list"],
                word=values["word"],
                kind=LIST_EVENTS[event.name],
                by_party=values.get("byParty", False),
                mask=values["mask"],
            )
        )
    counted = await few_at_a_time(
        place.ledger("statusEventCount", body) for body in registry.bodies
    )
    if [answer["count"] for answer in counted] != list(found.values()):
        raise fault("eth_getLogs: the ledger counts another number of changes of status")
    return events, leaves


async def _confirmed(
    place: _Place, registry: _Registry, events: Sequence[EventRow]
) -> list[WordRow]:
    """Return the words that the changes lead to, each compared with what the contract holds."""
    ids = list(registry.bodies)
    ordered = sorted(events, key=EventRow.pack)
    words = list(replay(ordered))
    set_now = {(word.body, word.list_number, word.word): word for word in words}
    touched = dict.fromkeys((each.body, each.list_number, each.word) for each in ordered)
    answers = await few_at_a_time(
        place.ledger("word", ids[body], list_number, word) for body, list_number, word in touched
    )
    for (body, list_number, word), answer in zip(touched, answers, strict=True):
        clear = WordRow(body=body, list_number=list_number, word=word)
        held = replace(
            clear,
            revoked=answer["revoked"],
            by_body=answer["suspendedByBody"],
            by_party=answer["suspendedByParty"],
        )
        if set_now.get((body, list_number, word), clear) != held:
            raise fault("eth_getLogs: the changes of status do not lead to what the ledger holds")
    return words


async def _all_logs(place: _Place) -> list[LogEntry]:
    abi = contract(CERTIFICATE_LEDGER)
    topics: list[JsonValue] = [f"0x{abi.topic(name).hex()}" for name in (*LIST_EVENTS, LEAF_EVENT)]
    first, last = place.generation.from_block, place.reader.last_block(place.generation)
    logs: list[LogEntry] = []
    for start in range(first, last + 1, LOG_BLOCKS):
        logs += await _logs(place, [topics], start, min(start + LOG_BLOCKS - 1, last))
    return logs


async def _logs(
    place: _Place, topics: Sequence[JsonValue], first: int, last: int
) -> tuple[LogEntry, ...]:
    """Return log entries; a range that nodes refuse, most often as too large, is halved."""
    try:
        return await place.reader.logs(place.generation, topics, blocks=(first, last))
    except EvidenceUnavailableError:
        if first == last:
            raise
    middle = (first + last) // 2
    return (
        *await _logs(place, topics, first, middle),
        *await _logs(place, topics, middle + 1, last),
    )


def _time(moment: int) -> int:
    return min(moment, MAX_CHAIN_TIME)


def _end(moment: int) -> int | None:
    return _time(moment) if moment else None  # the contracts write 0 for "none"
