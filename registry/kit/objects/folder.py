"""Objects in a folder of this machine."""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from registry.kit.errors import NotFoundError
from registry.kit.files import write_atomically
from registry.kit.objects.port import (
    DamagedObjectError,
    ObjectStoreUnavailableError,
    name_of,
    object_key,
)


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
        path = self._root / object_key(kind, name)
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
            with (self._root / object_key(kind, name)).open("rb") as file:
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
        for shelf in sorted((self._root / kind).glob("??")):
            for path in sorted(shelf.iterdir()):
                if (name := name_of(path.name)) is not None:
                    yield name

    def probe(self) -> None:
        """Make sure that the folder can be written. See `ObjectStore.probe`."""
        present = next(path for path in (self._root, *self._root.parents) if path.exists())
        if not present.is_dir() or not os.access(present, os.W_OK | os.X_OK):
            raise ObjectStoreUnavailableError(f"{present} cannot be written")
