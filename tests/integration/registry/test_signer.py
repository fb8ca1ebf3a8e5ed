from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.settings import Settings, SignerSettings
from registry.signing.channel import Channel, unix_socket
from registry.signing.client import SignerClient
from registry.signing.connect import open_signer
from registry.signing.description import KeyDescription
from registry.signing.errors import (
    KeystoreDamagedError,
    KeystoreLockedError,
    SignerUnavailableError,
    SigningRefusedError,
    UnknownKeyError,
)
from registry.signing.keystore import Keystore
from registry.signing.listening import SignerServer
from registry.signing.protocol import MAX_FRAME_BYTES, receive, send
from registry.signing.server import SigningDesk
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm

BODY = bytes(range(32))
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
PASSPHRASE = b"open sesame"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "signer.sock"


@pytest.fixture
def server(tmp_path: Path, path: Path) -> Iterator[SignerServer]:
    keystore = Keystore.create(tmp_path / "keys", PASSPHRASE, cost=2**10)
    desk = SigningDesk(keystore, clock=lambda: NOW, may_generate=True)
    with SignerServer(path, desk, allowed_users=frozenset({os.getuid()})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: SignerServer, path: Path) -> Iterator[SignerClient]:
    client = SignerClient(Channel(unix_socket(path, timeout=timedelta(seconds=5))))
    yield client
    client.close()


@pytest.fixture
def key(client: SignerClient) -> KeyDescription:
    return client.generate(body=BODY, purpose=KeyPurpose.CERTIFICATE, algorithm=Algorithm.ES256)


def test_keys_are_made_listed_and_probed(client: SignerClient, key: KeyDescription) -> None:
    assert (key.body, key.purpose, key.created_at) == (BODY, KeyPurpose.CERTIFICATE, NOW)
    assert client.descriptions() == [key]
    client.probe(key.public_key)


def test_what_is_no_token_is_refused(client: SignerClient, key: KeyDescription) -> None:
    for message in (b"", b"a.b", b"lancang/probe/1\x00" + bytes(16), os.urandom(200)):
        with pytest.raises(SigningRefusedError) as caught:
            client.signer(key.public_key).sign(message)
        assert caught.value.reason == "wrong_purpose"


def test_unknown_keys_are_named(client: SignerClient, key: KeyDescription) -> None:
    with pytest.raises(UnknownKeyError):
        client.sign(bytes(32), b"message", client.signer(key.public_key).context)


def test_the_socket_is_for_its_owner_alone(server: SignerServer, path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs SO_PEERCRED")
def test_processes_of_other_users_are_turned_away(tmp_path: Path) -> None:
    keystore = Keystore.create(tmp_path / "keys", PASSPHRASE, cost=2**10)
    desk = SigningDesk(keystore, clock=lambda: NOW, may_generate=True)
    path = tmp_path / "signer.sock"
    somebody_else = frozenset({os.getuid() + 1})
    with SignerServer(path, desk, allowed_users=somebody_else) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        client = SignerClient(Channel(unix_socket(path, timeout=timedelta(seconds=5))))
        with pytest.raises(SignerUnavailableError):
            client.descriptions()
        server.shutdown()
        thread.join()


def test_the_client_reconnects_after_the_signer_dropped_an_idle_connection(
    client: SignerClient, key: KeyDescription
) -> None:
    assert client._channel._connection is not None
    client._channel._connection.shutdown(socket.SHUT_RDWR)
    assert client.descriptions() == [key]


def test_a_missing_signer_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    client = SignerClient(
        Channel(unix_socket(tmp_path / "nobody.sock", timeout=timedelta(seconds=1)))
    )
    with pytest.raises(SignerUnavailableError):
        client.descriptions()


@pytest.mark.parametrize(
    "sent",
    [
        (MAX_FRAME_BYTES + 1).to_bytes(4),
        (5).to_bytes(4) + b"[1,2]",
        (3).to_bytes(4) + b"{\xff}",
        (9).to_bytes(4) + b'{"a":1.5}',
    ],
)
def test_nonsense_ends_the_connection_and_nothing_else(
    client: SignerClient, key: KeyDescription, path: Path, sent: bytes
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.settimeout(5)
        stranger.connect(str(path))
        stranger.sendall(sent)
        assert stranger.recv(1) == b""
    assert client.descriptions() == [key]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"act": "export"},
        {"act": "sign"},
        {"act": "sign", "key": "AA", "message": "AA"},
        {"act": "generate", "body": "00", "purpose": 9, "algorithm": "ES256"},
        {"act": "generate", "body": "zz", "purpose": 1, "algorithm": "ES256"},
        {"act": ["sign"]},
    ],
)
def test_malformed_requests_are_answered_with_an_error(
    server: SignerServer, path: Path, request_: dict[str, object]
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        send(connection, request_)  # type: ignore[arg-type]
        answer = receive(connection)
    assert answer is not None
    assert set(answer) == {"error"}


def test_a_signer_without_permission_makes_no_keys(tmp_path: Path) -> None:
    keystore = Keystore.create(tmp_path / "keys", PASSPHRASE, cost=2**10)
    desk = SigningDesk(keystore, clock=lambda: NOW, may_generate=False)
    answer = desk.answer(
        {"act": "generate", "body": BODY.hex(), "purpose": 1, "algorithm": "ES256"}
    )
    assert answer["error"]["reason"] == "no_generation"  # type: ignore[index, call-overload]
    assert keystore.descriptions() == []


def test_the_child_signs_for_one_command_and_ends_with_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home with space")
    with open_signer(settings, may_generate=True) as client:
        key = client.generate(body=BODY, purpose=KeyPurpose.SUMMARY, algorithm=Algorithm.EDDSA)
        client.probe(key.public_key)
    with open_signer(settings) as client:
        assert client.descriptions() == [key]
        with pytest.raises(SigningRefusedError):
            client.generate(body=BODY, purpose=KeyPurpose.SUMMARY, algorithm=Algorithm.ES256)
    with pytest.raises(SignerUnavailableError):
        client.descriptions()


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(KeystoreLockedError), open_signer(settings):
        pass
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("x\n")
    passphrase.chmod(0o600)
    settings = Settings(home=tmp_path, signer=SignerSettings(passphrase_file=passphrase))
    with pytest.raises(KeystoreDamagedError), open_signer(settings):
        pass
    passphrase.chmod(0o644)
    with pytest.raises(KeystoreLockedError, match="chmod"), open_signer(settings):
        pass


def test_the_registry_never_loads_code_that_opens_private_keys() -> None:
    """What the API and every command but `signer` import must not reach the keystore."""
    probe = """
import importlib, pkgutil, sys
import registry.app, registry.cli, registry.commands
import registry.anchoring.crew, registry.anchoring.setup, registry.founding, registry.key_changes
for module in pkgutil.iter_modules(registry.commands.__path__):
    if module.name == "bundle":
        continue  # bundles are signed off line, with keys of their own
    importlib.import_module(f"registry.commands.{module.name}")
loaded = {
    "registry.signing.keystore", "registry.signing.software", "registry.signing.pkcs11_token",
    "registry.anchoring.transaction_vault", "registry.anchoring.transaction_token", "pkcs11",
} & set(sys.modules)
sys.exit(", ".join(loaded) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", probe], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
