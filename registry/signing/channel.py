"""The line to a signer: one request, one answer, over a connection opened on demand.

A signer of the same machine listens on a Unix domain socket, which the operating system guards. A
signer of another machine is reached over TLS in which both sides show a certificate.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from registry.kit.errors import RegistryError
from registry.settings import MutualTls
from registry.signing.errors import SignerUnavailableError, error_of
from registry.signing.protocol import receive, send
from verifier.core.strict_json import JsonObject


class Channel:
    """Requests to one signer; may be shared between threads.

    Args:
        connect: Opens a connection.
        known: Errors that this signer reports beside those of every signer.
    """

    def __init__(
        self, connect: Callable[[], socket.socket], *, known: Sequence[type[RegistryError]] = ()
    ) -> None:
        self._connect = connect
        self._known = known
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            self._drop()

    def ask(self, request: JsonObject) -> JsonObject:
        """Return what the signer answers.

        Raises:
            RegistryError: What the signer reported, see `error_of`.
            SignerUnavailableError: No usable answer.
        """
        with self._lock:
            answer = self._exchange(request)
        match answer:
            case {"ok": dict(result)}:
                return result
            case {"error": {"code": str(code), "reason": reason, "message": str(message)}}:
                raise error_of(code, reason, message, known=self._known)
            case _:
                raise SignerUnavailableError("the signer answered nonsense")

    def _exchange(self, request: JsonObject) -> JsonObject:
        """Send a request; once more on a new connection where the signer closed an idle one.

        Asking twice is safe: a signature that nobody received has no effect.
        """
        for is_last in (self._connection is None, True):
            try:
                if self._connection is None:
                    self._connection = self._connect()
                send(self._connection, request)
                answer = receive(self._connection)
            except OSError as error:
                self._drop()
                if is_last:
                    raise SignerUnavailableError(f"the signer does not answer: {error}") from error
                continue
            if answer is not None:
                return answer
            self._drop()
        raise SignerUnavailableError("the signer closed the connection")

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


def unix_socket(path: Path, *, timeout: timedelta) -> Callable[[], socket.socket]:
    """Return what connects to a signer of this machine."""

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout.total_seconds())
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return connection

    return connect


def mutual_tls(tls: MutualTls, *, timeout: timedelta) -> Callable[[], socket.socket]:
    """Return what connects to a signer of another machine.

    The signer must show a certificate of the configured authority that names the host; ours is
    shown to it. Certificate files are read again for every connection, so renewing them needs no
    restart.
    """

    def connect() -> socket.socket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(tls.authority)
        context.load_cert_chain(tls.certificate, tls.key)
        plain = socket.create_connection((tls.host, tls.port), timeout.total_seconds())
        try:
            return context.wrap_socket(plain, server_hostname=tls.host)
        except OSError:
            plain.close()
            raise

    return connect
