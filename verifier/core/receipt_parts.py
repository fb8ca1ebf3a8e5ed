"""The parts of a receipt, each with its reading and its writing; see `verifier.core.receipt`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import StatusEntry, body_from_hex
from verifier.core.json_members import Members
from verifier.core.keys import PublicKey
from verifier.core.limits import MAX_BATCH_LEAVES, MAX_PATH_NODES, SUBTREE_LEAVES
from verifier.core.merkle import InclusionProof, subtree_count
from verifier.core.strict_json import JsonObject

SCHEME: Final = "RFC9162_SHA256"

_ADDRESS: Final = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
_TRANSACTION: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
# As quantities in an import.
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,19})(\.[0-9]{1,20})?", re.ASCII)
_UNIT: Final = re.compile(r"\S.{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRecord:
    """Where a root is said to be anchored; the chain decides.

    Attributes:
        chain_id: EIP-155 id of the chain.
        contract: Address of the ledger contract, 0x and 40 lower-case digits.
        root: The anchored root, 32 bytes.
        block: Number of the block.
        transaction: Hash of the transaction, 0x and 64 lower-case digits; None when whoever wrote
            the receipt did not send it.
        time: Time of the block, Unix seconds.
    """

    chain_id: int
    contract: str
    root: bytes
    block: int
    transaction: str | None
    time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafProof:
    """The way of one leaf to a root; `anchor` is None while that root is not in a final block."""

    leaf: bytes
    inclusion: InclusionProof
    anchor: AnchorRecord | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadProof:
    """The way of a subtree's head to its root: the rest of the way for an offline code.

    Attributes:
        head: Root of the subtree, 32 bytes.
        leaves: Number of leaves in the subtree.
        subtree: Number of the subtree, counted from 0.
        size: Number of leaves in the whole tree.
        path: Sibling digests from the head upwards, for `merkle.root_from_subtree`.
    """

    head: bytes
    leaves: int
    subtree: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRecord:
    """What the status of the certificate was at a block, as its holder was told."""

    body: bytes
    entry: StatusEntry
    block: int
    time: int
    revoked: bool
    suspended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOff:
    """Quantity that the registry says was used up so far: a decimal string and its unit code."""

    value: str
    unit: str


def read_proof(entry: Members) -> LeafProof:
    """Read the proof of one leaf."""
    entry.expect("anchor", "index", "leaf", "path", "scheme", "size")
    if entry.text("scheme") != SCHEME:
        raise entry.malformed("scheme", "is unknown", reason="scheme")
    size = entry.integer("size", least=1, most=MAX_BATCH_LEAVES)
    return LeafProof(
        leaf=_digest(entry, "leaf"),
        inclusion=InclusionProof(
            index=entry.integer("index", most=size - 1), size=size, path=_path(entry)
        ),
        anchor=entry.optional_child("anchor", read_anchor),
    )


def read_anchor(entry: Members) -> AnchorRecord:
    """Read where a root is said to be anchored."""
    entry.expect("block", "chain_id", "contract", "root", "time", "transaction")
    return AnchorRecord(
        chain_id=entry.integer("chain_id", least=1),
        contract=entry.text("contract", pattern=_ADDRESS),
        root=_digest(entry, "root"),
        block=entry.integer("block"),
        transaction=entry.optional_text("transaction", pattern=_TRANSACTION),
        time=entry.integer("time"),
    )


def read_head(entry: Members) -> HeadProof:
    """Read the rest of an offline code's way."""
    entry.expect("head", "leaves", "path", "size", "subtree")
    size = entry.integer("size", least=1, most=MAX_BATCH_LEAVES)
    return HeadProof(
        head=_digest(entry, "head"),
        leaves=entry.integer("leaves", least=1, most=SUBTREE_LEAVES),
        subtree=entry.integer("subtree", most=subtree_count(size) - 1),
        size=size,
        path=_path(entry),
    )


def read_key(entry: Members) -> PublicKey:
    """Read a public key under its own name."""
    entry.expect("alg", "jwk", "thumbprint")
    key = PublicKey.from_jwk(entry.child("jwk").value)
    if entry.text("alg") != key.algorithm:
        raise entry.malformed("alg", "is not that of the key", reason="algorithm")
    if _digest(entry, "thumbprint") != key.thumbprint():
        raise entry.malformed("thumbprint", "is not that of the key", reason="thumbprint")
    return key


def read_status(entry: Members) -> StatusRecord:
    """Read the last known status."""
    entry.expect("block", "body", "index", "list", "revoked", "suspended", "time")
    return StatusRecord(
        body=body_from_hex(entry.text("body"), what=entry.path("body")),
        entry=StatusEntry(list_number=entry.integer("list"), index=entry.integer("index")),
        block=entry.integer("block"),
        time=entry.integer("time"),
        revoked=entry.flag("revoked"),
        suspended=entry.flag("suspended"),
    )


def read_quantity(entry: Members) -> WrittenOff:
    """Read a quantity and its unit."""
    entry.expect("unit", "value")
    return WrittenOff(
        value=entry.text("value", pattern=_DECIMAL), unit=entry.text("unit", pattern=_UNIT)
    )


def _digest(entry: Members, name: str) -> bytes:
    return unb64u(entry.text(name), what=entry.path(name), length=DIGEST_BYTES)


def _path(entry: Members) -> tuple[bytes, ...]:
    nodes = entry.texts("path")
    if len(nodes) > MAX_PATH_NODES:
        raise LimitExceededError(entry.path("path"), actual=len(nodes), limit=MAX_PATH_NODES)
    return tuple(unb64u(node, what=entry.path("path"), length=DIGEST_BYTES) for node in nodes)


def write_proof(proof: LeafProof) -> JsonObject:
    """Return the JSON form that `read_proof` reads."""
    return {
        "leaf": b64u(proof.leaf),
        "scheme": SCHEME,
        "index": proof.inclusion.index,
        "size": proof.inclusion.size,
        "path": [b64u(node) for node in proof.inclusion.path],
        "anchor": write_anchor(proof.anchor) if proof.anchor else None,
    }


def write_anchor(anchor: AnchorRecord) -> JsonObject:
    """Return the JSON form that `read_anchor` reads."""
    return {
        "chain_id": anchor.chain_id,
        "contract": anchor.contract,
        "root": b64u(anchor.root),
        "block": anchor.block,
        "transaction": anchor.transaction,
        "time": anchor.time,
    }


def write_head(head: HeadProof) -> JsonObject:
    """Return the JSON form that `read_head` reads."""
    return {
        "head": b64u(head.head),
        "leaves": head.leaves,
        "subtree": head.subtree,
        "size": head.size,
        "path": [b64u(node) for node in head.path],
    }


def write_key(key: PublicKey) -> JsonObject:
    """Return the JSON form that `read_key` reads."""
    jwk: JsonObject = {**key.jwk()}
    return {"thumbprint": b64u(key.thumbprint()), "alg": key.algorithm.value, "jwk": jwk}


def write_status(status: StatusRecord) -> JsonObject:
    """Return the JSON form that `read_status` reads."""
    return {
        "body": status.body.hex(),
        "list": status.entry.list_number,
        "index": status.entry.index,
        "block": status.block,
        "time": status.time,
        "revoked": status.revoked,
        "suspended": status.suspended,
    }


def write_quantity(quantity: WrittenOff) -> JsonObject:
    """Return the JSON form that `read_quantity` reads."""
    return {"value": quantity.value, "unit": quantity.unit}
