"""What holds document keys: a folder of encrypted files, or a PKCS#11 token."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from registry.signing.description import KeyDescription
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm, Signer


class KeyVault(Protocol):
    """Document keys, each with the description that the vault protects together with it."""

    def descriptions(self) -> list[KeyDescription]:
        """Return the description of every key, in the order of their creation."""
        ...

    def load(self, thumbprint: bytes) -> tuple[KeyDescription, Signer]:
        """Return a key with its protected description.

        Raises:
            UnknownKeyError: There is no such key.
            KeystoreDamagedError: Key and description do not belong together.
            SigningRefusedError: The key cannot be used here; the reason says why.
            SignerUnavailableError: The token does not answer.
        """
        ...

    def generate(
        self, *, body: bytes, purpose: KeyPurpose, algorithm: Algorithm, at: datetime
    ) -> KeyDescription:
        """Make and keep a new key.

        Raises:
            SigningRefusedError: It holds no keys of this algorithm; the reason says why.
            SignerUnavailableError: The token does not answer.
        """
        ...
