"""The object store: bytes kept under the name that their SHA-256 gives them."""

from __future__ import annotations

from registry.kit.objects.folder import FolderObjectStore
from registry.kit.objects.port import (
    MAX_OBJECT_BYTES,
    DamagedObjectError,
    ObjectStore,
    ObjectStoreUnavailableError,
    ObjectStoreUnversionedError,
)

__all__ = [
    "MAX_OBJECT_BYTES",
    "DamagedObjectError",
    "FolderObjectStore",
    "ObjectStore",
    "ObjectStoreUnavailableError",
    "ObjectStoreUnversionedError",
]
