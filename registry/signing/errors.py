"""Errors of signing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from registry.kit.errors import (
    NotFoundError,
    RegistryError,
    RuleViolationError,
    UnavailableError,
)


class KeystoreLockedError(RuleViolationError):
    """The passphrase does not open the keystore, or none is configured."""

    code = "keystore_locked"


class KeystoreDamagedError(UnavailableError):
    """A file of the keystore is malformed or was changed."""

    code = "keystore_damaged"


class UnknownKeyError(NotFoundError):
    """The signer holds no key with this thumbprint."""

    code = "unknown_signing_key"


NO_SM2: Final = "sm2_unavailable"  # reason of a refusal: the signer's machine has no SM2


class SigningRefusedError(RuleViolationError):
    """The signer refuses: the message is not what a key of this purpose may sign.

    Attributes:
        reason: Stable name of the rule, e.g. "wrong_purpose".
    """

    code = "signing_refused"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SignerUnavailableError(UnavailableError):
    """The signer process does not answer, or answers nonsense."""

    code = "signer_unavailable"


_PLAIN: Final = (KeystoreLockedError, KeystoreDamagedError, UnknownKeyError)


def error_of(
    code: str, reason: object, message: str, *, known: Sequence[type[RegistryError]] = ()
) -> RegistryError:
    """Return the error that another process reported by its code.

    Args:
        code: Its code.
        reason: Which rule refused; None of other errors.
        message: In words.
        known: Errors that this signer reports beside those of every signer.
    """
    if code == SigningRefusedError.code:
        return SigningRefusedError(str(reason), message)
    kinds: tuple[type[RegistryError], ...] = (*_PLAIN, *known)
    kind = next((kind for kind in kinds if kind.code == code), None)
    return kind(message) if kind else SignerUnavailableError(f"{code}: {message}")
