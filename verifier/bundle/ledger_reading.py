"""Everything in the ledger of one generation: anchors, and status by its words and by its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from verifier.bundle.contract_place import ContractPlace, RegistryRead, chain_time
from verifier.bundle.records import LedgerRecord
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
from verifier.chain.contracts import CERTIFICATE_LEDGER, RFC9162_SHA256, contract
from verifier.chain.reader import LogEntry, few_at_a_time
from verifier.chain.rpc import fault
from verifier.chain.status_events import LEAF_EVENT, LIST_EVENTS, block_times
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.strict_json import JsonValue

LOG_BLOCKS: Final = 50_000  # of one search; what nodes refuse is split further


async def read_ledger(place: ContractPlace, registry: RegistryRead) -> LedgerRecord:
    """Return everything in a CertificateLedger, without heads.

    Raises:
        EvidenceUnavailableError: As `verifier.bundle.reading.read_chain`.
    """
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


def _anchor(ordinal: int, record: Mapping[str, Any], registry: RegistryRead) -> AnchorRow:
    operator = registry.operators.get(record["operator"].lower())
    if operator is None or record["scheme"] != RFC9162_SHA256:
        raise fault("anchorAt: an anchor of no operator, or of an unknown scheme")
    return AnchorRow(
        root=record["root"],
        size=record["size"],
        ordinal=ordinal,
        operator=operator,
        block=record["blockNumber"],
        time=chain_time(record["anchoredAt"]),
    )


async def _read_changes(
    place: ContractPlace, registry: RegistryRead
) -> tuple[list[EventRow], list[LeafRow]]:
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
        when = {"time": chain_time(times[log.block]), "reason": values["reason"]}
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
    place: ContractPlace, registry: RegistryRead, events: Sequence[EventRow]
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


async def _all_logs(place: ContractPlace) -> list[LogEntry]:
    abi = contract(CERTIFICATE_LEDGER)
    topics: list[JsonValue] = [f"0x{abi.topic(name).hex()}" for name in (*LIST_EVENTS, LEAF_EVENT)]
    first, last = place.generation.from_block, place.reader.last_block(place.generation)
    logs: list[LogEntry] = []
    for start in range(first, last + 1, LOG_BLOCKS):
        logs += await _logs(place, [topics], start, min(start + LOG_BLOCKS - 1, last))
    return logs


async def _logs(
    place: ContractPlace, topics: Sequence[JsonValue], first: int, last: int
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
