"""What every object store promises.

A store never overwrites. What is read is compared with its name, so damage shows at once.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Final, Protocol

from registry.kit.errors import RegistryError, UnavailableError
from verifier.core.hashing import DIGEST_BYTES

MAX_OBJECT_BYTES: Final = 96 * 1024 * 1024  # the largest tree has 64 MiB, a pack stays below


class DamagedObjectError(RegistryError):
    """A stored object no longer has the content that its name says."""

    code = "damaged_object"


class ObjectStoreUnavailableError(UnavailableError):
    """The store cannot be read or written now, for example because the disk is full."""

    code = "object_store_unavailable"


class ObjectStoreUnversionedError(ObjectStoreUnavailableError):
    """The bucket keeps no versions, so that what others overwrite or delete there would be lost."""

    code = "object_store_unversioned"


class ObjectStore(Protocol):
    """Port to the store; a folder by default, an S3-compatible service in production."""

    def put(self, kind: str, data: bytes | bytearray | memoryview) -> bytes:
        """Keep `data` durably and return its name, the SHA-256, 32 bytes.

        Putting the same bytes again changes nothing.

        Args:
            kind: What sort of object it is; a lower-case word. Names are unique inside a kind.
            data: The content.

        Raises:
            DamagedObjectError: An object of this name exists with another content.
            ObjectStoreUnavailableError: It cannot be written; nothing was kept.
        """
        ...

    def get(self, kind: str, name: bytes) -> bytes | mmap.mmap:
        """Return the content of an object, compared with its name.

        Raises:
            NotFoundError: There is no such object.
            DamagedObjectError: The content is not what the name says.
            ObjectStoreUnavailableError: It cannot be read.
        """
        ...

    def names(self, kind: str) -> Iterator[bytes]:
        """Yield the names of every object of a kind, in ascending order, page by page.

        Raises:
            ObjectStoreUnavailableError: The list ends early; what came so far is not all.
        """
        ...

    def probe(self) -> None:
        """Make sure that the store can be used.

        Raises:
            ObjectStoreUnavailableError: It does not answer, or keeps no versions.
        """
        ...


def object_key(kind: str, name: bytes) -> str:
    """Return where an object is kept: `<kind>/<first two digits>/<name in hexadecimal>`.

    Raises:
        ValueError: `kind` is no lower-case word, or `name` no digest.
    """
    if not (kind.isascii() and kind.replace("_", "").isalpha() and kind.islower()):
        raise ValueError(f"{kind!r} is not a kind of object")
    if len(name) != DIGEST_BYTES:
        raise ValueError(f"an object's name has {DIGEST_BYTES} bytes, not {len(name)}")
    digits = name.hex()
    return f"{kind}/{digits[:2]}/{digits}"


def name_of(file_name: str) -> bytes | None:
    """Return the name that the last part of a key says, None for a stranger's file."""
    try:
        name = bytes.fromhex(file_name)
    except ValueError:
        return None
    return name if len(name) == DIGEST_BYTES and file_name == name.hex() else None
