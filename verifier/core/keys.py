"""Public keys, their RFC 7638 names, and signatures over bytes. No private key lives here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.sm2 import Sm2Verify, is_sm2_point, is_sm2_signature

THUMBPRINT_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64  # raw r || s, or Ed25519 R || S
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF_ORDER: Final = P256_ORDER // 2
_ECDSA_SHA256: Final = ECDSA(SHA256())

# Edwards25519 (RFC 8032, section 5.1): field prime and curve constant d.
_ED_PRIME: Final = 2**255 - 19
_ED_D: Final = -121665 * pow(121666, -1, _ED_PRIME) % _ED_PRIME


class Algorithm(StrEnum):
    """Signature algorithms of the format, by their JOSE names."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    SM2 = "SM2-SM3"  # no registered name; of co-signatures alone

    @property
    def chain_code(self) -> int:
        """The number of this algorithm in the TrustRegistry contract."""
        return _CHAIN_CODES[self]

    @classmethod
    def from_chain_code(cls, code: int) -> Algorithm:
        """Return the algorithm with this number in the TrustRegistry contract.

        Raises:
            MalformedEvidenceError: This verifier does not know the number (`algorithm`).
        """
        for algorithm, number in _CHAIN_CODES.items():
            if number == code:
                return algorithm
        raise MalformedEvidenceError("key algorithm", f"{code} is unknown", reason="algorithm")


# What may sign a token that stands for itself. SM2 only ever signs beside one of these.
TOKEN_ALGORITHMS: Final = (Algorithm.ES256, Algorithm.EDDSA)

