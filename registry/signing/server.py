"""The desk of the document signer: what is asked is checked, then signed."""

from __future__ import annotations

from typing import cast

from registry.kit.clock import Clock
from registry.signing.answering import Answering
from registry.signing.description import SigningContext
from registry.signing.errors import SigningRefusedError
from registry.signing.protocol import PROBE_NONCE_BYTES, PROBE_PREFIX
from registry.signing.purposes import check_message
from registry.signing.vault import KeyVault
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u, unb64u
from verifier.core.keys import THUMBPRINT_BYTES, Algorithm
from verifier.core.strict_json import JsonObject, JsonValue


class SigningDesk:
    """Carries out the requests for the keys of one vault; one request at a time."""

    def __init__(self, vault: KeyVault, *, clock: Clock, may_generate: bool) -> None:
        self._vault = vault
        self._clock = clock
        self._may_generate = may_generate
        self._answering = Answering(
            {
                "sign": self._sign,
                "sign_many": self._sign_many,
                "probe": self._probe,
                "keys": self._keys,
                "generate": self._generate,
            }
        )

    def answer(self, request: JsonObject) -> JsonObject:
        """See `Answering.answer`."""
        return self._answering.answer(request)

    def _sign(self, request: JsonObject) -> JsonObject:
        described, key = self._vault.load(_bytes(request, "key", THUMBPRINT_BYTES))
        message = _bytes(request, "message")
        context = SigningContext(
            maker=_optional_text(request, "maker"), approver=_optional_text(request, "approver")
        )
        check_message(described, message, context=context, now=self._clock())
        return {"signature": b64u(key.sign(message))}

    def _sign_many(self, request: JsonObject) -> JsonObject:
        requests = request.get("requests")
        if not isinstance(requests, list):
            raise SigningRefusedError("malformed", "requests must be a list")
        signatures: list[JsonValue] = []
        for each in requests:
            if not isinstance(each, dict):
                raise SigningRefusedError("malformed", "a request must be an object")
            signatures.append(self._sign(each)["signature"])
        return {"signatures": signatures}

    def _probe(self, request: JsonObject) -> JsonObject:
        _, key = self._vault.load(_bytes(request, "key", THUMBPRINT_BYTES))
        nonce = _bytes(request, "nonce", PROBE_NONCE_BYTES)
        return {"signature": b64u(key.sign(PROBE_PREFIX + nonce))}

    def _keys(self, request: JsonObject) -> JsonObject:
        del request
        return {"keys": [key.to_json() for key in self._vault.descriptions()]}

    def _generate(self, request: JsonObject) -> JsonObject:
        if not self._may_generate:
            raise SigningRefusedError("no_generation", "this signer makes no new keys")
        described = self._vault.generate(
            body=bytes.fromhex(_text(request, "body")),
            purpose=KeyPurpose(cast("int", request.get("purpose"))),
            algorithm=Algorithm(_text(request, "algorithm")),
            at=self._clock(),
        )
        return {"key": described.to_json()}


def _text(request: JsonObject, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise SigningRefusedError("malformed", f"{name} must be text")
    return value


def _optional_text(request: JsonObject, name: str) -> str | None:
    return None if request.get(name) is None else _text(request, name)


def _bytes(request: JsonObject, name: str, length: int | None = None) -> bytes:
    return unb64u(_text(request, name), what=name, length=length)
