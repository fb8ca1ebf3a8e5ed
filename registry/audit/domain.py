"""Entries of the audit trail and how they are bound into a chain. Pure.

Each entry carries the hash of the one before it and its own:

    hash = SHA-256( "lancang/audit/1" 0x00 || previous hash || canonical JSON of the entry )

so that a changed, removed or inserted entry breaks every hash from there on. The first entry
follows 32 zero bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from registry.kit.json_bytes import canonical_bytes
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.strict_json import JsonObject, JsonValue

GENESIS: Final = bytes(DIGEST_BYTES)
_PREFIX: Final = b"lancang/audit/1\x00"


class Outcome(StrEnum):
    """How an act ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act.

    Attributes:
        at: When.
        actor: Name of who acted, as shown.
        person: Key by which acts of one person are found.
        action: Stable code such as `certificate.approve`.
        object: What it was done to, such as `certificate:<id>`.
        tenant: On whose behalf: `body:<hex>`, `party:<id>` or `installation`.
        outcome: How it ended.
        request_id: Id of the HTTP request or command, None where there is none.
        details: Codes, ids and digests; never a secret, a body of a document or its personal data.
    """

    at: datetime
    actor: str
    person: str
    action: str
    object: str
    tenant: str
    outcome: Outcome = Outcome.DONE
    request_id: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)

    def canonical(self, sequence: int) -> bytes:
        """Return the bytes that are hashed for the entry at place `sequence`, counted from 1."""
        value: JsonObject = {
            "action": self.action,
            "actor": self.actor,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "details": dict(self.details),
            "object": self.object,
            "outcome": self.outcome.value,
            "person": self.person,
            "request_id": self.request_id,
            "sequence": sequence,
            "tenant": self.tenant,
        }
        return canonical_bytes(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An entry at its place in the chain.

    Attributes:
        sequence: Its place, counted from 1 without gaps.
        entry: The act.
        previous: Hash of the entry before it, 32 bytes.
        hash: Its own hash, 32 bytes.
    """

    sequence: int
    entry: Entry
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest entry: its place and hash; place 0 and zeros before the first."""

    sequence: int
    hash: bytes


EMPTY: Final = Head(sequence=0, hash=GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where the chain does not hold.

    Attributes:
        sequence: Place of the first entry that is wrong or missing.
        code: `gap`, `previous`, `hash`, `head` or `anchored`.
    """

    sequence: int
    code: str


def bind(head: Head, entries: Iterable[Entry]) -> list[Link]:
    """Return the entries as the links that follow `head`."""
    links: list[Link] = []
    for entry in entries:
        sequence = head.sequence + 1
        digest = _hash(head.hash, entry.canonical(sequence))
        links.append(Link(sequence=sequence, entry=entry, previous=head.hash, hash=digest))
        head = Head(sequence=sequence, hash=digest)
    return links


def first_break(
    links: Iterable[Link], *, head: Head, anchored: Mapping[int, bytes]
) -> Break | None:
    """Recompute a chain from its beginning and return the first place where it does not hold.

    Args:
        links: Every stored link in the order of their places.
        head: The head that is stored beside them; entries cut off the end show by it.
        anchored: Hashes, by place, that were anchored on earlier days; a chain that was rewritten
            and hashed anew shows by them.
    """
    reached = EMPTY
    for link in links:
        expected = reached.sequence + 1
        if link.sequence != expected:
            return Break(sequence=expected, code="gap")
        if link.previous != reached.hash:
            return Break(sequence=expected, code="previous")
        if link.hash != _hash(reached.hash, link.entry.canonical(expected)):
            return Break(sequence=expected, code="hash")
        if anchored.get(expected, link.hash) != link.hash:
            return Break(sequence=expected, code="anchored")
        reached = Head(sequence=link.sequence, hash=link.hash)
    if reached != head:
        return Break(sequence=min(reached.sequence, head.sequence) + 1, code="head")
    beyond = [place for place in anchored if place > reached.sequence]
    return Break(sequence=reached.sequence + 1, code="anchored") if beyond else None


def head_entry(head: Head, *, at: datetime) -> bytes:
    """Return the bytes that are anchored for a head; docs/adr/0011-audit-trail.md."""
    value: JsonObject = {
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "audit_head": 1,
        "hash": head.hash.hex(),
        "sequence": head.sequence,
    }
    return canonical_bytes(value)


def _hash(previous: bytes, canonical: bytes) -> bytes:
    return hashlib.sha256(_PREFIX + previous + canonical).digest()
