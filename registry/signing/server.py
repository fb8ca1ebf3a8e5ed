"""The signer: answers over a Unix domain socket, for processes of allowed users alone."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

from registry.kit.clock import Clock
from registry.kit.errors import RegistryError
from registry.signing.description import SigningContext
from registry.signing.errors import SignerUnavailableError, SigningRefusedError
from registry.signing.keystore import Keystore
from registry.signing.protocol import PROBE_NONCE_BYTES, PROBE_PREFIX, receive, send
from registry.signing.purposes import check_message
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import THUMBPRINT_BYTES, Algorithm
from verifier.core.strict_json import JsonObject

MAX_CONNECTIONS: Final = 64
IDLE_TIMEOUT: Final = timedelta(minutes=10)
_PR_SET_DUMPABLE: Final = 4
_SOCKET_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


class SigningDesk:
    """Carries out the requests of one keystore; one request at a time."""

    def __init__(self, keystore: Keystore, *, clock: Clock, may_generate: bool) -> None:
        self._keystore = keystore
        self._clock = clock
        self._may_generate = may_generate
        self._lock = threading.Lock()
        self._acts: dict[str, Callable[[JsonObject], JsonObject]] = {
            "sign": self._sign,
            "probe": self._probe,
            "keys": self._keys,
            "generate": self._generate,
        }

    def answer(self, request: JsonObject) -> JsonObject:
        """Return the answer to a request: `{"ok": ...}` or `{"error": {...}}`."""
        act = self._acts.get(str(request.get("act")))
        try:
            if act is None:
                raise SigningRefusedError("unknown_act", "the signer does not know this request")
            with self._lock:
                return {"ok": act(request)}
        except RegistryError as error:
            reason = error.reason if isinstance(error, SigningRefusedError) else None
            return {"error": {"code": error.code, "reason": reason, "message": str(error)}}
        except (MalformedEvidenceError, ValueError) as error:
            return {
                "error": {
                    "code": SigningRefusedError.code,
                    "reason": "malformed",
                    "message": f"malformed request: {error}",
                }
            }

    def _sign(self, request: JsonObject) -> JsonObject:
        described, key = self._keystore.load(_bytes(request, "key", THUMBPRINT_BYTES))
        message = _bytes(request, "message")
        context = SigningContext(
            maker=_optional_text(request, "maker"), approver=_optional_text(request, "approver")
        )
        check_message(described, message, context=context, now=self._clock())
        return {"signature": b64u(key.sign(message))}

    def _probe(self, request: JsonObject) -> JsonObject:
        _, key = self._keystore.load(_bytes(request, "key", THUMBPRINT_BYTES))
        nonce = _bytes(request, "nonce", PROBE_NONCE_BYTES)
        return {"signature": b64u(key.sign(PROBE_PREFIX + nonce))}

    def _keys(self, request: JsonObject) -> JsonObject:
        del request
        return {"keys": [key.to_json() for key in self._keystore.descriptions()]}

    def _generate(self, request: JsonObject) -> JsonObject:
        if not self._may_generate:
            raise SigningRefusedError("no_generation", "this signer makes no new keys")
        described = self._keystore.generate(
            body=bytes.fromhex(_text(request, "body")),
            purpose=KeyPurpose(cast("int", request.get("purpose"))),
            algorithm=Algorithm(_text(request, "algorithm")),
            at=self._clock(),
        )
        return {"key": described.to_json()}


class SignerServer(socketserver.ThreadingUnixStreamServer):
    """Serves a `SigningDesk` on a socket that only its owner may open."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, path: Path, desk: SigningDesk, *, allowed_users: frozenset[int]) -> None:
        self.desk = desk
        self._allowed_users = allowed_users
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
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
        return self._slots.acquire(blocking=False)

    def release_slot(self) -> None:
        """Give the slot of a finished connection back."""
        self._slots.release()


class _Connection(socketserver.BaseRequestHandler):
    """One client: requests and answers in turn until it closes, idles or sends nonsense."""

    server: SignerServer
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(IDLE_TIMEOUT.total_seconds())
        try:
            while (request := receive(self.request)) is not None:
                send(self.request, self.server.desk.answer(request))
        except (OSError, SignerUnavailableError):
            return  # the client is gone or does not follow the protocol: nothing to answer
        finally:
            self.server.release_slot()


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


def _text(request: JsonObject, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise SigningRefusedError("malformed", f"{name} must be text")
    return value


def _optional_text(request: JsonObject, name: str) -> str | None:
    return None if request.get(name) is None else _text(request, name)


def _bytes(request: JsonObject, name: str, length: int | None = None) -> bytes:
    return unb64u(_text(request, name), what=name, length=length)
