"""Reaching the signer: the configured one, or a child for as long as one command needs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from registry.settings import Settings
from registry.signing.client import SignerClient
from registry.signing.errors import error_of

START_TIMEOUT: Final = timedelta(seconds=60)  # scrypt takes long on a busy machine
READY: Final = b"ready\n"  # what the child writes once its socket accepts connections


@contextmanager
def open_signer(settings: Settings, *, may_generate: bool = False) -> Iterator[SignerClient]:
    """Yield a client of the configured signer, or of a child started for this purpose.

    The child ends when its standard input closes, also if this process is killed.

    Raises:
        KeystoreLockedError: The passphrase is missing or wrong.
        KeystoreDamagedError: The keystore is missing or malformed.
        SignerUnavailableError: The child did not start for another reason.
    """
    timeout = settings.signer.timeout
    if settings.signer.socket is not None:
        client = SignerClient(settings.signer.socket, timeout=timeout)
        try:
            yield client
        finally:
            client.close()
        return
    # A socket's path has at most 107 bytes, which a folder of the installation may exceed.
    with tempfile.TemporaryDirectory(prefix="lancang-signer-") as folder:
        path = Path(folder) / "signer.sock"
        with _child(settings, path, may_generate=may_generate):
            client = SignerClient(path, timeout=timeout)
            try:
                yield client
            finally:
                client.close()


@contextmanager
def _child(settings: Settings, path: Path, *, may_generate: bool) -> Iterator[None]:
    command = [sys.executable, "-m", "registry.signing.process", str(path)]
    if may_generate:
        command.append("--may-generate")
    with subprocess.Popen(  # noqa: S603  (our own module, no shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(settings),
    ) as child:
        try:
            _await_ready(child)
            yield
        finally:
            if child.stdin is not None:
                child.stdin.close()
            _end(child)


def _await_ready(child: subprocess.Popen[bytes]) -> None:
    timer = threading.Timer(START_TIMEOUT.total_seconds(), child.kill)
    timer.start()
    try:
        said = child.stdout.readline() if child.stdout else b""
    finally:
        timer.cancel()
    if said != READY:
        child.kill()
        complaint = child.stderr.read().decode(errors="replace").strip() if child.stderr else ""
        code, _, message = complaint.partition(": ")
        raise error_of(code, None, message or "the signer did not start in time")


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()


def _environment(settings: Settings) -> dict[str, str]:
    """Return the child's environment: what the keystore needs, nothing about database or chain."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LANCANG_")
    }
    environment["LANCANG_HOME"] = str(settings.home.absolute())
    environment["LANCANG_SIGNER__KEYSTORE"] = str(settings.document_keystore.absolute())
    if settings.signer.passphrase_file is not None:
        file = settings.signer.passphrase_file.absolute()
        environment["LANCANG_SIGNER__PASSPHRASE_FILE"] = str(file)
    if settings.signer.passphrase is not None:
        secret = settings.signer.passphrase.get_secret_value()
        environment["LANCANG_SIGNER__PASSPHRASE"] = secret
    return environment
