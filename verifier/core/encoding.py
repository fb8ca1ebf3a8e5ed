"""base64url without padding, canonical in both directions (RFC 4648, section 5)."""

from __future__ import annotations

import binascii
from typing import Final

from verifier.core.errors import MalformedEvidenceError

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_PADDING: Final = (b"", b"", b"==", b"=")  # by length modulo 4; one stray character has no decoding


def b64u(data: bytes) -> str:
    """Return `data` as base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def unb64u(text: str, *, what: str, length: int | None = None) -> bytes:
    """Decode the one canonical base64url spelling of some bytes.

    Padding, white space, the letters of plain base64 and set bits behind the last byte are
    refused: two spellings of the same bytes would be two tokens with the same content.

    Args:
        text: The encoded bytes; may be empty.
        what: Name of the part being read, for the error message.
        length: Number of bytes that must come out, None for any.

    Raises:
        MalformedEvidenceError: `text` is not canonical (`base64url`) or has the wrong length
            (`length`).
    """
    try:
        raw = text.encode("ascii")
        data = binascii.a2b_base64(raw.translate(_FROM_URL) + _PADDING[len(raw) % 4])
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedEvidenceError(what, "is not base64url", reason="base64url") from error
    if b64u(data) != text:
        raise MalformedEvidenceError(what, "is not canonical base64url", reason="base64url")
    if length is not None and len(data) != length:
        message = f"must decode to {length} bytes, not {len(data)}"
        raise MalformedEvidenceError(what, message, reason="length")
    return data
