"""The process that holds transaction keys, and signers of other makers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from registry.anchoring.calls import anchor_call
from registry.anchoring.connect import open_keystore
from registry.anchoring.errors import KeystoreError
from registry.anchoring.fees import Fees
from registry.anchoring.passphrase import make_demonstration_passphrase, passphrase_path
from registry.anchoring.ports import UnsignedTransaction
from registry.anchoring.transaction_keys import (
    LIGHT_WORK_FACTOR,
    TransactionKeystore,
    read_passphrase,
)
from registry.anchoring.transaction_vault import KeystoreVault
from registry.settings import ChainSettings, Settings
from registry.signing.errors import SignerUnavailableError, SigningRefusedError
from tests.support.softhsm import PIN, configuration, softhsm

LANCANG = Path(sys.executable).with_name("lancang")
LEDGER, REGISTRY = "0x" + "1e" * 20, "0x" + "2e" * 20
ANCHOR = UnsignedTransaction(
    chain_id=31337,
    nonce=7,
    to=LEDGER,
    data=anchor_call(b"\x01" * 32, 5),
    gas_limit=90_000,
    fees=Fees(max_fee=30, priority=2),
)


def settings_of(home: Path, **chain: Any) -> Settings:
    named = {"chain_id": 31337, "trust_registry": REGISTRY, "certificate_ledger": LEDGER}
    settings = Settings(home=home, chain=ChainSettings.model_validate(named | chain))
    if settings.chain.passphrase_file is None:
        make_demonstration_passphrase(settings)
    return settings


@pytest.fixture
def keystore(tmp_path: Path) -> TransactionKeystore:
    keystore = open_keystore(settings_of(tmp_path / "a home"))
    keystore.create("operator-1", work_factor=LIGHT_WORK_FACTOR)
    return keystore


def test_the_process_signs_what_the_role_is_there_for(keystore: TransactionKeystore) -> None:
    signer = keystore.signer("operator-1")
    signed = signer.sign(ANCHOR)
    assert Account.recover_transaction(signed.raw).lower() == signer.address
    assert signer.sign(ANCHOR) == signed  # the same bytes, whenever it is asked


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(ANCHOR, chain_id=1), "wrong_chain"),
        (replace(ANCHOR, to="0x" + "3e" * 20), "wrong_contract"),
        (replace(ANCHOR, to="0x" + "3e" * 20, data=b""), "wrong_contract"),
        (replace(ANCHOR, data=b""), "wrong_call"),
        (replace(ANCHOR, to=None), "wrong_call"),
        (replace(ANCHOR, gas_limit=2**40), "too_much_gas"),
        (replace(ANCHOR, fees=Fees(max_fee=10**14, priority=0)), "over_budget"),
    ],
)
def test_the_process_refuses_everything_else(
    keystore: TransactionKeystore, changed: UnsignedTransaction, reason: str
) -> None:
    with pytest.raises(SigningRefusedError) as caught:
        keystore.signer("operator-1").sign(changed)
    assert caught.value.reason == reason


def test_no_other_process_ever_holds_the_key(keystore: TransactionKeystore) -> None:
    signer = keystore.signer("operator-1")
    assert "registry.anchoring.transaction_vault" not in repr(type(signer))
    assert set(signer.__slots__) == {"line", "role", "address"}  # type: ignore[attr-defined]


def test_a_killed_signer_is_started_again(keystore: TransactionKeystore) -> None:
    signer = keystore.signer("operator-1")
    first = signer.sign(ANCHOR)
    line = signer.line  # type: ignore[attr-defined]
    assert line._channel is not None
    line._channel._connect = _refuse
    line._channel.close()
    with pytest.raises(SignerUnavailableError):
        signer.sign(ANCHOR)
    assert signer.sign(ANCHOR) == first


def _refuse() -> Any:
    raise ConnectionRefusedError


def test_who_opens_the_same_keys_shares_one_process(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    first, second = open_keystore(settings), open_keystore(settings)
    assert first._own._line is second._own._line  # type: ignore[attr-defined]
    other = open_keystore(settings_of(tmp_path / "other"))
    assert other._own._line is not first._own._line  # type: ignore[attr-defined]


def test_a_wrong_passphrase_says_so(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "a home")
    passphrase = read_passphrase(passphrase_path(settings))
    vault = KeystoreVault(settings.transaction_keystore, passphrase)
    vault.create("operator-1", work_factor=LIGHT_WORK_FACTOR)
    passphrase_path(settings).write_text("open barley\n")
    with pytest.raises(KeystoreError, match="does not unlock"):
        open_keystore(settings).signer("operator-1")
    passphrase_path(settings).unlink()
    with pytest.raises(KeystoreError, match="passphrase file"):
        open_keystore(settings_of(tmp_path / "a home", passphrase_file=tmp_path / "none"))


def test_a_signer_that_runs_as_a_service(tmp_path: Path) -> None:
    """The registry's process has neither the keys nor their passphrase."""
    own = settings_of(tmp_path / "signer")
    address = open_keystore(own).create("operator-1", work_factor=LIGHT_WORK_FACTOR)
    path = tmp_path / "run" / "signer.sock"
    environment = os.environ | {
        "LANCANG_HOME": str(own.home),
        "LANCANG_CHAIN__CHAIN_ID": "31337",
        "LANCANG_CHAIN__TRUST_REGISTRY": REGISTRY,
        "LANCANG_CHAIN__CERTIFICATE_LEDGER": LEDGER,
    }
    command = [
        LANCANG, "signer", "--transactions", "--socket", path,
    ]  # fmt: skip
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "listens on" in process.stderr.readline()
            settings = settings_of(
                tmp_path / "registry", signer_socket=path, passphrase_file=tmp_path / "none"
            )
            settings.transaction_keystore.mkdir(parents=True)
            (settings.transaction_keystore / "operator-1.address").write_text(address)
            keystore = open_keystore(settings)
            assert keystore.holds("operator-1")
            signer = keystore.signer("operator-1")
            assert Account.recover_transaction(signer.sign(ANCHOR).raw).lower() == address
            with pytest.raises(SigningRefusedError):
                signer.sign(replace(ANCHOR, chain_id=1))
            with pytest.raises(SigningRefusedError) as caught:
                keystore.create("operator-2")
            assert caught.value.reason == "no_generation"
        finally:
            process.terminate()
    assert process.returncode == 0
    with pytest.raises(SignerUnavailableError):
        signer.sign(ANCHOR)


