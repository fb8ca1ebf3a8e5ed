"""Receipts: the proof material that a holder carries or a registry serves.

A receipt proves nothing by itself and is never a source of trust. Its anchors, keys and status say
where to look; chain, contracts and parties come from the checker's profile. The text is RFC 8785
JSON, one spelling only, with a checksum that tells damage from content
(docs/evidence-format-tree.md, "Receipt").
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from verifier.core.cosignature import CoSignature, parse_cosignature
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.json_members import Members
from verifier.core.keys import PublicKey
from verifier.core.receipt_parts import (
    AnchorRecord,
    HeadProof,
    LeafProof,
    StatusRecord,
    WrittenOff,
    read_head,
    read_key,
    read_proof,
    read_quantity,
    read_status,
    write_head,
    write_key,
    write_proof,
    write_quantity,
    write_status,
)
from verifier.core.strict_json import JsonObject, JsonValue, canonical_json, parse_json_object

__all__ = [
    "AnchorRecord",
    "HeadProof",
    "LeafProof",
    "Receipt",
    "StatusRecord",
    "WrittenOff",
    "build_receipt",
    "parse_receipt",
]

_VERSION: Final = 1
_MEMBERS: Final = (
    *("receipt", "token", "co_signature", "release", "proofs", "subtree", "key", "status"),
    *("documents", "registry", "checksum"),
)
_COMPACT: Final = re.compile(r"[A-Za-z0-9_.~-]+", re.ASCII)  # the parser of tokens decides the rest
_MAX_LENGTH: Final = 2**18  # of one string; the whole receipt is bounded when it is read
_MAX_ENTRIES: Final = 32  # a certificate and its views have a handful of leaves and keys

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof material about one certificate, or about one leaf that is no certificate.

    Attributes:
        token: Compact SD-JWT of a view; the public receipt of a leaf has it without disclosures.
            None when the leaf belongs to a summary or a statement and no token is handed out.
        co_signature: The co-signature of the certificate, if it has one.
        release: Compact release statement of the view, if it is one for a destination.
        proofs: Proofs of the leaves of token, co-signature, release statement and summaries.
        heads: The rest of the way for offline codes.
        keys: Public keys that made the signatures.
        status: The last known status, if any.
        documents: Hash-named documents, SHA-256 to the exact RFC 8785 text as UTF-8.
        written_off: None when the registry keeps no account of quantities.
    """

    token: str | None
    co_signature: CoSignature | None = None
    release: str | None = None
    proofs: tuple[LeafProof, ...] = ()
    heads: tuple[HeadProof, ...] = ()
    keys: tuple[PublicKey, ...] = ()
    status: StatusRecord | None = None
    documents: Mapping[bytes, bytes] = field(default_factory=dict)
    written_off: WrittenOff | None = None


def build_receipt(receipt: Receipt) -> bytes:
    """Return the text of a receipt, RFC 8785, UTF-8.

    Raises:
        MalformedEvidenceError: Some part breaks the format; nobody could read the result.
    """
    members = _as_json(receipt)
    members["checksum"] = _checksum(members)
    data = canonical_json(members)
    parse_receipt(data)
    return data


def parse_receipt(data: bytes) -> Receipt:
    """Parse a `*.receipt.json`.

    Raises:
        NotOursError: A JSON object that does not call itself a receipt.
        LimitExceededError: Larger than the format allows.
        MalformedEvidenceError: Any deviation from the format: another version (`version`), a
            missing or unknown member (`members`), a text that is not canonical
            (`not_canonical`), a wrong checksum (`checksum`), a document or key under a name that
            is not its own (`document_hash`, `thumbprint`), a malformed co-signature (as
            `parse_cosignature`), or a value out of bounds.
    """
    value = parse_json_object(data, what="receipt")
    if "receipt" not in value:
        raise NotOursError("receipt", "has no member of that name")
    if value["receipt"] != _VERSION or isinstance(value["receipt"], bool):
        raise MalformedEvidenceError("receipt", "is of an unknown version", reason="version")
    if canonical_json(value) != data:
        message = "is not in its canonical form (RFC 8785)"
        raise MalformedEvidenceError("receipt", message, reason="not_canonical")
    members = Members(value, "receipt")
    members.expect(*_MEMBERS)
    unsealed = {name: member for name, member in value.items() if name != "checksum"}
    if members.text("checksum", longest=_MAX_LENGTH) != _checksum(unsealed):
        raise MalformedEvidenceError("receipt", "was damaged on its way", reason="checksum")
    return Receipt(
        token=members.optional_text("token", pattern=_COMPACT, longest=_MAX_LENGTH),
        co_signature=_co_signature(members),
        release=members.optional_text("release", pattern=_COMPACT, longest=_MAX_LENGTH),
        proofs=_entries(members, "proofs", read_proof),
        heads=_entries(members, "subtree", read_head),
        keys=_entries(members, "key", read_key),
        status=members.optional_child("status", read_status),
        documents=_documents(members.child("documents")),
        written_off=_written_off(members.child("registry")),
    )


def _entries(members: Members, name: str, read: Callable[[Members], Entry]) -> tuple[Entry, ...]:
    entries = members.children(name)
    if len(entries) > _MAX_ENTRIES:
        what = f"receipt.{name}"
        raise LimitExceededError(what, actual=len(entries), limit=_MAX_ENTRIES)
    return tuple(read(entry) for entry in entries)


def _co_signature(members: Members) -> CoSignature | None:
    text = members.optional_text("co_signature", pattern=_COMPACT, longest=_MAX_LENGTH)
    if text is None:
        return None
    try:
        return parse_cosignature(text)
    except NotOursError as error:  # the receipt around it is ours
        raise members.malformed("co_signature", "is none", reason="header") from error


def _documents(entry: Members) -> dict[bytes, bytes]:
    if len(entry.value) > _MAX_ENTRIES:
        actual = len(entry.value)
        raise LimitExceededError("receipt.documents", actual=actual, limit=_MAX_ENTRIES)
    documents = {}
    for name in entry.value:
        text = entry.text(name, longest=_MAX_LENGTH).encode("utf-8")
        digest = unb64u(name, what="name of a document", length=DIGEST_BYTES)
        if hashlib.sha256(text).digest() != digest:
            raise entry.malformed(name, "is not the document of this name", reason="document_hash")
        documents[digest] = text
    return documents


def _written_off(entry: Members) -> WrittenOff | None:
    entry.expect("written_off")
    return entry.optional_child("written_off", read_quantity)


def _as_json(receipt: Receipt) -> JsonObject:
    return {
        "receipt": _VERSION,
        "token": receipt.token,
        "co_signature": None if receipt.co_signature is None else receipt.co_signature.text,
        "release": receipt.release,
        "proofs": [write_proof(proof) for proof in receipt.proofs],
        "subtree": [write_head(head) for head in receipt.heads],
        "key": [write_key(key) for key in receipt.keys],
        "status": write_status(receipt.status) if receipt.status else None,
        "documents": {b64u(name): text.decode() for name, text in receipt.documents.items()},
        "registry": {
            "written_off": write_quantity(receipt.written_off) if receipt.written_off else None
        },
    }


def _checksum(members: Mapping[str, JsonValue]) -> str:
    return b64u(hashlib.sha256(canonical_json(dict(members))).digest())
