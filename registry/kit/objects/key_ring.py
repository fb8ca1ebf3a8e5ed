"""Keys that encrypt data keys, and what is encrypted under a data key.

Every certificate has a data key of its own, 256 random bits. It is kept wrapped under a
key-encryption key (AES Key Wrap, RFC 3394), so that a stolen database reveals nothing that a stolen
store holds, and destroying the wrapped key is destroying everything that was encrypted under it,
in every copy of the store.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from registry.kit.errors import ConflictError, UnusableSettingsError
from registry.kit.files import write_atomically
from registry.kit.objects.port import DamagedObjectError

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
WRAPPED_BYTES: Final = KEY_BYTES + 8  # RFC 3394 adds an integrity check of 64 bits
_NONCE_BYTES: Final = 12
_ID_DOMAIN: Final = b"lancang/object-key/1\x00"


class ObjectKeyError(UnusableSettingsError):
    """The key that encrypts data keys is missing, unreadable or malformed."""

    code = "object_key_unusable"


class UnknownObjectKeyError(ConflictError):
    """A data key is wrapped under a key that this installation does not have."""

    code = "object_key_unknown"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is kept.

    Attributes:
        key_id: Which key wraps it, 8 bytes.
        wrapped: 40 bytes.
    """

    key_id: bytes
    wrapped: bytes


class KeyRing:
    """The key that wraps data keys now, and those that wrapped some before.

    Args:
        current: 32 bytes.
        earlier: Keys to read with until everything is wrapped anew.

    Raises:
        ObjectKeyError: A key has another length.
    """

    def __init__(self, current: bytes, *, earlier: Iterable[bytes] = ()) -> None:
        self._current = current
        self._keys = {_id_of(key): key for key in (*earlier, current)}

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current_id.hex()})"

    @property
    def current_id(self) -> bytes:
        """Id of the key that wraps now."""
        return _id_of(self._current)

    def new_key(self) -> tuple[bytes, WrappedKey]:
        """Return a new data key, and how it is kept."""
        key = os.urandom(KEY_BYTES)
        return key, self._wrap(key)

    def unwrap(self, kept: WrappedKey) -> bytes:
        """Return a data key.

        Raises:
            UnknownObjectKeyError: The key that wraps it is not here.
            DamagedObjectError: It was changed.
        """
        key = self._keys.get(kept.key_id)
        if key is None:
            raise UnknownObjectKeyError(f"object key {kept.key_id.hex()} is not configured")
        try:
            return aes_key_unwrap(key, kept.wrapped)
        except (InvalidUnwrap, ValueError):
            raise DamagedObjectError("a wrapped data key is damaged") from None

    def rewrap(self, kept: WrappedKey) -> WrappedKey:
        """Return the same data key wrapped under the current key."""
        return self._wrap(self.unwrap(kept))

    def _wrap(self, key: bytes) -> WrappedKey:
        return WrappedKey(self.current_id, aes_key_wrap(self._current, key))


def encrypt(key: bytes, content: bytes, *, about: bytes) -> bytes:
    """Encrypt under a data key with AES-256-GCM.

    Args:
        key: The data key. One certificate has few objects, so random nonces do not meet.
        content: What nobody else may read.
        about: What the content belongs to; not kept here, and needed again to decrypt.

    Returns:
        Nonce, ciphertext and tag.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, about)


def decrypt(key: bytes, sealed: bytes, *, about: bytes) -> bytes:
    """Return what `encrypt` was given.

    Raises:
        DamagedObjectError: Key, content or `about` is another.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        raise DamagedObjectError("an encrypted object does not open with its key") from None


def read_key(path: Path, *, may_make: bool) -> bytes:
    """Read a key of 64 hexadecimal digits from a file.

    Args:
        path: The file.
        may_make: Make one where there is none.

    Raises:
        ObjectKeyError: It is missing, unreadable or malformed.
    """
    try:
        if may_make and not path.exists():
            write_atomically(path, os.urandom(KEY_BYTES).hex().encode("ascii") + b"\n")
        return bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise ObjectKeyError(f"the object key cannot be read: {path.name}") from error


def _id_of(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ObjectKeyError(f"an object key has {KEY_BYTES} bytes")
    return hashlib.sha256(_ID_DOMAIN + key).digest()[:KEY_ID_BYTES]
