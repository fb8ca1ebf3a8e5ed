"""How a signer listens: on a socket for allowed users of the machine, or over mutual TLS.

Nothing here knows a key; a desk answers the requests.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import socketserver
import ssl
import struct
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol, cast

from registry.settings import MutualTls
from registry.signing.errors import SignerUnavailableError
from registry.signing.protocol import receive, send
from verifier.core.strict_json import JsonObject

MAX_CONNECTIONS: Final = 64
IDLE_TIMEOUT: Final = timedelta(minutes=10)
_HANDSHAKE_SECONDS: Final = 10.0
_PR_SET_DUMPABLE: Final = 4
_SOCKET_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class Desk(Protocol):
    """Whatever answers requests; called from many threads."""

    def answer(self, request: JsonObject) -> JsonObject:
        """Return `{"ok": ...}` or `{"error": {...}}`; never raises."""
        ...


class SignerServer(socketserver.ThreadingUnixStreamServer):
    """Serves a desk on a socket that only allowed users may open."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, path: Path, desk: Desk, *, allowed_users: frozenset[int]) -> None:
        self.desk = desk
        self.slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._allowed_users = allowed_users
        path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        previous = os.umask(0o177)
        try:
            super().__init__(str(path), _Connection)
        finally:
            os.umask(previous)
        # Other users on the list need to reach the socket; the peer check then decides.
        path.chmod(_SOCKET_MODE if allowed_users <= {os.getuid()} else 0o666)

    def verify_request(
        self,
        request: socket.socket | tuple[bytes, socket.socket],
        client_address: object,
    ) -> bool:
        """Tell whether the peer is an allowed user and a slot is free."""
        del client_address
        peer = _peer_user(cast("socket.socket", request))
        if peer is not None and peer not in self._allowed_users:
            return False
        return self.slots.acquire(blocking=False)


class TlsSignerServer(socketserver.ThreadingTCPServer):
    """Serves a desk to whoever shows a certificate of the configured authority.

    Args:
        tls: Where to listen, our certificate, and the authority of the clients'.
        desk: Answers.
    """

    daemon_threads = True
    request_queue_size = 32
    allow_reuse_address = True

    def __init__(self, tls: MutualTls, desk: Desk) -> None:
        self.desk = desk
        self.slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(tls.authority)
        self.context.load_cert_chain(tls.certificate, tls.key)
        super().__init__((tls.host, tls.port), _TlsConnection)

    def verify_request(
        self,
        request: socket.socket | tuple[bytes, socket.socket],
        client_address: object,
    ) -> bool:
        """Tell whether a slot is free; who asks is decided by the handshake in its thread."""
        del request, client_address
        return self.slots.acquire(blocking=False)


class _Connection(socketserver.BaseRequestHandler):
    """One client: requests and answers in turn until it closes, idles or sends nonsense."""

    server: SignerServer | TlsSignerServer
    request: socket.socket

    def handle(self) -> None:
        try:
            self._converse(self.request)
        except (OSError, SignerUnavailableError):
            return  # the client is gone or does not follow the protocol: nothing to answer
        finally:
            self.server.slots.release()

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(IDLE_TIMEOUT.total_seconds())
        while (request := receive(connection)) is not None:
            send(connection, self.server.desk.answer(request))


class _TlsConnection(_Connection):
    server: TlsSignerServer

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(_HANDSHAKE_SECONDS)
        with self.server.context.wrap_socket(connection, server_side=True) as secured:
            super()._converse(secured)


def protect_process() -> None:
    """Keep keys out of core dumps and away from debuggers of the same user."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _peer_user(connection: socket.socket) -> int | None:
    """Return the user id of the peer; None where only the file mode guards the socket."""
    if sys.platform != "linux":
        return None
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)
