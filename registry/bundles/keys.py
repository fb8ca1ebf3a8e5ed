"""Private keys that vouch for trust bundles, each in an encrypted file of its own.

The root key belongs on a machine without a network: it signs a delegation now and then. The key
that it delegates to signs bundles every day. Neither ever signs a certificate.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from registry.bundles.errors import BundleKeyError
from registry.signing.software import SoftwareKey
from verifier.core.keys import Algorithm

SHORTEST_PASSPHRASE: Final = 12  # characters
_FILE_MODE: Final = 0o600
_MOST_BYTES: Final = 16 * 1024


def make_key(path: Path, passphrase: str, *, algorithm: Algorithm) -> SoftwareKey:
    """Make a key and write it, encrypted, to a new file that its owner alone can read.

    Raises:
        BundleKeyError: The passphrase is too short, or the file exists or cannot be written.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise BundleKeyError(f"the passphrase must have {SHORTEST_PASSPHRASE} characters or more")
    key = SoftwareKey.generate(algorithm)
    content = key.private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except OSError as error:
        raise BundleKeyError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return key


def load_key(path: Path, passphrase: str) -> SoftwareKey:
    """Return the key in a file.

    Raises:
        BundleKeyError: The file cannot be read, holds no key of a supported kind, or the
            passphrase does not open it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
        private = load_pem_private_key(content, password=passphrase.encode())
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return SoftwareKey.from_pkcs8(der)
    except OSError as error:
        raise BundleKeyError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = f"{path}: no key of a supported kind, or another passphrase"
        raise BundleKeyError(message) from error
