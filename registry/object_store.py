"""The object store and the object keys of an installation, as its settings name them."""

from __future__ import annotations

from registry.kit.errors import UnusableSettingsError
from registry.kit.objects import FolderObjectStore, ObjectStore
from registry.kit.objects.key_ring import KeyRing, read_key
from registry.settings import Environment, Settings


def open_object_store(settings: Settings) -> ObjectStore:
    """Return the store of an installation; nothing is asked of it yet.

    Raises:
        UnusableSettingsError: The credentials cannot be read, or the extra `s3` is not installed.
    """
    store = settings.store
    if store.bucket is None:
        return FolderObjectStore(settings.objects)
    # Imported here: botocore takes half a second that a folder does not need, and is an extra.
    from registry.kit.objects.s3 import Bucket, S3ObjectStore  # noqa: PLC0415

    access_key_id, secret = _credentials(settings)
    return S3ObjectStore(
        Bucket(
            name=store.bucket,
            endpoint=store.endpoint,
            region=store.region,
            prefix=store.prefix,
            access_key_id=access_key_id,
            secret_access_key=secret,
            timeout=store.timeout,
        )
    )


def open_key_ring(settings: Settings) -> KeyRing:
    """Return the keys under which data keys are wrapped; a demonstration makes its own.

    Raises:
        ObjectKeyError: One of them is missing, unreadable or malformed.
    """
    may_make = settings.environment is Environment.DEMONSTRATION
    return KeyRing(
        read_key(settings.object_key, may_make=may_make),
        earlier=[read_key(path, may_make=False) for path in settings.store.earlier_key_files],
    )


def _credentials(settings: Settings) -> tuple[str | None, str | None]:
    path = settings.store.credentials_file
    if path is None:
        return None, None
    try:
        lines = path.read_text("ascii").split()
    except (OSError, ValueError) as error:
        raise UnusableSettingsError(f"store credentials cannot be read: {path.name}") from error
    if len(lines) != 2:  # noqa: PLR2004  (said in the message)
        raise UnusableSettingsError("store credentials: first the id, below it the secret")
    return lines[0], lines[1]
