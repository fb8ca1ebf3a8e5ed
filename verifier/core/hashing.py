"""Leaf digests: what of a signed document enters the tree.

docs/evidence-format-tree.md, section "Leaf".
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from verifier.core.errors import MalformedEvidenceError

DIGEST_BYTES: Final = 32

_LEAF_PREFIX: Final = b"\x00"  # keeps a leaf from being taken for an inner node, and the reverse
_JWT_DOTS: Final = 2


def leaf_digest(entry: bytes) -> bytes:
    """Return the leaf of one signed entry, SHA-256(0x00 || entry), 32 bytes.

    Args:
        entry: ASCII of a JWT `header.payload.signature`, or the deterministic CBOR of a tagged
            COSE_Sign1 with an empty unprotected header.

    Source: RFC 9162, section 2.1.1.
    """
    return sha256(_LEAF_PREFIX + entry).digest()


def token_leaf(jwt: str) -> bytes:
    """Return the leaf of a JWT. Disclosures are no part of it, so every view has the same leaf.

    Args:
        jwt: `header.payload.signature` exactly as issued.

    Raises:
        MalformedEvidenceError: `jwt` is not three ASCII segments, for example because
            disclosures were left on it.
    """
    if not jwt.isascii() or jwt.count(".") != _JWT_DOTS or "~" in jwt:
        raise MalformedEvidenceError("token", "a leaf is made of header.payload.signature alone")
    return leaf_digest(jwt.encode("ascii"))
