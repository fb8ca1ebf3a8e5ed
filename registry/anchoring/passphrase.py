"""Where the passphrase of the transaction keys comes from."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from registry.anchoring.errors import KeystoreError
from registry.settings import Environment, Settings

_PASSPHRASE_BYTES: Final = 32


def passphrase_path(settings: Settings) -> Path:
    """Return the file whose first line unlocks the transaction keys.

    Raises:
        KeystoreError: Production names none.
    """
    if settings.chain.passphrase_file is not None:
        return settings.chain.passphrase_file
    if settings.environment is not Environment.DEMONSTRATION:
        raise KeystoreError("no passphrase is configured (LANCANG_CHAIN__PASSPHRASE_FILE)")
    return settings.home / "keys" / "transaction-passphrase"


def make_demonstration_passphrase(settings: Settings) -> None:
    """Write a random passphrase for a demonstration that configures none; keep an existing one.

    Raises:
        KeystoreError: The installation is not a demonstration.
    """
    if settings.chain.passphrase_file is not None:
        return
    path = passphrase_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(_PASSPHRASE_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
