"""The object store: bytes kept under the name that their SHA-256 gives them.

A store never overwrites. What is read is compared with its name, so damage shows at once.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from registry.kit.errors import NotFoundError, RegistryError, UnavailableError
from registry.kit.files import write_atomically

_DIGEST_BYTES: Final = 32


class DamagedObjectError(RegistryError):
    """A stored object no longer has the content that its name says."""

    code = "damaged_object"


class ObjectStoreUnavailableError(UnavailableError):
    """The store cannot be read or written now, for example because the disk is full."""

    code = "object_store_unavailable"


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
        """Yield the names of every object of a kind, in ascending order."""
        ...


class FolderObjectStore:
    """Objects as files: `<root>/<kind>/<first two digits>/<name in hexadecimal>`.

    A file appears under its name only when it is complete and on the disk: it is written under a
    temporary name, synchronised, renamed, and the folder is synchronised too.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, kind: str, data: bytes | bytearray | memoryview) -> bytes:
        """Keep `data`. See `ObjectStore.put`."""
        name = hashlib.sha256(data).digest()
        path = self._path(kind, name)
        if path.exists():
            self.get(kind, name)
            return name
        try:
            write_atomically(path, data)
        except OSError as error:
            raise ObjectStoreUnavailableError(f"cannot keep {kind} object: {error}") from error
        return name

    def get(self, kind: str, name: bytes) -> bytes | mmap.mmap:
        """Return an object. See `ObjectStore.get`. The file is mapped, not copied."""
        try:
            with self._path(kind, name).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                # An empty file cannot be mapped.
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except FileNotFoundError:
            raise NotFoundError(f"there is no {kind} object {name.hex()}") from None
        except OSError as error:
            raise ObjectStoreUnavailableError(f"cannot read {kind} object: {error}") from error
        if hashlib.sha256(data).digest() != name:
            raise DamagedObjectError(f"{kind} object {name.hex()} is damaged")
        return data

    def names(self, kind: str) -> Iterator[bytes]:
        """Yield names. See `ObjectStore.names`. Unfinished and foreign files are passed over."""
        for path in sorted((self._root / kind).glob("??/*")):
            try:
                name = bytes.fromhex(path.name)
            except ValueError:
                continue
            if len(name) == _DIGEST_BYTES:
                yield name

    def _path(self, kind: str, name: bytes) -> Path:
        if not (kind.isascii() and kind.replace("_", "").isalpha() and kind.islower()):
            raise ValueError(f"{kind!r} is not a kind of object")
        if len(name) != _DIGEST_BYTES:
            raise ValueError(f"an object's name has {_DIGEST_BYTES} bytes, not {len(name)}")
        digits = name.hex()
        return self._root / kind / digits[:2] / digits
