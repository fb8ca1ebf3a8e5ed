"""Where the passphrase of the document keystore comes from."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from registry.settings import Environment, Settings
from registry.signing.errors import KeystoreLockedError

_MAX_BYTES: Final = 1024
_RANDOM_BYTES: Final = 32
_FILE_MODE: Final = 0o600


def demonstration_passphrase_file(settings: Settings) -> Path:
    """Return where a demonstration keeps its passphrase, beside nothing worth protecting."""
    return settings.home / "keys" / "passphrase"


def read_passphrase(settings: Settings) -> bytes:
    """Return the configured passphrase.

    Raises:
        KeystoreLockedError: None is configured, or its file is missing, empty, too long, or
            readable by others.
    """
    if settings.signer.passphrase is not None:
        return settings.signer.passphrase.get_secret_value().encode()
    path = settings.signer.passphrase_file
    if path is None and settings.environment is Environment.DEMONSTRATION:
        path = demonstration_passphrase_file(settings)
    if path is None:
        raise KeystoreLockedError("no passphrase is configured (LANCANG_SIGNER__PASSPHRASE_FILE)")
    return _first_line(path)


def make_demonstration_passphrase(settings: Settings) -> None:
    """Write a random passphrase for a demonstration that configures none; keep an existing one.

    Raises:
        KeystoreLockedError: The installation is not a demonstration.
    """
    if settings.signer.passphrase is not None or settings.signer.passphrase_file is not None:
        return
    if settings.environment is not Environment.DEMONSTRATION:
        raise KeystoreLockedError("production configures its own passphrase")
    path = demonstration_passphrase_file(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(_RANDOM_BYTES) + "\n")


def _first_line(path: Path) -> bytes:
    try:
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeystoreLockedError(f"{path} can be read by others (chmod 600)")
        content = path.read_bytes()
    except OSError as error:
        raise KeystoreLockedError(f"passphrase file {path}: {error.strerror}") from error
    line = content.split(b"\n", 1)[0].rstrip(b"\r")
    if not line or len(line) > _MAX_BYTES:
        raise KeystoreLockedError(f"the first line of {path} holds no passphrase")
    return line
