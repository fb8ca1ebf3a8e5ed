"""A document signer on another machine, reached over TLS in which both sides show a certificate."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.settings import MutualTls, Settings, SignerSettings
from registry.signing.channel import Channel, mutual_tls
from registry.signing.client import SignerClient
from registry.signing.connect import open_signer
from registry.signing.errors import SignerUnavailableError
from registry.signing.keystore import Keystore
from registry.signing.listening import TlsSignerServer
from registry.signing.protocol import send
from registry.signing.server import SigningDesk
from tests.support.authority import HOST, Authority
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm

BODY = bytes(range(32))
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def line(authority: Authority, name: str, *, port: int, trusts: Authority) -> MutualTls:
    certificate, key = authority.issue(name)
    return MutualTls(
        host=HOST, port=port, authority=trusts.certificate, certificate=certificate, key=key
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", "authority")


@contextmanager
def listening(tls: MutualTls, folder: Path) -> Iterator[int]:
    keystore = Keystore.create(folder, b"open sesame", cost=2**10)
    desk = SigningDesk(keystore, clock=lambda: NOW, may_generate=True)
    tls = tls.model_copy(update={"port": 0})
    with TlsSignerServer(tls, desk) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def client_of(tls: MutualTls) -> SignerClient:
    return SignerClient(Channel(mutual_tls(tls, timeout=timedelta(seconds=5))))


def test_both_sides_show_a_certificate(authority: Authority, tmp_path: Path) -> None:
    server = line(authority, "signer", port=1, trusts=authority)
    with listening(server, tmp_path / "keys") as port:
        client = client_of(line(authority, "registry", port=port, trusts=authority))
        key = client.generate(body=BODY, purpose=KeyPurpose.RECORD, algorithm=Algorithm.ES256)
        client.probe(key.public_key)
        assert client.descriptions() == [key]
        client.close()


def test_a_stranger_is_not_answered(authority: Authority, tmp_path: Path) -> None:
    server = line(authority, "signer", port=1, trusts=authority)
    other = Authority(tmp_path / "other", "other")
    with listening(server, tmp_path / "keys") as port:
        stranger = client_of(line(other, "registry", port=port, trusts=authority))
        with pytest.raises(SignerUnavailableError):
            stranger.descriptions()
        context = ssl.create_default_context(cafile=str(authority.certificate))
        with _bare(context, port) as connection:
            assert _first_byte(connection) == b""


def test_a_false_signer_is_not_asked(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "other")
    impostor = line(other, "signer", port=1, trusts=authority)
    with listening(impostor, tmp_path / "keys") as port:
        client = client_of(line(authority, "registry", port=port, trusts=authority))
        with pytest.raises(SignerUnavailableError, match="does not answer"):
            client.descriptions()


def test_the_command_serves_it(authority: Authority, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_signer(Settings(home=home), may_generate=True) as made:
        key = made.generate(body=BODY, purpose=KeyPurpose.SUMMARY, algorithm=Algorithm.EDDSA)
    certificate, private = authority.issue("signer")
    port = _free_port()
    environment = os.environ | {
        "LANCANG_HOME": str(home),
        "LANCANG_SIGNER__TLS__HOST": HOST,
        "LANCANG_SIGNER__TLS__PORT": str(port),
        "LANCANG_SIGNER__TLS__AUTHORITY": str(authority.certificate),
        "LANCANG_SIGNER__TLS__CERTIFICATE": str(certificate),
        "LANCANG_SIGNER__TLS__KEY": str(private),
    }
    command = [Path(sys.executable).with_name("lancang"), "signer"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            _await(process.stderr, rb"signer listens on")
            tls = line(authority, "registry", port=port, trusts=authority)
            settings = Settings(home=tmp_path / "elsewhere", signer=SignerSettings(tls=tls))
            with open_signer(settings) as client:
                assert client.descriptions() == [key]
                client.probe(key.public_key)
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


@contextmanager
def _bare(context: ssl.SSLContext, port: int) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection((HOST, port), 5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        yield secured


def _first_byte(connection: ssl.SSLSocket) -> bytes:
    """Return what the other side says first; in TLS 1.3 a refusal comes only here."""
    try:
        send(connection, {"act": "keys"})
        return connection.recv(1)
    except OSError:
        return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _await(stream: object, pattern: bytes) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]
        said = b""
        while not re.search(pattern, said):
            assert selector.select(60), said
            chunk = os.read(stream.fileno(), 4096)  # type: ignore[attr-defined]
            assert chunk, said
            said += chunk
