"""Where two bundles differ, in words for whoever compares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from verifier.bundle.records import Bundle, ChainRecord, GenerationRecord


def differences(one: Bundle, other: Bundle) -> list[str]:
    """Name every part in which two bundles differ; empty when they are the same."""
    return list(_bundles(one, other))


def _bundles(one: Bundle, other: Bundle) -> Iterator[str]:
    if [chain.chain_id for chain in one.chains] != [chain.chain_id for chain in other.chains]:
        yield "chains"
        return
    for mine, theirs in zip(one.chains, other.chains, strict=True):
        yield from _chains(mine, theirs)
    for digest in sorted(one.documents.keys() ^ other.documents.keys()):
        yield f"document {digest.hex()}"


def _chains(one: ChainRecord, other: ChainRecord) -> Iterator[str]:
    where = f"chain {one.chain_id}"
    for name in ("genesis", "block", "block_hash", "time"):
        if getattr(one, name) != getattr(other, name):
            yield f"{where}: {name}"
    if len(one.generations) != len(other.generations):
        yield f"{where}: generations"
        return
    for number, pair in enumerate(zip(one.generations, other.generations, strict=True)):
        yield from (f"{where}, generation {number}: {name}" for name in _generations(*pair))


def _generations(one: GenerationRecord, other: GenerationRecord) -> Iterator[str]:
    for name in ("from_block", "until_block", "retired_at"):
        if getattr(one, name) != getattr(other, name):
            yield name
    parts = (("registry", one.registry, other.registry), ("ledger", one.ledger, other.ledger))
    for part, mine, theirs in parts:
        for field in fields(mine):
            if getattr(mine, field.name) != getattr(theirs, field.name):
                yield f"{part}.{field.name}"
