"""Compact JWS with a fixed header (RFC 7515; docs/evidence-format.md, section 1.2).

A token names its key by thumbprint and its algorithm by name. Neither is believed: the key comes
from the registration of the issuing body, and its algorithm with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.keys import (
    SIGNATURE_BYTES,
    THUMBPRINT_BYTES,
    TOKEN_ALGORITHMS,
    Algorithm,
    PublicKey,
    Signer,
)
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import JsonObject, parse_json_object

_SEGMENTS: Final = 3
_MAX_HEADER_CHARS: Final = 1024  # ours have 150


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactJws:
    """A well-formed token whose signature has not been looked at.

    Attributes:
        text: `header.payload.signature` as received.
        algorithm: What the header claims; `signed_by` demands that the key agrees.
        thumbprint: RFC 7638 name of the signing key, 32 bytes.
        payload: The signed bytes behind the payload segment.
        signature: Raw, 64 bytes.
    """

    text: str
    algorithm: Algorithm
    thumbprint: bytes
    payload: bytes
    signature: bytes

    def signed_by(self, key: PublicKey) -> bool:
        """Tell whether the registered `key` is the one named here and made the signature."""
        return (
            key.algorithm is self.algorithm
            and key.thumbprint() == self.thumbprint
            and key.verify(self.signature, self.text.rpartition(".")[0].encode("ascii"))
        )


def parse_compact(text: str, *, what: str, typ: str, cty: str | None = None) -> CompactJws:
    """Parse a token whose header must have exactly `alg`, `kid`, `typ`, and `cty` if given.

    Exactness shuts out `crit`, embedded keys and key addresses together.

    Args:
        text: `header.payload.signature`.
        what: Name of the token, for error messages.
        typ: The only accepted type, compared letter by letter.
        cty: The only accepted content type, None if there must be none.

    Raises:
        NotOursError: The text is no compact JWS or of another type.
        LimitExceededError: The text is longer than `MAX_DOCUMENT_BYTES`.
        MalformedEvidenceError: It claims our type and breaks its rules (`header`, `base64url`,
            `length`, `algorithm`).
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise LimitExceededError(what, actual=len(text), limit=MAX_DOCUMENT_BYTES)
    segments = text.split(".")
    if len(segments) != _SEGMENTS:
        raise NotOursError(what, "is no token of three segments")
    header, payload, signature = segments
    algorithm, thumbprint = _parse_header(header, what, typ, cty)
    return CompactJws(
        text=text,
        algorithm=algorithm,
        thumbprint=thumbprint,
        payload=unb64u(payload, what=f"{what} payload"),
        signature=unb64u(signature, what=f"{what} signature", length=SIGNATURE_BYTES),
    )


def sign_compact(payload: bytes, signer: Signer, *, typ: str, cty: str | None = None) -> str:
    """Return `header.payload.signature` over `payload`.

    Args:
        payload: The bytes to sign, as they will be delivered.
        signer: Names algorithm and key of the header.
        typ: Token type; plain ASCII without quotation marks.
        cty: Content type, None for none.
    """
    unsigned = signing_input(
        payload, algorithm=signer.algorithm, thumbprint=signer.thumbprint, typ=typ, cty=cty
    )
    return f"{unsigned}.{b64u(signer.sign(unsigned.encode('ascii')))}"


def signing_input(
    payload: bytes, *, algorithm: Algorithm, thumbprint: bytes, typ: str, cty: str | None = None
) -> str:
    """Return `header.payload`, whose ASCII is what gets signed; see `sign_compact`.

    Args:
        payload: The bytes to sign, as they will be delivered.
        algorithm: That of the key.
        thumbprint: RFC 7638 name of the key, 32 bytes.
        typ: Token type.
        cty: Content type, None for none.
    """
    return f"{_write_header(algorithm, thumbprint, typ, cty)}.{b64u(payload)}"


# Both directions are pure, and the few keys in use repeat from token to token.
@lru_cache(maxsize=256)
def _write_header(algorithm: Algorithm, thumbprint: bytes, typ: str, cty: str | None) -> str:
    content = "" if cty is None else f'"cty":"{cty}",'
    header = f'{{"alg":"{algorithm}",{content}"kid":"{b64u(thumbprint)}","typ":"{typ}"}}'
    return b64u(header.encode("ascii"))


@lru_cache(maxsize=256)
def _parse_header(segment: str, what: str, typ: str, cty: str | None) -> tuple[Algorithm, bytes]:
    header = read_header(segment, what=what, typ=typ)
    expected: JsonObject = {"typ": typ} if cty is None else {"typ": typ, "cty": cty}
    kid = header.get("kid")
    if not isinstance(kid, str) or header != expected | {"alg": header.get("alg"), "kid": kid}:
        names = ", ".join(sorted({"alg", "kid", *expected}))
        message = f"the header must have exactly {names}, with the values of the format"
        raise MalformedEvidenceError(what, message, reason="header")
    thumbprint = unb64u(kid, what=f"{what} kid", length=THUMBPRINT_BYTES)
    return _algorithm(header.get("alg"), what), thumbprint


def read_header(segment: str, *, what: str, typ: str) -> JsonObject:
    """Return the header of a token of one type, its other members unchecked.

    Raises:
        NotOursError: It is no header of ours or of another type.
    """
    if len(segment) > _MAX_HEADER_CHARS:
        raise NotOursError(what, "has no header of ours")
    try:
        data = unb64u(segment, what=f"{what} header")
        header = parse_json_object(data, what=f"{what} header")
    except MalformedEvidenceError as error:
        raise NotOursError(what, f"has no header of ours ({error})") from error
    if header.get("typ") != typ:
        raise NotOursError(what, f"is not of type {typ}")
    return header


def _algorithm(name: object, what: str) -> Algorithm:
    for algorithm in TOKEN_ALGORITHMS:
        if algorithm.value == name:
            return algorithm
    raise MalformedEvidenceError(what, f"algorithm {name!r} is not allowed", reason="algorithm")
