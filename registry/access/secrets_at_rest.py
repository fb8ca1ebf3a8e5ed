"""How secrets are kept: passwords by argon2id, tokens and sessions by a keyed digest."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from registry.access.errors import AccessKeyError, WeakPasswordError
from registry.kit.files import write_atomically
from verifier.core.encoding import b64u

KEY_BYTES: Final = 32
TOKEN_BYTES: Final = 32  # 256 random bits: nobody guesses, so one fast keyed hash is enough
TOKEN_PREFIX: Final = "lct_"  # noqa: S105  (lets scanners of leaked secrets recognise one)
MIN_PASSWORD_CHARS: Final = 12
MAX_PASSWORD_CHARS: Final = 128  # argon2 takes more; nobody types more
_MIN_DIFFERENT: Final = 5  # letters: "aaaaaaaaaaaa" is long and no secret

# RFC 9106, section 4, second recommended option, with one lane: 64 MiB, three passes.
_TIME_COST: Final = 3
_MEMORY_KIB: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Key under which digests of tokens are made: a stolen database alone opens nothing.

    Attributes:
        secret: 32 random bytes.
    """

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise AccessKeyError(f"the access key has {KEY_BYTES} bytes")

    def __repr__(self) -> str:
        return "AccessKey(...)"

    def digest(self, purpose: str, secret: str) -> bytes:
        """Return the 32-byte digest of a secret for a purpose."""
        message = purpose.encode("ascii") + b"\x00" + secret.encode()
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def open_key(path: Path, *, may_make: bool) -> AccessKey:
    """Read the access key of the installation.

    Args:
        path: File of 64 hexadecimal digits.
        may_make: Make one where there is none.

    Raises:
        AccessKeyError: It is missing, unreadable or malformed.
    """
    try:
        if may_make and not path.exists():
            write_atomically(path, os.urandom(KEY_BYTES).hex().encode("ascii") + b"\n")
        return AccessKey(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise AccessKeyError(f"the access key cannot be read: {path.name}") from error


def new_secret() -> str:
    """Return a new random secret of 256 bits as text."""
    return b64u(os.urandom(TOKEN_BYTES))


def new_token() -> str:
    """Return a new API token."""
    return TOKEN_PREFIX + new_secret()


class Passwords:
    """Hashes and compares passwords with argon2id."""

    def __init__(self, *, time_cost: int = _TIME_COST, memory_kib: int = _MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16
        )

    @cached_property
    def dummy(self) -> str:
        """Hash of nothing anybody knows; compared where there is no account, to take as long."""
        return self._hasher.hash(new_secret())

    def hash(self, password: str) -> str:
        """Return the encoded argon2id hash of a new password.

        Raises:
            WeakPasswordError: It is too short, too long or monotonous.
        """
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            raise WeakPasswordError(
                f"a password has {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"
            )
        if len(set(password.casefold())) < _MIN_DIFFERENT:
            raise WeakPasswordError(f"a password has at least {_MIN_DIFFERENT} different letters")
        return self._hasher.hash(password)

    def matches(self, encoded: str, password: str) -> bool:
        """Tell whether a password is the one behind a hash."""
        if len(password) > MAX_PASSWORD_CHARS:
            return False
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, encoded: str) -> bool:
        """Tell whether a hash was made with other costs than those of today."""
        return self._hasher.check_needs_rehash(encoded)
