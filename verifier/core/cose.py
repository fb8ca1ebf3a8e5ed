"""COSE_Sign1 as the evidence format uses it (RFC 9052, section 4.2): tagged, nothing optional.

The protected header has exactly the algorithm, the full key thumbprint and the type. What stands in
the unprotected header is signed by nobody and is no part of the leaf.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.hashing import leaf_digest
from verifier.core.keys import SIGNATURE_BYTES, THUMBPRINT_BYTES, Algorithm, PublicKey, Signer
from verifier.core.strict_cbor import CborKey, CborValue, dump_cbor, parse_cbor

SIGN1_TAG: Final = 18

# Labels of the protected header: RFC 9052, section 3.1, and RFC 9596.
_ALG: Final = 1
_KID: Final = 4
_TYP: Final = 16

# IANA COSE algorithms of the same names as in JOSE.
_COSE_NUMBERS: Final = {Algorithm.ES256: -7, Algorithm.EDDSA: -8}
_ALGORITHMS: Final = {number: algorithm for algorithm, number in _COSE_NUMBERS.items()}

_PARTS: Final = 4  # protected, unprotected, payload, signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign1:
    """One signed message.

    Attributes:
        algorithm: What the header claims; `verify` accepts only that of the registered key.
        thumbprint: RFC 7638 thumbprint of the signing key, 32 bytes.
        typ: Type of the message, e.g. "lancang-summary+cwt".
        payload: The signed bytes.
        signature: Raw, 64 bytes.
        unprotected: What travels along unsigned.
    """

    algorithm: Algorithm
    thumbprint: bytes
    typ: str
    payload: bytes
    signature: bytes
    unprotected: dict[CborKey, CborValue] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the tagged message in its deterministic encoding."""
        return self._encode(self.unprotected)

    def leaf(self) -> bytes:
        """Return the leaf: that of the message with an empty unprotected header, 32 bytes."""
        return leaf_digest(self._encode({}))

    def verify(self, key: PublicKey) -> bool:
        """Tell whether `key` made the signature with its own algorithm."""
        if self.algorithm is not key.algorithm or self.thumbprint != key.thumbprint():
            return False
        return key.verify(self.signature, _signed_bytes(self._header(), self.payload))

    def _header(self) -> bytes:
        return _protected(self.algorithm, self.thumbprint, self.typ)

    def _encode(self, unprotected: dict[CborKey, CborValue]) -> bytes:
        parts: list[CborValue] = [self._header(), unprotected, self.payload, self.signature]
        return dump_cbor(parts, tag=SIGN1_TAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned1:
    """A message for which only the signature is missing; the members are those of `Sign1`."""

    algorithm: Algorithm
    thumbprint: bytes
    typ: str
    payload: bytes

    @property
    def message(self) -> bytes:
        """The bytes to be signed."""
        return _signed_bytes(_protected(self.algorithm, self.thumbprint, self.typ), self.payload)

    def signed(self, signature: bytes) -> Sign1:
        """Return the message with the raw 64-byte signature over `message`."""
        return Sign1(
            algorithm=self.algorithm,
            thumbprint=self.thumbprint,
            typ=self.typ,
            payload=self.payload,
            signature=signature,
        )


def sign1(payload: bytes, *, typ: str, signer: Signer) -> Sign1:
    """Sign a payload."""
    unsigned = Unsigned1(
        algorithm=signer.algorithm, thumbprint=signer.thumbprint, typ=typ, payload=payload
    )
    return unsigned.signed(signer.sign(unsigned.message))


def parse_sign1(data: bytes, *, typ: str, what: str) -> Sign1:
    """Parse a tagged COSE_Sign1 of one type.

    Args:
        data: Its deterministic encoding.
        typ: The type that the protected header must name.
        what: Name of the part being read, for the error message.

    Raises:
        NotOursError: A well-formed message of another type.
        LimitExceededError: Larger or deeper than the format allows.
        MalformedEvidenceError: As `parse_cbor`; not the four parts of a COSE_Sign1 (`cose`); a
            header with other members (`header`); an unknown algorithm (`algorithm`).
    """
    parts = parse_cbor(data, what=what, tag=SIGN1_TAG)
    if not isinstance(parts, list) or len(parts) != _PARTS:
        raise MalformedEvidenceError(what, "is no COSE_Sign1", reason="cose")
    protected, unprotected, payload, signature = parts
    if (
        not isinstance(protected, bytes)
        or not isinstance(unprotected, dict)
        or not isinstance(payload, bytes)
        or not isinstance(signature, bytes)
    ):
        raise MalformedEvidenceError(what, "is no COSE_Sign1", reason="cose")
    algorithm, thumbprint = _parse_header(protected, typ, what)
    if len(signature) != SIGNATURE_BYTES:
        message = f"must have a signature of {SIGNATURE_BYTES} bytes"
        raise MalformedEvidenceError(what, message, reason="length")
    return Sign1(
        algorithm=algorithm,
        thumbprint=thumbprint,
        typ=typ,
        payload=payload,
        signature=signature,
        unprotected=unprotected,
    )


# Both directions are pure, and the few keys in use repeat from message to message.
@lru_cache(maxsize=256)
def _parse_header(protected: bytes, typ: str, what: str) -> tuple[Algorithm, bytes]:
    header = parse_cbor(protected, what=f"{what} header")
    if not isinstance(header, dict):
        raise MalformedEvidenceError(f"{what} header", "must be a map", reason="header")
    if header.get(_TYP) != typ:
        raise NotOursError(what, f"is not of type {typ}")
    if set(header) != {_ALG, _KID, _TYP}:
        message = "must have exactly algorithm, key and type"
        raise MalformedEvidenceError(f"{what} header", message, reason="header")
    number, thumbprint = header[_ALG], header[_KID]
    if not isinstance(number, int) or number not in _ALGORITHMS:
        message = "names an algorithm that the format does not have"
        raise MalformedEvidenceError(f"{what} header", message, reason="algorithm")
    if not isinstance(thumbprint, bytes) or len(thumbprint) != THUMBPRINT_BYTES:
        message = f"must name its key by {THUMBPRINT_BYTES} bytes"
        raise MalformedEvidenceError(f"{what} header", message, reason="length")
    return _ALGORITHMS[number], thumbprint


@lru_cache(maxsize=256)
def _protected(algorithm: Algorithm, thumbprint: bytes, typ: str) -> bytes:
    return dump_cbor({_ALG: _COSE_NUMBERS[algorithm], _KID: thumbprint, _TYP: typ})


def _signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of RFC 9052, section 4.4, without external data."""
    return dump_cbor(["Signature1", protected, b"", payload])
