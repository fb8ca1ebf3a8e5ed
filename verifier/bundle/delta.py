"""What changed from one bundle to a later one, for devices that fetch a bundle every day.

    {"bundle_delta": 1, "base": SHA-256, "result": SHA-256, "size": bytes of the result,
     "changes": zlib, "changes_size": bytes, "signatures": [[delegation, statement], ...]}

The changes are a deterministic CBOR list that is read from the left: two integers copy so many
bytes of the base from there, a byte string stands for itself. The signatures are those of the
result. Nothing in a delta is believed: base and result are named by their hash.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from verifier.bundle.file import (
    BundleFile,
    SignaturePair,
    inflate,
    read_signatures,
    write_signatures,
)
from verifier.bundle.items import Items
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_FILE_BYTES, MAX_BUNDLE_ITEMS
from verifier.core.strict_cbor import CborValue, dump_cbor, parse_cbor

VERSION: Final = 1
_WHAT: Final = "bundle delta"
_SHORTEST_BLOCK: Final = 32  # bytes; a shorter copy costs as much as it saves
_MOST_BLOCKS: Final = 200_000  # of the base that are looked up; bounds the memory to 40 MB
_COMPARED_BYTES: Final = 1 << 16  # at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A parsed delta.

    Attributes:
        base: SHA-256 of the content that it changes.
        result: SHA-256 of the content that it leads to.
        size: Bytes of the result.
        changes: Copies and insertions, encoded.
        signatures: Of the result.
    """

    base: bytes
    result: bytes
    size: int
    changes: bytes
    signatures: tuple[SignaturePair, ...]

    @classmethod
    def between(cls, base: BundleFile, result: BundleFile) -> Self:
        """Return the delta that leads from one bundle to another."""
        return cls(
            base=base.digest,
            result=result.digest,
            size=len(result.content),
            changes=dump_cbor([*_changes(base.content, result.content)]),
            signatures=result.signatures,
        )

    def encode(self) -> bytes:
        """Return the file."""
        return dump_cbor(
            {
                "bundle_delta": VERSION,
                "base": self.base,
                "result": self.result,
                "size": self.size,
                "changes": zlib.compress(self.changes),
                "changes_size": len(self.changes),
                "signatures": write_signatures(self.signatures),
            }
        )

    def apply(self, base: BundleFile) -> BundleFile:
        """Return the bundle that the delta leads to.

        Raises:
            MalformedEvidenceError: It is for another base (`base`), or does not lead to the result
                that it names (`inconsistent`).
        """
        if base.digest != self.base:
            message = f"is for the bundle {self.base.hex()}, not for {base.digest.hex()}"
            raise MalformedEvidenceError(_WHAT, message, reason="base")
        content = b"".join(_parts(base.content, self.changes, self.size))
        if len(content) != self.size or hashlib.sha256(content).digest() != self.result:
            message = "does not lead to the bundle that it names"
            raise MalformedEvidenceError(_WHAT, message, reason="inconsistent")
        return BundleFile(content, self.signatures)


def parse_delta(data: bytes) -> Delta:
    """Parse a delta file.

    Raises:
        NotOursError: It is no delta.
        LimitExceededError: Larger than the format allows.
        MalformedEvidenceError: It breaks the format.
    """
    value = parse_cbor(data, what=_WHAT, max_bytes=MAX_BUNDLE_FILE_BYTES)
    if not isinstance(value, dict) or "bundle_delta" not in value:
        raise NotOursError(_WHAT, "does not call itself one")
    items = Items.of_map(
        value,
        _WHAT,
        *("bundle_delta", "base", "result", "size", "changes", "changes_size", "signatures"),
    )
    if items.integer() != VERSION:
        raise MalformedEvidenceError(_WHAT, "is of an unknown version", reason="version")
    base, result = items.octets(DIGEST_BYTES), items.octets(DIGEST_BYTES)
    size = items.integer(most=MAX_BUNDLE_BYTES)
    packed, length = items.octets(), items.integer()
    return Delta(
        base=base,
        result=result,
        size=size,
        changes=inflate(packed, length, limit=MAX_BUNDLE_BYTES, what=_WHAT),
        signatures=read_signatures(items),
    )


def _parts(base: bytes, changes: bytes, size: int) -> Iterator[bytes]:
    """Yield the pieces of the result, never more than `size` bytes and one piece."""
    value = parse_cbor(changes, what=_WHAT, max_bytes=MAX_BUNDLE_BYTES, max_items=MAX_BUNDLE_ITEMS)
    if not isinstance(value, list):
        raise MalformedEvidenceError(_WHAT, "has changes that are no list", reason="type")
    rest = iter(value)
    left = size
    for element in rest:
        if isinstance(element, bytes):
            part = element
        else:
            place = Items([element, next(rest, None)], _WHAT)
            start = place.integer(most=len(base))
            part = base[start : start + place.integer(least=1, most=len(base) - start)]
        left -= len(part)
        if left < 0:
            raise MalformedEvidenceError(_WHAT, "leads to a larger bundle", reason="inconsistent")
        yield part


def _changes(base: bytes, result: bytes) -> Iterator[CborValue]:
    """Yield copies and insertions: greedy, by blocks of the base at multiples of their length."""
    length = max(_SHORTEST_BLOCK, -(-len(base) // _MOST_BLOCKS))
    known: dict[bytes, int] = {}
    for at in range(0, len(base) - length + 1, length):
        known.setdefault(base[at : at + length], at)
    done = at = 0
    while at <= len(result) - length:
        found = known.get(result[at : at + length])
        if found is None:
            at += 1
            continue
        while at > done and found > 0 and result[at - 1] == base[found - 1]:
            at, found = at - 1, found - 1
        copied = _common(base, found, result, at)
        if at > done:
            yield result[done:at]
        yield found
        yield copied
        done = at = at + copied
    if done < len(result):
        yield result[done:]


def _common(base: bytes, base_at: int, result: bytes, result_at: int) -> int:
    """Return how many bytes are the same from these places on."""
    most = min(len(base) - base_at, len(result) - result_at)
    same = 0
    step = _COMPARED_BYTES
    while step and same < most:
        size = min(step, most - same)
        one = base[base_at + same : base_at + same + size]
        if one == result[result_at + same : result_at + same + size]:
            same += size
        else:
            step //= 2
    return same
