"""Encrypted transaction keys: one file for each role, nothing readable without the passphrase."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from pydantic import SecretStr

from registry.anchoring.errors import KeystoreError
from registry.anchoring.fees import Fees
from registry.anchoring.ports import UnsignedTransaction
from registry.anchoring.transaction_encoding import signed_transaction, signing_digest
from registry.anchoring.transaction_keys import TransactionKeystore, read_passphrase
from registry.anchoring.transaction_vault import KeystoreVault
from tests.support.accounts import FreeAccount

WORK = 2  # scrypt n; these keys guard nothing


@dataclass
class Desk:
    """Signs for the files of a folder and for other accounts, in this process."""

    vault: KeystoreVault
    others: frozenset[str] = field(default_factory=frozenset)

    def accounts(self) -> frozenset[str]:
        return self.others

    def signer(self, role: str, address: str) -> FreeAccount:
        del address
        account = self.vault.open(role)
        return FreeAccount(account)  # type: ignore[arg-type]

    def create(self, role: str, *, work_factor: int) -> str:
        return self.vault.create(role, work_factor=work_factor)


@pytest.fixture
def vault(tmp_path: Path) -> KeystoreVault:
    return KeystoreVault(tmp_path / "keys", SecretStr("open sesame"))


@pytest.fixture
def keystore(tmp_path: Path, vault: KeystoreVault) -> TransactionKeystore:
    return TransactionKeystore(tmp_path / "keys", Desk(vault))


def test_a_key_signs_for_its_account(vault: KeystoreVault) -> None:
    address = vault.create("operator-1", work_factor=WORK)
    account = vault.open("operator-1")
    assert account.address == address == vault.accounts()["operator-1"]

    transaction = UnsignedTransaction(
        chain_id=31337,
        nonce=7,
        to="0x" + "1e" * 20,
        data=b"\x01\x02",
        gas_limit=90_000,
        fees=Fees(max_fee=30, priority=2),
    )
    signed = signed_transaction(transaction, account.sign(signing_digest(transaction)))
    assert Account.recover_transaction(signed.raw).lower() == address
    decoded = TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()
    assert (decoded["nonce"], decoded["gas"], decoded["chainId"]) == (7, 90_000, 31337)
    assert (decoded["maxFeePerGas"], decoded["maxPriorityFeePerGas"]) == (30, 2)
    assert (bytes(decoded["to"]), bytes(decoded["data"])) == (b"\x1e" * 20, b"\x01\x02")


def test_making_a_key_again_keeps_the_first(keystore: TransactionKeystore) -> None:
    assert keystore.create("party-cn", work_factor=WORK) == keystore.create("party-cn")


def test_the_file_tells_nothing_but_the_address(vault: KeystoreVault, tmp_path: Path) -> None:
    vault.create("operator-1", work_factor=WORK)
    path = tmp_path / "keys" / "operator-1.json"
    assert path.stat().st_mode & 0o077 == 0
    content = path.read_text("utf-8")
    key = Account.decrypt(json.loads(content), "open sesame").hex()
    assert key not in content
    assert key not in repr(vault.open("operator-1"))
    assert json.loads(content)["version"] == 3  # any wallet opens it


def test_another_passphrase(vault: KeystoreVault, tmp_path: Path) -> None:
    vault.create("operator-1", work_factor=WORK)
    other = KeystoreVault(tmp_path / "keys", SecretStr("open barley"))
    with pytest.raises(KeystoreError, match="does not unlock") as caught:
        other.open("operator-1")
    assert "barley" not in str(caught.value)


def test_a_key_under_another_role_or_address(vault: KeystoreVault, tmp_path: Path) -> None:
    vault.create("operator-1", work_factor=WORK)
    path = tmp_path / "keys" / "operator-1.json"
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"address": "11" * 20}))
    with pytest.raises(KeystoreError, match="another account"):
        KeystoreVault(tmp_path / "keys", SecretStr("open sesame")).open("operator-1")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"address": 5}', '{"address": "0x12"}'])
def test_damaged_files(keystore: TransactionKeystore, tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "operator-1.json").write_text(content)
    with pytest.raises(KeystoreError):
        keystore.roles()
    with pytest.raises(KeystoreError):
        keystore.signer("operator-1")


def test_a_role_whose_key_is_elsewhere(keystore: TransactionKeystore, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "party-la.address").write_text("0x" + "AB" * 20 + "\n")
    assert keystore.roles() == {"party-la": "0x" + "ab" * 20}
    assert not keystore.holds("party-la")
    with pytest.raises(KeystoreError, match="there is no transaction key"):
        keystore.signer("party-la")


def test_a_role_that_another_source_signs_for(vault: KeystoreVault, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "party-la.address").write_text("0x" + "AB" * 20)
    source = Desk(vault, others=frozenset({"0x" + "ab" * 20}))
    assert TransactionKeystore(tmp_path / "keys", Desk(vault), sources=[source]).holds("party-la")
    nobody = Desk(vault, others=frozenset({"0x" + "cd" * 20}))
    keystore = TransactionKeystore(tmp_path / "keys", Desk(vault), sources=[nobody])
    assert not keystore.holds("party-la")


def test_one_account_has_one_role(keystore: TransactionKeystore, tmp_path: Path) -> None:
    address = keystore.create("operator-1", work_factor=WORK)
    (tmp_path / "keys" / "party-la.address").write_text(address.upper().replace("0X", "0x"))
    with pytest.raises(KeystoreError, match=r"several roles: operator-1, party-la"):
        keystore.roles()
    with pytest.raises(KeystoreError, match="several roles"):
        keystore.signer("party-la")


def test_a_retired_role_signs_nothing(keystore: TransactionKeystore) -> None:
    address = keystore.create("operator-1", work_factor=WORK)
    assert keystore.retire("operator-1") == "retired-operator-1"
    assert keystore.roles() == {"retired-operator-1": address}
    assert not keystore.holds("operator-1")
    again = keystore.create("operator-1", work_factor=WORK)
    assert keystore.retire("operator-1") == "retired-operator-1-2"
    assert keystore.roles() == {"retired-operator-1": address, "retired-operator-1-2": again}


@pytest.mark.parametrize("role", ["", "../x", "Operator", "a b", "-x"])
def test_names_of_roles(keystore: TransactionKeystore, role: str) -> None:
    with pytest.raises(KeystoreError, match="not the name of a role"):
        keystore.create(role)


class TestPassphraseFile:
    def _file(self, folder: Path, content: bytes, mode: int = 0o600) -> Path:
        path = folder / "passphrase"
        path.write_bytes(content)
        path.chmod(mode)
        return path

    @pytest.mark.parametrize("content", [b"secret", b"secret\n", b"secret\r\nmore"])
    def test_first_line(self, tmp_path: Path, content: bytes) -> None:
        assert read_passphrase(self._file(tmp_path, content)).get_secret_value() == "secret"

    @pytest.mark.parametrize("content", [b"", b"\nsecret", b"x" * 1025, b"\xff\xfe"])
    def test_no_passphrase(self, tmp_path: Path, content: bytes) -> None:
        with pytest.raises(KeystoreError, match="holds no passphrase"):
            read_passphrase(self._file(tmp_path, content))

    def test_readable_by_others(self, tmp_path: Path) -> None:
        with pytest.raises(KeystoreError, match="can be read by others"):
            read_passphrase(self._file(tmp_path, b"secret", mode=0o640))

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(KeystoreError, match="No such file"):
            read_passphrase(tmp_path / "nothing")
