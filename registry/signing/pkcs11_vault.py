"""Document keys in a PKCS#11 token. For the signer process alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from registry.settings import Pkcs11Settings
from registry.signing.description import KeyDescription
from registry.signing.errors import (
    NO_SM2,
    KeystoreDamagedError,
    SigningRefusedError,
    UnknownKeyError,
)
from registry.signing.pkcs11_token import Curve, Token, TokenKey
from registry.signing.protocol import PROBE_PREFIX
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm, PublicKey, Signer, low_s

_LABEL: Final = "lancang-document/1"  # then purpose, body and time of creation, between blanks
_CURVES: Final = {Algorithm.ES256: Curve.P256, Algorithm.EDDSA: Curve.ED25519}


@dataclass(frozen=True, slots=True)
class TokenDocumentKey:
    """A document key inside a token; implements `verifier.core.keys.Signer`."""

    token: Token
    key: TokenKey
    public: PublicKey

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
        if self.algorithm is Algorithm.EDDSA:
            return self.token.sign(self.key, message)
        return low_s(self.token.sign(self.key, hashlib.sha256(message).digest()))


class Pkcs11Vault:
    """The document keys of one token; implements `registry.signing.vault.KeyVault`."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._loaded: dict[bytes, tuple[KeyDescription, TokenDocumentKey]] = {}

    @classmethod
    def open(cls, settings: Pkcs11Settings, pin: bytes) -> Self:
        """Open a token and make sure that its PIN is right.

        Raises:
            KeystoreLockedError: The PIN is wrong or locked.
            KeystoreDamagedError: A label cannot be read.
            SignerUnavailableError: The token does not answer.
        """
        vault = cls(Token(settings, pin))
        vault.descriptions()
        return vault

    def close(self) -> None:
        """End the session with the token."""
        self._token.close()

    def descriptions(self) -> list[KeyDescription]:
        """See `KeyVault.descriptions`."""
        found = [described for described, _ in self._keys()]
        return sorted(found, key=lambda key: (key.created_at, key.public_key.thumbprint()))

    def load(self, thumbprint: bytes) -> tuple[KeyDescription, Signer]:
        """See `KeyVault.load`."""
        if thumbprint not in self._loaded:
            for described, key in self._keys():
                if key.thumbprint == thumbprint:
                    _prove(key)
                    self._loaded[thumbprint] = (described, key)
        if thumbprint not in self._loaded:
            raise UnknownKeyError(f"the token holds no key {b64u(thumbprint)}")
        return self._loaded[thumbprint]

    def generate(
        self, *, body: bytes, purpose: KeyPurpose, algorithm: Algorithm, at: datetime
    ) -> KeyDescription:
        """See `KeyVault.generate`."""
        if algorithm not in _CURVES:
            raise SigningRefusedError(NO_SM2, f"the token holds no {algorithm} keys")
        label = f"{_LABEL} {int(purpose)} {body.hex()} {at.isoformat()}"
        described, key = self._described(self._token.generate(_CURVES[algorithm], label))
        self._loaded[key.thumbprint] = (described, key)
        return described

    def _keys(self) -> list[tuple[KeyDescription, TokenDocumentKey]]:
        found = self._token.keys(f"{_LABEL} ")
        return [self._described(key) for key in found if key.curve in _CURVES.values()]

    def _described(self, key: TokenKey) -> tuple[KeyDescription, TokenDocumentKey]:
        algorithm = next(name for name, curve in _CURVES.items() if curve is key.curve)
        try:
            _, purpose, body, created_at = key.label.split(" ")
            public = PublicKey(algorithm, key.point)
            described = KeyDescription(
                body=bytes.fromhex(body),
                purpose=KeyPurpose(int(purpose)),
                public_key=public,
                created_at=datetime.fromisoformat(created_at),
            )
        except (ValueError, MalformedEvidenceError) as error:
            raise KeystoreDamagedError(f"a label of the token: {error}") from error
        return described, TokenDocumentKey(self._token, key, public)


def _prove(key: TokenDocumentKey) -> None:
    """Make sure that the private object belongs to the public one beside it."""
    message = PROBE_PREFIX + b"loading"
    if not key.public.verify(key.sign(message), message):
        raise KeystoreDamagedError("two objects of the token have one id and are no pair")