_CHAIN_CODES: Final = {Algorithm.ES256: 1, Algorithm.EDDSA: 2, Algorithm.SM2: 3}
_RAW_BYTES: Final = {Algorithm.ES256: 64, Algorithm.EDDSA: 32, Algorithm.SM2: 64}
_CURVES: Final = {
    Algorithm.ES256: ("EC", "P-256"),
    Algorithm.EDDSA: ("OKP", "Ed25519"),
    Algorithm.SM2: ("EC", "SM2"),  # no registered curve name either
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key with the one algorithm for which it may be used.

    Attributes:
        algorithm: Taken from the registration of the key, never from a token.
        raw: ES256 and SM2-SM3: x || y, 64 bytes. EdDSA: the 32-byte encoding of RFC 8032.

    Raises:
        MalformedEvidenceError: On construction, when `raw` has the wrong length, is not a point
            of the curve, or is an Ed25519 point of small order or in a second spelling, under
            which one signature would fit many messages (`public_key`).
    """

    algorithm: Algorithm
    raw: bytes
    _loaded: EllipticCurvePublicKey | Ed25519PublicKey | None = field(
        init=False, repr=False, compare=False, hash=False
    )
    _thumbprint: bytes = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        if len(self.raw) != _RAW_BYTES[self.algorithm]:
            raise _bad_key(f"must have {_RAW_BYTES[self.algorithm]} bytes for {self.algorithm}")
        object.__setattr__(self, "_loaded", _load(self.algorithm, self.raw))
        object.__setattr__(self, "_thumbprint", _thumbprint(self.jwk()))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> PublicKey:
        """Return the key of a JWK that holds exactly the required public members.

        Raises:
            MalformedEvidenceError: Another key type or curve, a missing or additional member (a
                private one among them), or a malformed point.
        """
        curve = (jwk.get("kty"), jwk.get("crv"))
        algorithm = next((name for name, known in _CURVES.items() if known == curve), None)
        if algorithm is None:
            raise _bad_key("is of no supported type and curve")
        names = ("x",) if algorithm is Algorithm.EDDSA else ("x", "y")
        if set(jwk) != {"kty", "crv", *names}:
            raise _bad_key(f"must have exactly the members kty, crv, {', '.join(names)}")
        parts = [jwk[name] for name in names]
        return cls(
            algorithm,
            b"".join(
                unb64u(part, what="public key", length=32) if isinstance(part, str) else b""
                for part in parts
            ),
        )

    def jwk(self) -> dict[str, str]:
        """Return the required members of the JWK, in the order of RFC 7638."""
        kty, crv = _CURVES[self.algorithm]
        members = {"crv": crv, "kty": kty, "x": b64u(self.raw[:32])}
        if self.algorithm is not Algorithm.EDDSA:
            members["y"] = b64u(self.raw[32:])
        return members

    def thumbprint(self) -> bytes:
        """Return the SHA-256 JWK thumbprint, 32 bytes (RFC 7638)."""
        return self._thumbprint

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Tell whether `signature` over `message` is by this key; never for an SM2 key.

        Args:
            signature: Raw, 64 bytes. For ES256 only the lower of the two possible s is accepted,
                so that nobody can make a second token out of a signed one.
            message: The signed bytes, not their digest.
        """
        if len(signature) != SIGNATURE_BYTES or self._loaded is None:
            return False
        try:
            if isinstance(self._loaded, Ed25519PublicKey):
                self._loaded.verify(signature, message)
                return True
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            if not (0 < r < P256_ORDER and 0 < s <= _HALF_ORDER):
                return False
            self._loaded.verify(encode_dss_signature(r, s), message, _ECDSA_SHA256)
        except InvalidSignature:
            return False
        return True

    def verify_sm2(self, signature: bytes, message: bytes, *, sm2: Sm2Verify) -> bool:
        """Tell whether `signature` over `message` is by this SM2 key; never for another.

        Args:
            signature: Raw, 64 bytes.
            message: The signed bytes, not their digest.
            sm2: Does the arithmetic.
        """
        return (
            self.algorithm is Algorithm.SM2
            and len(signature) == SIGNATURE_BYTES
            and is_sm2_signature(signature)
            and sm2(self.raw, signature, message)
        )


class Signer(Protocol):
    """Holder of one private key; implementations live outside the verifier."""

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the key."""
        ...

    @property
    def thumbprint(self) -> bytes:
        """The RFC 7638 thumbprint of the public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message`; ECDSA with low s."""
        ...


def low_s(signature: bytes) -> bytes:
    """Return the raw ECDSA P-256 signature with the lower of its two equivalent s values.

    Args:
        signature: r || s, 64 bytes, as a signing device returns it.
    """
    s = int.from_bytes(signature[32:])
    if s <= _HALF_ORDER:
        return signature
    return signature[:32] + (P256_ORDER - s).to_bytes(32)


def _bad_key(message: str) -> MalformedEvidenceError:
    return MalformedEvidenceError("public key", message, reason="public_key")


def _thumbprint(jwk: Mapping[str, str]) -> bytes:
    # RFC 7638: no white space, members in lexicographic order; the values need no escaping.
    members = ",".join(f'"{name}":"{value}"' for name, value in jwk.items())
    return hashlib.sha256(f"{{{members}}}".encode("ascii")).digest()


def _load(algorithm: Algorithm, raw: bytes) -> EllipticCurvePublicKey | Ed25519PublicKey | None:
    if algorithm is Algorithm.SM2:
        if not is_sm2_point(raw):
            raise _bad_key("is not a point of the curve")
        return None
    try:
        if algorithm is Algorithm.ES256:
            return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), b"\x04" + raw)
        _check_edwards_point(raw)
        return Ed25519PublicKey.from_public_bytes(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _bad_key(f"is no usable {algorithm} key") from error


def _check_edwards_point(raw: bytes) -> None:
    """Refuse second spellings, points off the curve and points of order 1, 2, 4 and 8.

    The library checks none of these before a signature is verified. A point of small order makes
    "signatures" that fit any message.
    """
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    numerator, denominator = (y * y - 1) % _ED_PRIME, (_ED_D * y * y + 1) % _ED_PRIME
    if y >= _ED_PRIME:
        raise _bad_key("is not in its canonical encoding")
    # x^2 = (y^2 - 1) / (d y^2 + 1) must be a square (Euler's criterion; d y^2 + 1 is never zero).
    if pow(numerator * denominator, (_ED_PRIME - 1) // 2, _ED_PRIME) not in (0, 1):
        raise _bad_key("is not a point of the curve")
    if _has_small_order(y, numerator, denominator):
        raise _bad_key("is a point of small order")


def _has_small_order(y: int, numerator: int, denominator: int) -> bool:
    # 2P has y' = (y^2 + x^2) / (1 - d x^2 y^2); P has order 1, 2, 4 or 8 exactly when 4P has
    # x = 0 or y = 0, that is when 2P has y' = 0, +-1 or P itself has.
    x2 = numerator * pow(denominator, -1, _ED_PRIME) % _ED_PRIME
    y2 = y * y % _ED_PRIME
    doubled = (y2 + x2) * pow(1 - _ED_D * x2 * y2, -1, _ED_PRIME) % _ED_PRIME
    special = (0, 1, _ED_PRIME - 1)
    return y in special or doubled in special
