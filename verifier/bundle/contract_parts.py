"""The contracts of one generation as they stand in the content of a bundle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from verifier.bundle.items import Items
from verifier.bundle.records import (
    BodyRecord,
    KeyRecord,
    LedgerRecord,
    OperatorRecord,
    PartyRecord,
    RegistryRecord,
    ScopeRecord,
    StatusRecord,
)
from verifier.bundle.rows import ANCHOR_BYTES, EVENT_BYTES, LEAF_BYTES, WORD_BYTES
from verifier.bundle.table import Table
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.strict_cbor import CborValue

ADDRESS_BYTES: Final = 20
WHAT: Final = "trust bundle"


def write_registry(registry: RegistryRecord) -> CborValue:
    """Return a TrustRegistry as it stands in a bundle."""
    keys = sum(len(body.keys) for body in registry.bodies)
    counts = [len(registry.parties), len(registry.bodies), keys, len(registry.operators)]
    return {
        "address": _address(registry.address),
        "code_hash": registry.code_hash,
        "counts": [*counts],
        "parties": [
            [party.party, party.country, party.added_at, party.removed_at]
            for party in registry.parties
        ],
        "bodies": [_write_body(body) for body in registry.bodies],
        "operators": [
            [_address(operator.address), operator.since, operator.until]
            for operator in registry.operators
        ],
    }


def read_registry(value: CborValue) -> RegistryRecord:
    """Read a TrustRegistry, whose counters must agree with what follows."""
    what = f"{WHAT} trust registry"
    items = Items.of_map(
        value, what, *("address", "code_hash", "counts", "parties", "bodies", "operators")
    )
    address, code_hash = items.octets(ADDRESS_BYTES), items.octets(DIGEST_BYTES)
    counts = items.any()
    registry = RegistryRecord(
        address=_address_text(address),
        code_hash=code_hash,
        parties=items.each(_read_party),
        bodies=items.each(_read_body),
        operators=items.each(_read_operator),
    )
    keys = sum(len(body.keys) for body in registry.bodies)
    found = [len(registry.parties), len(registry.bodies), keys, len(registry.operators)]
    _check_counts(counts, found, what)
    return registry


def _check_counts(counts: CborValue, found: Iterable[int], what: str) -> None:
    items = Items.of_list(counts, f"{what} counts")
    if [items.integer() for _ in found] != list(found):
        message = "has another number of entries than the contract counts"
        raise MalformedEvidenceError(what, message, reason="inconsistent")
    items.done()


def _read_party(value: CborValue) -> PartyRecord:
    items = Items.of_list(value, f"{WHAT} party")
    party = PartyRecord(
        party=items.text(),
        country=items.text(),
        added_at=items.integer(),
        removed_at=items.optional_integer(),
    )
    items.done()
    return party


def _write_body(body: BodyRecord) -> CborValue:
    return [
        body.party,
        body.did,
        body.kind,
        body.registered_at,
        [[each.state, each.effective_from, each.recorded_at] for each in body.statuses],
        [
            [each.document_hash, each.effective_from, each.effective_until, each.recorded_at]
            for each in body.scopes
        ],
        [_write_key(key) for key in body.keys],
    ]


def _read_body(value: CborValue) -> BodyRecord:
    items = Items.of_list(value, f"{WHAT} body")
    body = BodyRecord(
        party=items.integer(),
        did=items.text(),
        kind=items.integer(),
        registered_at=items.integer(),
        statuses=items.each(_read_status),
        scopes=items.each(_read_scope),
        keys=items.each(_read_key),
    )
    items.done()
    return body


def _read_status(value: CborValue) -> StatusRecord:
    items = Items.of_list(value, f"{WHAT} status of a body")
    status = StatusRecord(
        state=items.integer(), effective_from=items.integer(), recorded_at=items.integer()
    )
    items.done()
    return status


def _read_scope(value: CborValue) -> ScopeRecord:
    items = Items.of_list(value, f"{WHAT} scope")
    scope = ScopeRecord(
        document_hash=items.octets(DIGEST_BYTES),
        effective_from=items.integer(),
        effective_until=items.optional_integer(),
        recorded_at=items.integer(),
    )
    items.done()
    return scope


def _write_key(key: KeyRecord) -> CborValue:
    return [
        key.thumbprint,
        key.algorithm,
        key.purpose,
        key.registered_at,
        key.sign_until,
        key.anchor_until,
        key.revoked_at,
        key.revocation_recorded_at,
        key.compromised_since,
        key.public_key,
    ]


def _read_key(value: CborValue) -> KeyRecord:
    items = Items.of_list(value, f"{WHAT} key")
    key = KeyRecord(
        thumbprint=items.octets(DIGEST_BYTES),
        algorithm=items.integer(),
        purpose=items.integer(),
        registered_at=items.integer(),
        sign_until=items.optional_integer(),
        anchor_until=items.optional_integer(),
        revoked_at=items.optional_integer(),
        revocation_recorded_at=items.optional_integer(),
        compromised_since=items.optional_integer(),
        public_key=items.octets(),
    )
    items.done()
    return key


def _read_operator(value: CborValue) -> OperatorRecord:
    items = Items.of_list(value, f"{WHAT} operator")
    operator = OperatorRecord(
        address=_address_text(items.octets(ADDRESS_BYTES)),
        since=items.integer(),
        until=items.optional_integer(),
    )
    items.done()
    return operator


def write_ledger(ledger: LedgerRecord) -> CborValue:
    """Return a CertificateLedger as it stands in a bundle."""
    changes = len(ledger.events) + len(ledger.leaves)
    return {
        "address": _address(ledger.address),
        "code_hash": ledger.code_hash,
        "counts": [len(ledger.anchors), changes],
        "anchors": ledger.anchors.data,
        "heads": ledger.heads,
        "words": ledger.words.data,
        "events": ledger.events.data,
        "leaves": ledger.leaves.data,
    }


def read_ledger(value: CborValue) -> LedgerRecord:
    """Read a CertificateLedger, whose counters must agree with its tables."""
    what = f"{WHAT} certificate ledger"
    items = Items.of_map(
        value,
        what,
        *("address", "code_hash", "counts", "anchors", "heads", "words", "events", "leaves"),
    )
    address, code_hash = items.octets(ADDRESS_BYTES), items.octets(DIGEST_BYTES)
    counts = items.any()
    ledger = LedgerRecord(
        address=_address_text(address),
        code_hash=code_hash,
        anchors=Table.read(items.octets(), ANCHOR_BYTES, what=f"{WHAT} anchors"),
        heads=items.octets(),
        words=Table.read(items.octets(), WORD_BYTES, what=f"{WHAT} words"),
        events=Table.read(items.octets(), EVENT_BYTES, what=f"{WHAT} events"),
        leaves=Table.read(items.octets(), LEAF_BYTES, what=f"{WHAT} leaves"),
    )
    _check_counts(counts, [len(ledger.anchors), len(ledger.events) + len(ledger.leaves)], what)
    return ledger


def _address(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _address_text(data: bytes) -> str:
    return f"0x{data.hex()}"
