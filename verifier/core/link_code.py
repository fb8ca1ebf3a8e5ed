"""The link code: names a certificate and its leaf, so that a registry can be asked for both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from verifier.core.code_url import join_code, split_code
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import MalformedEvidenceError, NotOursError
from verifier.core.hashing import DIGEST_BYTES

LINK_KIND: Final = "c"

_ID_BYTES: Final = 16
_URN_PREFIX: Final = "urn:uuid:"
_PAYLOAD: Final = re.compile(r"i=([^&]*)&h=([^&]*)")
_WHAT: Final = "link code"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """What a link code says.

    Attributes:
        host: Host of the verifier's pages in the code; says nothing about the evidence.
        certificate_id: The credential's id, `urn:uuid:` and a UUID in lower case.
        leaf: Leaf of the certificate, 32 bytes.
    """

    host: str
    certificate_id: str
    leaf: bytes


def encode_link_code(verifier_host: str, *, certificate_id: str, leaf: bytes) -> str:
    """Return the text of a link code, `https://<host>/c#i=<id>&h=<leaf>`.

    Args:
        verifier_host: Host, with an optional port, that shows a person how to verify.
        certificate_id: The credential's id, `urn:uuid:` and a UUID in lower case.
        leaf: Leaf of the certificate, 32 bytes.

    Raises:
        MalformedEvidenceError: A part is malformed.
    """
    payload = f"i={b64u(_id_bytes(certificate_id))}&h={b64u(leaf)}"
    text = join_code(verifier_host, LINK_KIND, payload)
    parse_link_code(text)
    return text


def parse_link_code(text: str) -> LinkCode:
    """Parse the text of a link code, whatever its host.

    Raises:
        NotOursError: The text is no link code.
        LimitExceededError: Longer than any QR code.
        MalformedEvidenceError: Id or leaf is not the canonical base64url of its length.
    """
    host, kind, payload = split_code(text)
    match = _PAYLOAD.fullmatch(payload)
    if kind != LINK_KIND or match is None:
        raise NotOursError(_WHAT, "does not name a certificate and its leaf")
    identifier = unb64u(match[1], what=f"{_WHAT} id", length=_ID_BYTES)
    leaf = unb64u(match[2], what=f"{_WHAT} leaf", length=DIGEST_BYTES)
    certificate_id = f"{_URN_PREFIX}{UUID(bytes=identifier)}"
    return LinkCode(host=host, certificate_id=certificate_id, leaf=leaf)


def _id_bytes(certificate_id: str) -> bytes:
    try:
        uuid = UUID(certificate_id.removeprefix(_URN_PREFIX))
    except ValueError as error:
        raise _bad_id(certificate_id) from error
    if certificate_id != f"{_URN_PREFIX}{uuid}":
        raise _bad_id(certificate_id)
    return uuid.bytes


def _bad_id(certificate_id: str) -> MalformedEvidenceError:
    message = f"{certificate_id!r} must be urn:uuid: and a UUID in lower case"
    return MalformedEvidenceError("certificate id", message, reason="certificate_id")
