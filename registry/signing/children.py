"""A signer as a child process, for as long as one command needs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from registry.kit.errors import RegistryError
from registry.signing.channel import Channel, unix_socket
from registry.signing.errors import error_of
from registry.signing.listening import Desk, SignerServer

START_TIMEOUT: Final = timedelta(seconds=60)  # scrypt takes long on a busy machine
READY: Final = b"ready\n"  # what the child writes once its socket accepts connections


@contextmanager
def signer_child(
    module: str,
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str],
    timeout: timedelta,
    known: Sequence[type[RegistryError]] = (),
) -> Iterator[Channel]:
    """Start a signer and yield a line to it.

    The child ends when its standard input closes, also if this process is killed.

    Args:
        module: What to run; its first argument is the path of the socket.
        options: Its other arguments.
        environment: Its `LANCANG_*` variables; it gets none of ours.
        timeout: Longest wait for one answer.
        known: Errors that it reports beside those of every signer.

    Raises:
        RegistryError: The child did not start; it said why.
    """
    # A socket's path has at most 107 bytes, which a folder of the installation may exceed.
    with tempfile.TemporaryDirectory(prefix="lancang-signer-") as folder:
        path = Path(folder) / "signer.sock"
        command = [sys.executable, "-m", module, str(path), *options]
        with _running(command, environment, known):
            channel = Channel(unix_socket(path, timeout=timeout), known=known)
            try:
                yield channel
            finally:
                channel.close()


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], known: Sequence[type[RegistryError]]
) -> Iterator[None]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LANCANG_")}
    with subprocess.Popen(  # noqa: S603  (our own module, no shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ours | dict(environment),
    ) as child:
        try:
            _await_ready(child, known)
            yield
        finally:
            if child.stdin is not None:
                child.stdin.close()
            _end(child)


def serve_until_input_ends(path: Path, desk: Desk) -> None:
    """Be the child: serve a desk on `path`, tell the parent, end when standard input closes."""
    with SignerServer(path, desk, allowed_users=frozenset({os.getuid()})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        sys.stdin.buffer.read()
        server.shutdown()


def _await_ready(child: subprocess.Popen[bytes], known: Sequence[type[RegistryError]]) -> None:
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
        raise error_of(code, None, message or "the signer did not start in time", known=known)


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
