"""The registry's side of the signer: requests over its socket, a `Signer` for each key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from registry.signing.channel import Channel
from registry.signing.description import KeyDescription, SigningContext, SigningRequest
from registry.signing.errors import SignerUnavailableError
from registry.signing.protocol import PROBE_NONCE_BYTES, PROBE_PREFIX, fitting_parts
from registry.signing.reading_back import is_signed
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import SIGNATURE_BYTES, Algorithm, PublicKey
from verifier.core.strict_json import JsonObject


class SignerClient:
    """What the registry asks of the signer of document keys; may be shared between threads."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._channel.close()

    def descriptions(self) -> list[KeyDescription]:
        """Return the public description of every key of the signer.

        Raises:
            SignerUnavailableError: No usable answer.
        """
        listed = self._channel.ask({"act": "keys"}).get("keys")
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
        return KeyDescription.from_json(self._channel.ask(request).get("key"))

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
        request = SigningRequest(thumbprint, message, context)
        return self._signature({"act": "sign", **request.to_json()})

    def sign_many(self, requests: Sequence[SigningRequest]) -> list[bytes]:
        """Return the signatures of many requests in their order, asked for in few messages.

        Raises:
            UnknownKeyError: The signer holds no such key.
            SigningRefusedError: A key must not sign a message; then nothing is signed.
            SignerUnavailableError: No usable answer.
        """
        signatures: list[bytes] = []
        for part in fitting_parts([each.to_json() for each in requests]):
            answer = self._channel.ask({"act": "sign_many", "requests": [*part]})
            answered = answer.get("signatures")
            if not isinstance(answered, list) or len(answered) != len(part):
                raise SignerUnavailableError("the signer did not answer every request")
            signatures += [_signature_of(each) for each in answered]
        return signatures

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
        return _signature_of(self._channel.ask(request).get("signature"))


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


def _signature_of(answered: object) -> bytes:
    try:
        return unb64u(str(answered), what="signature", length=SIGNATURE_BYTES)
    except MalformedEvidenceError as error:
        raise SignerUnavailableError(f"the signer answered no signature: {error}") from error
