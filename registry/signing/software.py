"""Private keys in the memory of the signer process.

Beside it only `registry.bundles.keys` imports this, for keys that sign bundles and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from verifier.core.keys import Algorithm, PublicKey, low_s

_ECDSA_SHA256: Final = ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """A private key held in memory; implements `verifier.core.keys.Signer`."""

    private: EllipticCurvePrivateKey | Ed25519PrivateKey
    public: PublicKey

    @classmethod
    def generate(cls, algorithm: Algorithm) -> SoftwareKey:
        """Make a new key from the operating system's randomness.

        Raises:
            ValueError: Keys of this algorithm are not held in this way.
        """
        if algorithm is Algorithm.ES256:
            return cls._of(generate_private_key(SECP256R1()))
        if algorithm is Algorithm.EDDSA:
            return cls._of(Ed25519PrivateKey.generate())
        raise ValueError(f"{algorithm} keys are not held in this way")

    @classmethod
    def from_pkcs8(cls, der: bytes) -> SoftwareKey:
        """Load an unencrypted PKCS #8 key.

        Raises:
            ValueError: The bytes hold no key of a supported kind.
        """
        key = load_der_private_key(der, password=None)
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
            return cls._of(key)
        if isinstance(key, Ed25519PrivateKey):
            return cls._of(key)
        raise ValueError("neither a P-256 nor an Ed25519 key")

    @classmethod
    def _of(cls, private: EllipticCurvePrivateKey | Ed25519PrivateKey) -> SoftwareKey:
        if isinstance(private, Ed25519PrivateKey):
            raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            return cls(private, PublicKey(Algorithm.EDDSA, raw))
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return cls(private, PublicKey(Algorithm.ES256, point[1:]))

    def pkcs8(self) -> bytes:
        """Return the unencrypted PKCS #8 encoding; for the keystore, which encrypts it."""
        return self.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the key."""
        return self.public.algorithm

    @property
    def thumbprint(self) -> bytes:
        """The RFC 7638 thumbprint of the public key, 32 bytes."""
        return self.public.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message`; ECDSA with low s."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        r, s = decode_dss_signature(self.private.sign(message, _ECDSA_SHA256))
        return low_s(r.to_bytes(32) + s.to_bytes(32))
