"""Co-signatures: a second signature, SM2 with SM3, over the payload of a certificate.

A co-signature is a token of its own, with a leaf of its own. Its payload segment is that of the
certificate, byte for byte, and its header names the leaf of the certificate
(docs/evidence-format.md, section 1.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.hashing import DIGEST_BYTES, token_leaf
from verifier.core.jws import read_header
from verifier.core.keys import (
    SIGNATURE_BYTES,
    THUMBPRINT_BYTES,
    Algorithm,
    PublicKey,
    Signer,
)
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.sm2 import Sm2Verify
from verifier.core.strict_json import canonical_json

TYP: Final = "lancang-cosignature+jwt"
CTY: Final = "vc"

_WHAT: Final = "co-signature"
_SEGMENTS: Final = 3
_MEMBERS: Final = frozenset({"alg", "cosigns", "cty", "kid", "typ"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CoSignature:
    """A well-formed co-signature that nothing has been compared with.

    Attributes:
        text: `header.payload.signature` as received.
        thumbprint: RFC 7638 name of the signing key, 32 bytes.
        cosigns: Leaf of the certificate that it belongs to, 32 bytes.
        payload: The signed bytes behind the payload segment. Since base64url has one spelling
            here, equal bytes are equal segments.
        leaf: Its own leaf digest, 32 bytes.
    """

    text: str
    thumbprint: bytes
    cosigns: bytes
    payload: bytes
    leaf: bytes

    def signed_by(self, key: PublicKey, *, sm2: Sm2Verify) -> bool:
        """Tell whether the registered `key` is the one named here and made the signature."""
        signing_input, _, signature = self.text.rpartition(".")
        return key.thumbprint() == self.thumbprint and key.verify_sm2(
            unb64u(signature, what=_WHAT), signing_input.encode("ascii"), sm2=sm2
        )


def co_sign(token: str, signer: Signer) -> CoSignature:
    """Sign the payload of a certificate once more.

    Args:
        token: `header.payload.signature` of the certificate; its payload must say that there is
            a co-signature.
        signer: An SM2 key of the same body and purpose as that of the certificate.
    """
    header = canonical_json(
        {
            "alg": signer.algorithm.value,
            "cosigns": b64u(token_leaf(token)),
            "cty": CTY,
            "kid": b64u(signer.thumbprint),
            "typ": TYP,
        }
    )
    signing_input = f"{b64u(header)}.{token.split('.')[1]}"
    signature = signer.sign(signing_input.encode("ascii"))
    return parse_cosignature(f"{signing_input}.{b64u(signature)}")


def parse_cosignature(text: str) -> CoSignature:
    """Parse a co-signature, whose header must have exactly the members of the format.

    Raises:
        NotOursError: The text is no compact JWS or of another type.
        LimitExceededError: The text is longer than `MAX_DOCUMENT_BYTES`.
        MalformedEvidenceError: It claims our type and breaks its rules (`header`, `algorithm`,
            `base64url`, `length`).
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise LimitExceededError(_WHAT, actual=len(text), limit=MAX_DOCUMENT_BYTES)
    segments = text.split(".")
    if len(segments) != _SEGMENTS:
        raise NotOursError(_WHAT, "is no token of three segments")
    header = read_header(segments[0], what=_WHAT, typ=TYP)
    kid, cosigns = header.get("kid"), header.get("cosigns")
    if (
        header.keys() != _MEMBERS
        or header["cty"] != CTY
        or not isinstance(kid, str)
        or not isinstance(cosigns, str)
    ):
        message = f"the header must have exactly {', '.join(sorted(_MEMBERS))}, as the format says"
        raise MalformedEvidenceError(_WHAT, message, reason="header")
    if header["alg"] != Algorithm.SM2.value:
        message = f"algorithm {header['alg']!r} is not allowed"
        raise MalformedEvidenceError(_WHAT, message, reason="algorithm")
    unb64u(segments[2], what=f"{_WHAT} signature", length=SIGNATURE_BYTES)
    return CoSignature(
        text=text,
        thumbprint=unb64u(kid, what=f"{_WHAT} kid", length=THUMBPRINT_BYTES),
        cosigns=unb64u(cosigns, what=f"{_WHAT} cosigns", length=DIGEST_BYTES),
        payload=unb64u(segments[1], what=f"{_WHAT} payload"),
        leaf=token_leaf(text),
    )
