"""What everybody may know about a signing key, and in whose name a signature is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.signing.errors import KeystoreDamagedError
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u
from verifier.core.errors import MalformedEvidenceError
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.strict_json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDescription:
    """What is known about a key without its passphrase.

    Attributes:
        body: The 32-byte id of the body to which the key belongs.
        purpose: The only thing the key may sign.
        public_key: Public part with its algorithm.
        created_at: When it was made.
    """

    body: bytes
    purpose: KeyPurpose
    public_key: PublicKey
    created_at: datetime

    def to_json(self) -> JsonObject:
        """Return the description as stored and sent."""
        return {
            "algorithm": self.public_key.algorithm.value,
            "body": self.body.hex(),
            "created_at": self.created_at.isoformat(),
            "jwk": dict(self.public_key.jwk()),
            "purpose": int(self.purpose),
        }

    @classmethod
    def from_json(cls, value: object) -> KeyDescription:
        """Return the description that `to_json` wrote.

        Raises:
            KeystoreDamagedError: It is malformed.
        """
        try:
            match value:
                case {
                    "algorithm": str(algorithm),
                    "body": str(body),
                    "created_at": str(created_at),
                    "jwk": dict(jwk),
                    "purpose": int(purpose),
                }:
                    public_key = PublicKey.from_jwk(jwk)
                    if public_key.algorithm is not Algorithm(algorithm):
                        raise KeystoreDamagedError("a key is described with another algorithm")
                    return cls(
                        body=bytes.fromhex(body),
                        purpose=KeyPurpose(purpose),
                        public_key=public_key,
                        created_at=datetime.fromisoformat(created_at),
                    )
                case _:
                    raise KeystoreDamagedError("description of a key is malformed")
        except (ValueError, MalformedEvidenceError) as error:
            raise KeystoreDamagedError(f"description of a key: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningContext:
    """Who asks, as far as the registry says; certificates need two different people.

    Attributes:
        maker: Person key of the maker of the draft, None where nobody drafted.
        approver: Person key of the approver, None likewise.
    """

    maker: str | None = None
    approver: str | None = None


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A message and who is to sign it.

    Attributes:
        thumbprint: RFC 7638 name of the key, 32 bytes.
        message: The bytes to be signed.
        context: People behind the request.
    """

    thumbprint: bytes
    message: bytes
    context: SigningContext

    def to_json(self) -> JsonObject:
        """Return the request as it is sent."""
        return {
            "approver": self.context.approver,
            "key": b64u(self.thumbprint),
            "maker": self.context.maker,
            "message": b64u(self.message),
        }
