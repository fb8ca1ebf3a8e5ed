"""When and why the status of one certificate changed, from the ledger's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from verifier.chain.contracts import CERTIFICATE_LEDGER, contract
from verifier.chain.reader import ChainReader, Era, LogEntry, few_at_a_time, together
from verifier.chain.rpc import fault
from verifier.checks.facts import StatusEvent
from verifier.core.ids import StatusEntry
from verifier.core.strict_json import JsonValue

MAX_EVENTS: Final = 64  # changes of one certificate; each costs the look-up of a block
WORD_BITS: Final = 256  # of a word of the ledger's bitmaps
LIST_EVENTS: Final = {
    "StatusRevoked": "revoked",
    "StatusSuspended": "suspended",
    "StatusResumed": "resumed",
}
LEAF_EVENT: Final = "LeafRevoked"


async def read_status_events(
    reader: ChainReader, era: Era, *, body: bytes, entry: StatusEntry, leaf: bytes
) -> tuple[StatusEvent, ...]:
    """Return every recorded change of one status entry and of one leaf, oldest first.

    Args:
        reader: The chain.
        era: The generation of contracts to search; its blocks bound the search.
        body: Body that owns the list, 32 bytes.
        entry: List and index.
        leaf: Leaf of the certificate, 32 bytes.

    Raises:
        EvidenceUnavailableError: The nodes do not give or do not agree on the log.
    """
    ledger = contract(CERTIFICATE_LEDGER)
    list_topics = [_hex(ledger.topic(name)) for name in LIST_EVENTS]
    list_number = entry.list_number.to_bytes(32)
    found = await together(
        reader.logs(era.generation, [list(list_topics), _hex(body), _hex(list_number)]),
        reader.logs(era.generation, [_hex(ledger.topic(LEAF_EVENT)), _hex(body), _hex(leaf)]),
    )
    changes = [
        (log, kind, event.values)
        for log in sorted((*found[0], *found[1]), key=lambda log: (log.block, log.position))
        for event in [ledger.decode_event(log.topics, log.data)]
        for kind in [_kind(event.name, event.values, body, entry, leaf)]
        if kind is not None
    ]
    if len(changes) > MAX_EVENTS:
        raise fault(f"more than {MAX_EVENTS} changes of one status")
    times = await block_times(reader, [log for log, _, _ in changes])
    return tuple(
        StatusEvent(
            kind=kind,
            reason=values["reason"],
            by_party=values.get("byParty", False),
            block=log.block,
            time=times[log.block],
        )
        for log, kind, values in changes
    )


def _kind(
    name: str, values: Mapping[str, Any], body: bytes, entry: StatusEntry, leaf: bytes
) -> str | None:
    """Return the kind of an event, None when it is about other entries of the same list.

    Nodes filter by body, list and leaf; that they did is checked.
    """
    if name == LEAF_EVENT:
        asked_for = values["bodyId"] == body and values["leaf"] == leaf
        concerned = True
    else:
        asked_for = values["bodyId"] == body and values["list"] == entry.list_number
        word, bit = divmod(entry.index, WORD_BITS)
        concerned = values.get("word") == word and bool(values["mask"] >> bit & 1)
    if not asked_for:
        raise fault("eth_getLogs: an entry is about another certificate")
    if not concerned:
        return None
    return LIST_EVENTS.get(name, "revoked")


async def block_times(reader: ChainReader, logs: Sequence[LogEntry]) -> dict[int, int]:
    """Return the time of every block that log entries are of, by number.

    Raises:
        EvidenceUnavailableError: A block is not the one that its entry names (`chain_fault`), or
            no quorum for it.
    """
    blocks = {log.block: log.block_hash for log in logs}
    headers = await few_at_a_time(map(reader.block, blocks))
    for header in headers:
        if blocks[header.number] != header.hash:
            raise fault("eth_getLogs: an entry is of a block that is not on the chain")
    return {header.number: header.time for header in headers}


def _hex(data: bytes) -> JsonValue:
    return f"0x{data.hex()}"