def test_keys_of_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hsm = softhsm()
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration(tmp_path)))
    token = hsm.make_token(tmp_path, "transactions")
    pin = tmp_path / "pin"
    pin.write_text(PIN + "\n")
    pin.chmod(0o600)
    settings = settings_of(tmp_path / "home", pkcs11=token, passphrase_file=pin)

    keystore = open_keystore(settings)
    address = keystore.create("operator-1")
    assert keystore.create("operator-1") == address
    assert [path.name for path in settings.transaction_keystore.iterdir()] == ["operator-1.address"]
    assert keystore.holds("operator-1")
    signer = keystore.signer("operator-1")
    for nonce in range(12):  # s is low and its parity is found, whatever the token answers
        signed = signer.sign(replace(ANCHOR, nonce=nonce))
        assert Account.recover_transaction(signed.raw).lower() == address
    with pytest.raises(SigningRefusedError):
        signer.sign(replace(ANCHOR, chain_id=1))

    del keystore, signer
    assert open_keystore(settings).signer("operator-1").address == address


@dataclass
class RemoteSigner:
    """A signer of another maker: JSON-RPC over HTTP, as Web3Signer and nodes answer."""

    account: LocalAccount = field(default_factory=Account.create)
    answers_object: bool = False
    changed: dict[str, Any] = field(default_factory=dict)

    def answer(self, method: str, params: list[Any]) -> Any:
        if method == "eth_accounts":
            return [self.account.address]
        call = params[0]
        assert call["from"] == self.account.address
        fields = {
            "type": 2, "chainId": int(call["chainId"], 16), "nonce": int(call["nonce"], 16),
            "value": int(call["value"], 16), "data": call["data"], "gas": int(call["gas"], 16),
            "maxFeePerGas": int(call["maxFeePerGas"], 16),
            "maxPriorityFeePerGas": int(call["maxPriorityFeePerGas"], 16), "to": call["to"],
        }  # fmt: skip
        signed = self.account.sign_transaction(fields | self.changed)
        raw = "0x" + bytes(signed.raw_transaction).hex()
        return {"raw": raw, "tx": {}} if self.answers_object else raw


@contextmanager
def serving(signer: RemoteSigner) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            result = signer.answer(asked["method"], asked["params"])
            body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def remote_keystore(tmp_path: Path, signer: RemoteSigner, url: str) -> TransactionKeystore:
    settings = settings_of(tmp_path, remote_signer=url)
    settings.transaction_keystore.mkdir(parents=True)
    (settings.transaction_keystore / "operator-1.address").write_text(signer.account.address)
    (settings.transaction_keystore / "party-la.address").write_text("0x" + "ab" * 20)
    return open_keystore(settings)


@pytest.mark.parametrize("answers_object", [False, True])
def test_a_remote_signer_signs_for_its_accounts(tmp_path: Path, *, answers_object: bool) -> None:
    remote = RemoteSigner(answers_object=answers_object)
    with serving(remote) as url:
        keystore = remote_keystore(tmp_path, remote, url)
        assert keystore.holds("operator-1")
        assert not keystore.holds("party-la")
        signed = keystore.signer("operator-1").sign(ANCHOR)
    assert Account.recover_transaction(signed.raw) == remote.account.address


@pytest.mark.parametrize(
    "changed", [{"nonce": 8}, {"to": "0x" + "3E" * 20}, {"value": 1}, {"chainId": 1}]
)
def test_what_a_remote_signer_changed_is_not_sent(tmp_path: Path, changed: dict[str, Any]) -> None:
    remote = RemoteSigner(changed=changed)
    with serving(remote) as url:
        signer = remote_keystore(tmp_path, remote, url).signer("operator-1")
        with pytest.raises(SignerUnavailableError):
            signer.sign(ANCHOR)


def test_the_signature_of_another_account_is_not_sent(tmp_path: Path) -> None:
    remote = RemoteSigner()
    with serving(remote) as url:
        signer = remote_keystore(tmp_path, remote, url).signer("operator-1")
        stranger = Account.create()
        claimed = remote.account

        class Impostor:
            address = claimed.address
            sign_transaction = stranger.sign_transaction

        remote.account = Impostor()  # type: ignore[assignment]
        with pytest.raises(SignerUnavailableError, match="another account"):
            signer.sign(ANCHOR)


def test_a_remote_signer_over_the_network_needs_tls(tmp_path: Path) -> None:
    for url in ("http://signer.example:9000", "http://127.0.0.1.evil.example/", "ftp://x"):
        with pytest.raises(ValueError, match="remote_signer"):
            settings_of(tmp_path, remote_signer=url)
    settings_of(tmp_path, remote_signer="https://signer.example:9000")
