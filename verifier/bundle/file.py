"""The file around a bundle's content: compression and signatures, which are no part of it.

    {"bundle_file": 1, "content": zlib, "size": bytes of the content,
     "signatures": [[delegation, statement], ...]}

Deterministic CBOR. The signatures are over the hash of the content, so it can be compressed again
or signed by more people and stays the same bundle.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from verifier.bundle.items import Items
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.limits import (
    MAX_BUNDLE_BYTES,
    MAX_BUNDLE_FILE_BYTES,
    MAX_BUNDLE_SIGNATURES,
    MAX_CBOR_BYTES,
)
from verifier.core.strict_cbor import CborValue, dump_cbor, parse_cbor

VERSION: Final = 1
_WHAT: Final = "bundle file"
_LEVEL: Final = 6  # of zlib; 9 takes four times as long for a hundredth less


@dataclass(frozen=True, slots=True)
class SignaturePair:
    """One signer's word for a bundle: who may sign for him, and what that key signed.

    Attributes:
        delegation: COSE_Sign1 by a signer that the checker's profile names.
        statement: COSE_Sign1 by the key that the delegation names.
    """

    delegation: bytes
    statement: bytes


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A bundle as it travels, unpacked but not yet believed or read.

    Attributes:
        content: The canonical bytes.
        signatures: Of whoever vouches for them.
        digest: SHA-256 of the content, the name of the bundle.
    """

    content: bytes
    signatures: tuple[SignaturePair, ...] = ()
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.content).digest())

    def encode(self) -> bytes:
        """Return the file."""
        return dump_cbor(
            {
                "bundle_file": VERSION,
                "content": zlib.compress(self.content, _LEVEL),
                "size": len(self.content),
                "signatures": write_signatures(self.signatures),
            }
        )


def parse_bundle_file(data: bytes) -> BundleFile:
    """Unpack a bundle file.

    Raises:
        NotOursError: It is no bundle file.
        LimitExceededError: The file or its content is larger than the format allows.
        MalformedEvidenceError: It breaks the format.
    """
    value = parse_cbor(data, what=_WHAT, max_bytes=MAX_BUNDLE_FILE_BYTES)
    if not isinstance(value, dict) or "bundle_file" not in value:
        raise NotOursError(_WHAT, "does not call itself one")
    items = Items.of_map(value, _WHAT, "bundle_file", "content", "size", "signatures")
    if items.integer() != VERSION:
        raise MalformedEvidenceError(_WHAT, "is of an unknown version", reason="version")
    packed, size = items.octets(), items.integer()
    return BundleFile(
        inflate(packed, size, limit=MAX_BUNDLE_BYTES, what=_WHAT), read_signatures(items)
    )


def write_signatures(signatures: Sequence[SignaturePair]) -> CborValue:
    """Return signatures as they stand in a file."""
    return [[pair.delegation, pair.statement] for pair in signatures]


def read_signatures(items: Items) -> tuple[SignaturePair, ...]:
    """Read the next member of a file, its signatures."""
    pairs = items.each(_read_pair)
    if len(pairs) > MAX_BUNDLE_SIGNATURES:
        what = f"{_WHAT} (signatures)"
        raise LimitExceededError(what, actual=len(pairs), limit=MAX_BUNDLE_SIGNATURES)
    return pairs


def _read_pair(value: CborValue) -> SignaturePair:
    items = Items.of_list(value, f"{_WHAT} signature")
    pair = SignaturePair(items.octets(), items.octets())
    items.done()
    if max(len(pair.delegation), len(pair.statement)) > MAX_CBOR_BYTES:
        raise MalformedEvidenceError(_WHAT, "has a signature that is none", reason="length")
    return pair


def inflate(packed: bytes, size: int, *, limit: int, what: str) -> bytes:
    """Return `size` bytes that were compressed with zlib, never unpacking more than that.

    Raises:
        LimitExceededError: More than `limit` bytes are announced.
        MalformedEvidenceError: The data is damaged, or unpacks to another size (`compression`).
    """
    if size > limit:
        raise LimitExceededError(what, actual=size, limit=limit)
    unpacker = zlib.decompressobj()
    try:
        # One byte more shows that there would be more; zero would mean without a limit.
        content = unpacker.decompress(packed, size + 1)
    except zlib.error as error:
        raise MalformedEvidenceError(what, "is damaged", reason="compression") from error
    if len(content) != size or not unpacker.eof or unpacker.unused_data:
        message = "does not unpack to the size that it announces"
        raise MalformedEvidenceError(what, message, reason="compression")
    return content
