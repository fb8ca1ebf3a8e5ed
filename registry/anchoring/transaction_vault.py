"""Private transaction keys. For the transaction signer's process alone.

Files are Ethereum keystores (version 3), one for each role, so that any wallet can open them where
this program is not at hand.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final, Protocol

from coincurve import PrivateKey
from pydantic import SecretStr

from registry.anchoring.errors import KeystoreError
from registry.anchoring.transaction_encoding import address_of
from registry.anchoring.transaction_keys import (
    KEY_SUFFIX,
    address_in,
    check_role,
    read_key_file,
    write_new,
)

_MAX_WORK_FACTOR: Final = 2**20


class Account(Protocol):
    """The private key of one account."""

    @property
    def address(self) -> str:
        """The account, "0x" and 40 lower-case hexadecimal digits."""
        ...

    def sign(self, digest: bytes) -> bytes:
        """Return r, s (low) and the parity of y, 65 bytes."""
        ...


class AccountVault(Protocol):
    """Whatever holds the private keys of roles."""

    def accounts(self) -> dict[str, str]:
        """Return the address of every role whose key is here."""
        ...

    def open(self, role: str) -> Account:
        """Return the key of a role.

        Raises:
            KeystoreError: It is not here, or cannot be opened.
            SignerUnavailableError: The token does not answer.
        """
        ...

    def create(self, role: str, *, work_factor: int) -> str:
        """Make the key of a role and return its address; keep the one that there is already.

        Raises:
            KeystoreError: The role's name is malformed, or the key cannot be kept.
            SignerUnavailableError: The token does not answer.
        """
        ...


class SoftwareAccount:
    """A private key in the memory of this process."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)
        self._address = address_of(self._key.public_key.format(compressed=False)[1:])

    def __repr__(self) -> str:
        return f"SoftwareAccount({self.address})"

    @property
    def address(self) -> str:
        """See `Account.address`."""
        return self._address

    def sign(self, digest: bytes) -> bytes:
        """See `Account.sign`; the library makes s low."""
        return self._key.sign_recoverable(digest, hasher=None)


class KeystoreVault:
    """The encrypted files of one folder; each is decrypted when it is first needed.

    Args:
        folder: Made when the first key is.
        passphrase: Unlocks every key of the folder.
    """

    def __init__(self, folder: Path, passphrase: SecretStr) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._opened: dict[str, SoftwareAccount] = {}

    def accounts(self) -> dict[str, str]:
        """See `AccountVault.accounts`."""
        paths = sorted(self._folder.glob(f"*{KEY_SUFFIX}"))
        return {path.name.removesuffix(KEY_SUFFIX): address_in(path) for path in paths}

    def open(self, role: str) -> Account:
        """See `AccountVault.open`."""
        if role not in self._opened:
            self._opened[role] = self._decrypt(self._path(role))
        return self._opened[role]

    def create(self, role: str, *, work_factor: int) -> str:
        """See `AccountVault.create`."""
        # Imported here: it loads slowly, and only those who open a file need it.
        from eth_account import Account as Accounts  # noqa: PLC0415

        path = self._path(role)
        if path.exists():
            return address_in(path)
        if not 0 < work_factor <= _MAX_WORK_FACTOR:
            raise KeystoreError(f"the work factor is at most {_MAX_WORK_FACTOR}")
        secret = os.urandom(32)
        account = SoftwareAccount(secret)
        sealed = Accounts.encrypt(
            secret, self._passphrase.get_secret_value(), kdf="scrypt", iterations=work_factor
        )
        write_new(path, json.dumps(sealed).encode())
        self._opened[role] = account
        return account.address

    def _decrypt(self, path: Path) -> SoftwareAccount:
        from eth_account import Account as Accounts  # noqa: PLC0415  (see above)

        sealed = read_key_file(path)
        try:
            secret = Accounts.decrypt(sealed, self._passphrase.get_secret_value())
        except (ValueError, KeyError, TypeError):
            raise KeystoreError(f"the passphrase does not unlock {path}") from None
        account = SoftwareAccount(bytes(secret))
        if account.address != address_in(path):
            raise KeystoreError(f"{path} holds the key of another account than it says")
        return account

    def _path(self, role: str) -> Path:
        return self._folder / f"{check_role(role)}{KEY_SUFFIX}"
