"""The transaction keys of an installation, by role; the private parts are elsewhere.

A folder says which roles there are. A file `<role>.json` is an encrypted key, which the signer's
process opens; a file `<role>.address` names the account of a key that is somewhere else: in a
token, behind another signer, or with other people.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import SecretStr

from registry.anchoring.errors import KeystoreError
from registry.anchoring.ports import TransactionSigner

LIGHT_WORK_FACTOR: Final = 2**12  # enough behind 256 random bits, which nobody guesses
STRONG_WORK_FACTOR: Final = 2**18  # scrypt n: 256 MB and a second for each guess of a passphrase
KEY_SUFFIX: Final = ".json"
_ADDRESS_SUFFIX: Final = ".address"
_RETIRED: Final = "retired-"
_ROLE: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_ADDRESS: Final = re.compile(r"(0x)?[0-9a-fA-F]{40}", re.ASCII)
_MAX_PASSPHRASE_BYTES: Final = 1024


class AccountSource(Protocol):
    """Somebody who signs transactions for accounts."""

    def accounts(self) -> frozenset[str]:
        """Return the accounts that it signs for, "0x" and 40 lower-case digits each.

        Raises:
            SignerUnavailableError: It does not answer.
        """
        ...

    def signer(self, role: str, address: str) -> TransactionSigner:
        """Return the signer of an account.

        Raises:
            KeystoreError: Its key cannot be opened, or is that of another account.
            SignerUnavailableError: It does not answer.
        """
        ...


class KeyMaker(AccountSource, Protocol):
    """Such a source that opens the files of the folder, and makes keys."""

    def create(self, role: str, *, work_factor: int) -> str:
        """Make the key of a role and return its account.

        Raises:
            KeystoreError: It cannot be kept.
            SignerUnavailableError: The source does not answer.
        """
        ...


class TransactionKeystore:
    """The roles of a folder, and who signs for each.

    Args:
        folder: Made when the first key is.
        own: Opens the files of the folder.
        sources: Who may sign for roles whose key is not in the folder, first come first.
    """

    def __init__(
        self, folder: Path, own: KeyMaker, *, sources: Sequence[AccountSource] = ()
    ) -> None:
        self._folder = folder
        self._own = own
        self._sources = tuple(sources)
        self._found: dict[str, AccountSource] = {}

    def roles(self) -> dict[str, str]:
        """Return the address of every known role. Needs no passphrase.

        Raises:
            KeystoreError: A file is damaged, or one account has two roles.
        """
        return roles_in(self._folder)

    def holds(self, role: str) -> bool:
        """Tell whether somebody here signs for a role.

        Raises:
            SignerUnavailableError: A source of signatures does not answer.
        """
        return self._source_of(role) is not None

    def create(self, role: str, *, work_factor: int = STRONG_WORK_FACTOR) -> str:
        """Make the key of a role and return its address; keep the one that there is already.

        Raises:
            KeystoreError: The role's name is malformed, or the key cannot be kept.
            SigningRefusedError: The signer makes no keys, or knows no such role.
            SignerUnavailableError: The signer does not answer.
        """
        known = self.roles()
        if check_role(role) in known:
            return known[role]
        address = self._own.create(role, work_factor=work_factor)
        if not self._path(role, KEY_SUFFIX).exists():  # it is in a token or on another machine
            write_new(self._path(role, _ADDRESS_SUFFIX), f"{address}\n".encode())
        return address

    def signer(self, role: str) -> TransactionSigner:
        """Return who signs for a role.

        Raises:
            KeystoreError: Nobody here, or the passphrase does not unlock the key.
            SignerUnavailableError: The signer does not answer.
        """
        source = self._source_of(role)
        if source is None:
            raise KeystoreError(f"there is no transaction key {role} in {self._folder}")
        return source.signer(role, self.roles()[role])

    def retire(self, role: str) -> str:
        """Keep the key of a role under the name of a retired one, which signs nothing.

        Returns:
            The new name.

        Raises:
            KeystoreError: There is no such role, or its files cannot be renamed.
        """
        if role not in self.roles():
            raise KeystoreError(f"there is no transaction key {role} in {self._folder}")
        known = self.roles()
        numbered = (f"{_RETIRED}{role}-{number}" for number in count(2))
        # The name of a retired one may have been used again.
        retired = next(name for name in chain([_RETIRED + role], numbered) if name not in known)
        for suffix in (KEY_SUFFIX, _ADDRESS_SUFFIX):
            path = self._path(role, suffix)
            try:
                if path.exists():
                    path.rename(self._path(retired, suffix))
            except OSError as error:
                raise KeystoreError(f"{path} cannot be renamed: {error.strerror}") from None
        return retired

    def _source_of(self, role: str) -> AccountSource | None:
        if self._path(role, KEY_SUFFIX).exists():
            return self._own
        if role not in self._found and (address := self.roles().get(role)) is not None:
            for source in self._sources:
                if address in source.accounts():
                    self._found[role] = source
                    break
        return self._found.get(role)

    def _path(self, role: str, suffix: str) -> Path:
        return self._folder / f"{role}{suffix}"


def roles_in(folder: Path) -> dict[str, str]:
    """Return the account of every role of a folder.

    Raises:
        KeystoreError: A file is damaged, or one account has two roles.
    """
    known = dict(_files(folder))
    accounts = list(known.values())
    if shared := sorted(role for role, account in known.items() if accounts.count(account) > 1):
        raise KeystoreError(f"one account has several roles: {', '.join(shared)}")
    return dict(sorted(known.items()))


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.glob(f"*{_ADDRESS_SUFFIX}"):
        address = normal_address(path.read_text("utf-8"), path)
        yield path.name.removesuffix(_ADDRESS_SUFFIX), address
    for path in folder.glob(f"*{KEY_SUFFIX}"):
        yield path.name.removesuffix(KEY_SUFFIX), address_in(path)


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


def check_role(role: str) -> str:
    """Return the name of a role.

    Raises:
        KeystoreError: It is none.
    """
    if not _ROLE.fullmatch(role):
        raise KeystoreError(f"{role!r} is not the name of a role")
    return role


def read_key_file(path: Path) -> dict[str, Any]:
    """Return the content of a keystore file.

    Raises:
        KeystoreError: There is none, or it is damaged.
    """
    try:
        sealed = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise KeystoreError(f"there is no transaction key {path}") from None
    except (OSError, ValueError):
        raise KeystoreError(f"{path} is no keystore") from None
    if not isinstance(sealed, dict):
        raise KeystoreError(f"{path} is no keystore")
    return sealed


def address_in(path: Path) -> str:
    """Return the account whose key a keystore file says to hold.

    Raises:
        KeystoreError: The file is missing or damaged.
    """
    return normal_address(str(read_key_file(path).get("address")), path)


def normal_address(text: str, path: Path) -> str:
    """Return an address as "0x" and 40 lower-case digits.

    Raises:
        KeystoreError: It is none; the message names the file.
    """
    if not _ADDRESS.fullmatch(text.strip()):
        raise KeystoreError(f"{path} does not say whose key it holds")
    return "0x" + text.strip().lower().removeprefix("0x")


def write_new(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet: complete and on the disk, or not at all.

    Raises:
        KeystoreError: It cannot be written.
    """
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
