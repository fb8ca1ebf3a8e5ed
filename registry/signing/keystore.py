"""Document keys at rest: one encrypted file per key, one passphrase for the folder.

`keystore.json` holds the scrypt parameters and a check value; every `<thumbprint>.key.json` holds
a PKCS #8 key under AES-256-GCM with its public description as associated data, so that nobody can
give a key another body or purpose by editing the file. Keys are decrypted when first used.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from registry.signing.description import KeyDescription
from registry.signing.errors import KeystoreDamagedError, KeystoreLockedError, UnknownKeyError
from registry.signing.sm2 import Sm2Key
from registry.signing.software import SoftwareKey
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object

SCRYPT_COST: Final = 2**17  # 128 MiB and about half a second: a guess costs as much
_MAX_SCRYPT_COST: Final = 2**20  # a changed file must not make us allocate more than 1 GiB
_MIN_SCRYPT_COST: Final = 2**10  # below is no protection at all; tests use it
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16
_CHECK: Final = b"lancang/keystore/1"
_HEADER: Final = "keystore.json"
_SUFFIX: Final = ".key.json"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600

HeldKey: TypeAlias = SoftwareKey | Sm2Key


class Keystore:
    """An open keystore. Belongs into the signer process and nowhere else."""

    def __init__(self, folder: Path, cipher: AESGCM) -> None:
        self._folder = folder
        self._cipher = cipher
        self._loaded: dict[bytes, tuple[KeyDescription, HeldKey]] = {}

    @classmethod
    def create(cls, folder: Path, passphrase: bytes, *, cost: int = SCRYPT_COST) -> Keystore:
        """Make an empty keystore in `folder`, which may exist but holds no keystore yet.

        Raises:
            KeystoreLockedError: The passphrase is empty.
            FileExistsError: There is a keystore already.
        """
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        salt = os.urandom(_SALT_BYTES)
        cipher = _derive(passphrase, salt=salt, cost=cost)
        header: JsonObject = {
            "check": b64u(_seal(cipher, _CHECK, associated=_CHECK)),
            "kdf": {"cost": cost, "name": "scrypt", "salt": b64u(salt)},
            "keystore": 1,
        }
        _write_new(folder / _HEADER, header)
        return cls(folder, cipher)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes) -> Keystore:
        """Open the keystore in `folder`.

        Raises:
            KeystoreLockedError: The passphrase is wrong.
            KeystoreDamagedError: There is no keystore, or its header is malformed.
        """
        match _read(folder / _HEADER):
            case {
                "keystore": 1,
                "check": str(check),
                "kdf": {"name": "scrypt", "cost": int(cost), "salt": str(salt)},
            } if _MIN_SCRYPT_COST <= cost <= _MAX_SCRYPT_COST and cost & (cost - 1) == 0:
                cipher = _derive(passphrase, salt=_bytes(salt), cost=cost)
                if _unseal(cipher, _bytes(check), associated=_CHECK) != _CHECK:
                    raise KeystoreLockedError("the passphrase does not open the keystore")
                return cls(folder, cipher)
            case _:
                raise KeystoreDamagedError(f"{folder / _HEADER} is malformed")

    @staticmethod
    def exists(folder: Path) -> bool:
        """Tell whether `folder` holds a keystore."""
        return (folder / _HEADER).is_file()

    def generate(
        self, *, body: bytes, purpose: KeyPurpose, algorithm: Algorithm, at: datetime
    ) -> KeyDescription:
        """Make and store a new key.

        Raises:
            SigningRefusedError: This machine has no SM2 (`sm2_unavailable`).
        """
        key: HeldKey
        key = Sm2Key.generate() if algorithm is Algorithm.SM2 else SoftwareKey.generate(algorithm)
        described = KeyDescription(body=body, purpose=purpose, public_key=key.public, created_at=at)
        associated = canonical_json(described.to_json())
        stored: JsonObject = {
            "key": described.to_json(),
            "pkcs8": b64u(_seal(self._cipher, key.pkcs8(), associated=associated)),
        }
        _write_new(self._path(key.thumbprint), stored)
        self._loaded[key.thumbprint] = (described, key)
        return described

    def descriptions(self) -> list[KeyDescription]:
        """Return the description of every key, in the order of their creation."""
        found = [
            KeyDescription.from_json(_read(path).get("key"))
            for path in self._folder.glob(f"*{_SUFFIX}")
        ]
        return sorted(found, key=lambda key: (key.created_at, key.public_key.thumbprint()))

    def load(self, thumbprint: bytes) -> tuple[KeyDescription, HeldKey]:
        """Return a key with the description that its encryption protects.

        Raises:
            UnknownKeyError: There is no such key.
            KeystoreDamagedError: The file was changed.
            SigningRefusedError: It is an SM2 key and this machine has no SM2 (`sm2_unavailable`).
        """
        if thumbprint not in self._loaded:
            path = self._path(thumbprint)
            if not path.is_file():
                raise UnknownKeyError(f"the signer holds no key {b64u(thumbprint)}")
            described, key = self._decrypt(_read(path))
            if key.thumbprint != thumbprint:
                raise KeystoreDamagedError(f"{path.name} holds another key")
            self._loaded[thumbprint] = (described, key)
        return self._loaded[thumbprint]

    def _decrypt(self, stored: JsonObject) -> tuple[KeyDescription, HeldKey]:
        described = KeyDescription.from_json(stored.get("key"))
        sealed = stored.get("pkcs8")
        associated = canonical_json(described.to_json())
        if isinstance(sealed, str):
            der = _unseal(self._cipher, _bytes(sealed), associated=associated)
            if der is not None:
                is_sm2 = described.public_key.algorithm is Algorithm.SM2
                key = Sm2Key.from_pkcs8(der) if is_sm2 else SoftwareKey.from_pkcs8(der)
                if key.public == described.public_key:
                    return described, key
        raise KeystoreDamagedError("a key or its description was changed")

    def _path(self, thumbprint: bytes) -> Path:
        return self._folder / f"{thumbprint.hex()}{_SUFFIX}"


def _derive(passphrase: bytes, *, salt: bytes, cost: int) -> AESGCM:
    if not passphrase:
        raise KeystoreLockedError("the passphrase is empty")
    return AESGCM(Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(passphrase))


def _seal(cipher: AESGCM, secret: bytes, *, associated: bytes) -> bytes:
    # Random nonces: a keystore holds some thousands of keys, far from the 2^32 limit of GCM.
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, secret, associated)


def _unseal(cipher: AESGCM, sealed: bytes, *, associated: bytes) -> bytes | None:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        return None


def _bytes(text: str) -> bytes:
    try:
        return unb64u(text, what="keystore")
    except MalformedEvidenceError as error:
        raise KeystoreDamagedError(str(error)) from error


def _read(path: Path) -> JsonObject:
    try:
        return parse_json_object(path.read_bytes(), what=path.name)
    except (OSError, MalformedEvidenceError) as error:
        raise KeystoreDamagedError(f"{path.name}: {error}") from error


def _write_new(path: Path, value: JsonObject) -> None:
    """Write a file that must not exist yet: complete and on disk, or not at all."""
    draft = path.with_suffix(".tmp")
    with suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(canonical_json(value))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    finally:
        draft.unlink()
