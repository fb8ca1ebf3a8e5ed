"""The content of a trust bundle in its one encoding (docs/trust-bundle.md).

Deterministic CBOR, not compressed, a function of the chain's state at one block and of the
documents that it names: whoever builds it gets the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from verifier.bundle.consistency import check_bundle, check_generation
from verifier.bundle.items import Items
from verifier.bundle.records import (
    BodyRecord,
    Bundle,
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
from verifier.bundle.rows import ANCHOR_BYTES, EVENT_BYTES, LEAF_BYTES, WORD_BYTES
from verifier.bundle.table import Table
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_DEPTH, MAX_BUNDLE_ITEMS
from verifier.core.strict_cbor import CborValue, dump_cbor, parse_cbor

VERSION: Final = 1
ADDRESS_BYTES: Final = 20
WHAT: Final = "trust bundle"


def encode_content(bundle: Bundle) -> bytes:
    """Return the bytes of a bundle's content."""
    return dump_cbor(
        {
            "bundle": VERSION,
            "chains": [_write_chain(chain) for chain in bundle.chains],
            "documents": [bundle.documents[digest] for digest in sorted(bundle.documents)],
        }
    )


def decode_content(data: bytes) -> Bundle:
    """Parse a bundle's content. Its signatures are the business of the caller.

    Raises:
        LimitExceededError: Larger or deeper than the format allows.
        MalformedEvidenceError: As `parse_cbor`; another version (`version`); a member missing,
            unknown, of another type or out of bounds (`members`, `type`, `value`, `length`); rows
            or documents out of order (`order`); or parts that contradict each other
            (`inconsistent`).
    """
    value = parse_cbor(
        data,
        what=WHAT,
        max_bytes=MAX_BUNDLE_BYTES,
        max_depth=MAX_BUNDLE_DEPTH,
        max_items=MAX_BUNDLE_ITEMS,
    )
    top = Items.of_map(value, WHAT, "bundle", "chains", "documents")
    if top.integer() != VERSION:
        raise MalformedEvidenceError(WHAT, "is of an unknown version", reason="version")
    bundle = Bundle(chains=top.each(_read_chain), documents=_read_documents(top))
    check_bundle(bundle)
    return bundle


def _read_documents(top: Items) -> dict[bytes, bytes]:
    documents: dict[bytes, bytes] = {}
    previous = b""
    for content in top.each(_octets):
        digest = hashlib.sha256(content).digest()
        if digest <= previous:
            message = "are not in the order of their hashes"
            raise MalformedEvidenceError(f"{WHAT} documents", message, reason="order")
        documents[digest] = content
        previous = digest
    return documents


def _octets(value: CborValue) -> bytes:
    return Items([value], f"{WHAT} documents").octets()


def _write_chain(chain: ChainRecord) -> CborValue:
    return {
        "chain_id": chain.chain_id,
        "genesis": chain.genesis,
        "block": chain.block,
        "block_hash": chain.block_hash,
        "time": chain.time,
        "generations": [_write_generation(generation) for generation in chain.generations],
    }


def _read_chain(value: CborValue) -> ChainRecord:
    items = Items.of_map(
        value,
        f"{WHAT} chain",
        *("chain_id", "genesis", "block", "block_hash", "time", "generations"),
    )
    return ChainRecord(
        chain_id=items.integer(least=1),
        genesis=items.octets(DIGEST_BYTES),
        block=items.integer(),
        block_hash=items.octets(DIGEST_BYTES),
        time=items.integer(),
        generations=items.each(_read_generation),
    )


def _write_generation(generation: GenerationRecord) -> CborValue:
    return {
        "from_block": generation.from_block,
        "until_block": generation.until_block,
        "retired_at": generation.retired_at,
        "trust_registry": _write_registry(generation.registry),
        "certificate_ledger": _write_ledger(generation.ledger),
        # Not covered: whoever asks about arrangements or publications learns nothing from here.
        "recognition_ledger": None,
        "publication_ledger": None,
    }


def _read_generation(value: CborValue) -> GenerationRecord:
    items = Items.of_map(
        value,
        f"{WHAT} generation",
        *("from_block", "until_block", "retired_at", "trust_registry", "certificate_ledger"),
        *("recognition_ledger", "publication_ledger"),
    )
    generation = GenerationRecord(
        from_block=items.integer(),
        until_block=items.optional_integer(),
        retired_at=items.optional_integer(),
        registry=_read_registry(items.any()),
        ledger=_read_ledger(items.any()),
    )
    # The last two: sections of a later builder are left alone, as if they were not there.
    check_generation(generation)
    return generation


def _write_registry(registry: RegistryRecord) -> CborValue:
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


def _read_registry(value: CborValue) -> RegistryRecord:
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


def _write_ledger(ledger: LedgerRecord) -> CborValue:
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


def _read_ledger(value: CborValue) -> LedgerRecord:
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
