"""The content of a trust bundle in its one encoding (docs/trust-bundle.md).

Deterministic CBOR, not compressed, a function of the chain's state at one block and of the
documents that it names: whoever builds it gets the same bytes.
"""

from __future__ import annotations

import hashlib
from typing import Final

from verifier.bundle.consistency import check_bundle, check_generation
from verifier.bundle.contract_parts import (
    WHAT,
    read_ledger,
    read_registry,
    write_ledger,
    write_registry,
)
from verifier.bundle.items import Items
from verifier.bundle.records import Bundle, ChainRecord, GenerationRecord
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_DEPTH, MAX_BUNDLE_ITEMS
from verifier.core.strict_cbor import CborValue, dump_cbor, parse_cbor

VERSION: Final = 1


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
        "trust_registry": write_registry(generation.registry),
        "certificate_ledger": write_ledger(generation.ledger),
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
        registry=read_registry(items.any()),
        ledger=read_ledger(items.any()),
    )
    # The last two: sections of a later builder are left alone, as if they were not there.
    check_generation(generation)
    return generation
