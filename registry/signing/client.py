"""The registry's side of the signer: requests over its socket, a `Signer` for each key."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from registry.signing.description import KeyDescription, SigningContext
from registry.signing.errors import SignerUnavailableError, error_of
from registry.signing.protocol import PROBE_NONCE_BYTES, PROBE_PREFIX, receive, send
from registry.signing.reading_back import is_signed
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import SIGNATURE_BYTES, Algorithm, PublicKey
from verifier.core.strict_json import JsonObject


class SignerClient:
    """A connection to the signer, opened on demand; may be shared between threads."""

    def __init__(self, path: Path, *, timeout: timedelta) -> None:
        self._path = path
        self._timeout = timeout
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            self._drop()

    def descriptions(self) -> list[KeyDescription]:
        """Return the public description of every key of the signer.

        Raises:
            SignerUnavailableError: No usable answer.
        """
        listed = self._ask({"act": "keys"}).get("keys")
        if not isinstance(listed, list):
            raise SignerUnavailableError("the signer answered no list of keys")
        return [KeyDescription.from_json(item) for item in listed]

    def generate(self, *, body: bytes, purpose: KeyPurpose, algorithm: Algorithm) -> KeyDescription:
        """Have the signer make a new key.

        Raises:
            SigningRefusedError: This signer makes no keys (`no_generation`).
            SignerUnavailableError: No usable answer.
        """
        request: JsonObject = {
            "act": "generate",
            "algorithm": algorithm.value,
            "body": body.hex(),
            "purpose": int(purpose),
        }
        return KeyDescription.from_json(self._ask(request).get("key"))

    def signer(self, key: PublicKey, context: SigningContext | None = None) -> RemoteSigner:
        """Return a `Signer` that signs with `key` on behalf of the people in `context`."""
        return RemoteSigner(client=self, public_key=key, context=context or SigningContext())

    def sign(self, thumbprint: bytes, message: bytes, context: SigningContext) -> bytes:
        """Return the signature of the key named by `thumbprint`.

        Raises:
            UnknownKeyError: The signer holds no such key.
            SigningRefusedError: The key must not sign this message.
            SignerUnavailableError: No usable answer.
        """
        return self._signature(
            {
                "act": "sign",
                "approver": context.approver,
                "key": b64u(thumbprint),
                "maker": context.maker,
                "message": b64u(message),
            }
        )

    def probe(self, key: PublicKey) -> None:
        """Have the signer prove that it can use `key`; for health checks.

        Raises:
            UnknownKeyError: The signer holds no such key.
            SignerUnavailableError: No usable answer, or a signature that does not verify.
        """
        nonce = os.urandom(PROBE_NONCE_BYTES)
        request: JsonObject = {"act": "probe", "key": b64u(key.thumbprint()), "nonce": b64u(nonce)}
        if not is_signed(key, self._signature(request), PROBE_PREFIX + nonce):
            raise SignerUnavailableError("the signer's probe signature does not verify")

    def _signature(self, request: JsonObject) -> bytes:
        signature = self._ask(request).get("signature")
        try:
            return unb64u(str(signature), what="signature", length=SIGNATURE_BYTES)
        except MalformedEvidenceError as error:
            raise SignerUnavailableError(f"the signer answered no signature: {error}") from error

    def _ask(self, request: JsonObject) -> JsonObject:
        with self._lock:
            answer = self._exchange(request)
        match answer:
            case {"ok": dict(result)}:
                return result
            case {"error": {"code": str(code), "reason": reason, "message": str(message)}}:
                raise error_of(code, reason, message)
            case _:
                raise SignerUnavailableError("the signer answered nonsense")

    def _exchange(self, request: JsonObject) -> JsonObject:
        """Send a request; once more on a new connection where the signer closed an idle one.

        Asking twice is safe: a signature that nobody received has no effect.
        """
        for is_last in (self._connection is None, True):
            try:
                connection = self._connection or self._connect()
                send(connection, request)
                answer = receive(connection)
            except OSError as error:
                self._drop()
                if is_last:
                    raise SignerUnavailableError(f"the signer does not answer: {error}") from error
                continue
            if answer is not None:
                return answer
            self._drop()
        raise SignerUnavailableError("the signer closed the connection")

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout.total_seconds())
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSigner:
    """One key of the signer process; implements `verifier.core.keys.Signer`."""

    client: SignerClient
    public_key: PublicKey
    context: SigningContext

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm of the key."""
        return self.public_key.algorithm

    @property
    def thumbprint(self) -> bytes:
        """The RFC 7638 thumbprint of the public key, 32 bytes."""
        return self.public_key.thumbprint()

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte signature over `message`; see `SignerClient.sign`."""
        return self.client.sign(self.thumbprint, message, self.context)
