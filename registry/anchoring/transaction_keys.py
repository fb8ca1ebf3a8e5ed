"""Private transaction keys: encrypted at rest, decrypted only inside the signer of an account.

Files are Ethereum keystores (version 3), one for each role, so that any wallet can open them where
this program is not at hand.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from pydantic import SecretStr

from registry.anchoring.errors import KeystoreError
from registry.anchoring.ports import SignedTransaction, UnsignedTransaction

STRONG_WORK_FACTOR: Final = 2**18  # scrypt n: 256 MB and a second for each guess of a passphrase
LIGHT_WORK_FACTOR: Final = 2**12  # enough behind 256 random bits, which nobody guesses
_ROLE: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_ADDRESS: Final = re.compile(r"(0x)?[0-9a-fA-F]{40}", re.ASCII)
_SUFFIX: Final = ".json"
_ADDRESS_SUFFIX: Final = ".address"
_MAX_PASSPHRASE_BYTES: Final = 1024


class AccountSigner:
    """Signs for one account; implements `registry.anchoring.ports.TransactionSigner`."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    def __repr__(self) -> str:
        return f"AccountSigner({self.address})"

    @property
    def address(self) -> str:
        """The account, "0x" and 40 lower-case hexadecimal digits."""
        return str(self._account.address).lower()

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Sign an EIP-1559 transaction."""
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "value": 0,
            "data": transaction.data,
            "gas": transaction.gas_limit,
            "maxFeePerGas": transaction.fees.max_fee,
            "maxPriorityFeePerGas": transaction.fees.priority,
        }
        if transaction.to is not None:
            fields["to"] = to_checksum_address(transaction.to)
        signed = self._account.sign_transaction(fields)
        return SignedTransaction(raw=bytes(signed.raw_transaction), hash=bytes(signed.hash))


class TransactionKeystore:
    """A folder of encrypted transaction keys, named by role.

    A role whose key is elsewhere is known by a file `<role>.address` that holds its address.

    Args:
        folder: Made when the first key is.
        passphrase: Unlocks every key of the folder.
    """

    def __init__(self, folder: Path, passphrase: SecretStr) -> None:
        self._folder = folder
        self._passphrase = passphrase

    def roles(self) -> dict[str, str]:
        """Return the address of every known role. Needs no passphrase.

        Raises:
            KeystoreError: A file is damaged.
        """
        known = {
            path.name.removesuffix(_ADDRESS_SUFFIX): _normal_address(path.read_text("utf-8"), path)
            for path in self._folder.glob(f"*{_ADDRESS_SUFFIX}")
        }
        for path in self._folder.glob(f"*{_SUFFIX}"):
            known[path.name.removesuffix(_SUFFIX)] = _address_in(path)
        return dict(sorted(known.items()))

    def holds(self, role: str) -> bool:
        """Tell whether the key of a role is here."""
        return (self._folder / f"{role}{_SUFFIX}").exists()

    def create(self, role: str, *, work_factor: int = STRONG_WORK_FACTOR) -> str:
        """Make the key of a role and return its address; keep the one that there is already.

        Raises:
            KeystoreError: The role's name is malformed, or the file cannot be written.
        """
        if not _ROLE.fullmatch(role):
            raise KeystoreError(f"{role!r} is not the name of a role")
        path = self._folder / f"{role}{_SUFFIX}"
        if path.exists():
            return _address_in(path)
        account: LocalAccount = Account.create()
        sealed = Account.encrypt(
            account.key, self._passphrase.get_secret_value(), kdf="scrypt", iterations=work_factor
        )
        _write_new(path, json.dumps(sealed).encode())
        return str(account.address).lower()

    def signer(self, role: str) -> AccountSigner:
        """Decrypt the key of a role.

        Raises:
            KeystoreError: There is none, or the passphrase does not unlock it.
        """
        path = self._folder / f"{role}{_SUFFIX}"
        sealed = _read(path)
        try:
            key = Account.decrypt(sealed, self._passphrase.get_secret_value())
        except (ValueError, KeyError, TypeError):
            raise KeystoreError(f"the passphrase does not unlock {path}") from None
        signer = AccountSigner(Account.from_key(key))
        if signer.address != _address_in(path):
            raise KeystoreError(f"{path} holds the key of another account than it says")
        return signer


def read_passphrase(path: Path) -> SecretStr:
    """Return the first line of a passphrase file.

    Raises:
        KeystoreError: The file is missing, empty, too long, or readable by others.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeystoreError(f"{path} can be read by others (chmod 600)")
        line = path.read_bytes()[: _MAX_PASSPHRASE_BYTES + 1].split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise KeystoreError(f"passphrase file {path}: {error.strerror}") from None
    try:
        passphrase = line.decode()
    except UnicodeDecodeError:
        passphrase = ""
    if not passphrase or len(line) > _MAX_PASSPHRASE_BYTES:
        raise KeystoreError(f"the first line of {path} holds no passphrase")
    return SecretStr(passphrase)


def _read(path: Path) -> dict[str, Any]:
    try:
        sealed = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise KeystoreError(f"there is no transaction key {path}") from None
    except (OSError, ValueError):
        raise KeystoreError(f"{path} is no keystore") from None
    if not isinstance(sealed, dict):
        raise KeystoreError(f"{path} is no keystore")
    return sealed


def _address_in(path: Path) -> str:
    return _normal_address(str(_read(path).get("address")), path)


def _normal_address(text: str, path: Path) -> str:
    if not _ADDRESS.fullmatch(text.strip()):
        raise KeystoreError(f"{path} does not say whose key it holds")
    return "0x" + text.strip().lower().removeprefix("0x")


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet: complete and on the disk, or not at all."""
    draft = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except OSError as error:
        raise KeystoreError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
