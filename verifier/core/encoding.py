"""base64url without padding, canonical in both directions (RFC 4648, section 5)."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Final

from verifier.core.errors import MalformedEvidenceError

_PADDING: Final = (b"", b"===", b"==", b"=")  # by length modulo 4; a single letter has no decoding
# Last letters that leave no stray bits behind the last byte, by length modulo 4.
_LAST_LETTERS: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


def b64u(data: bytes) -> str:
    """Return `data` as base64url without padding."""
    return _url_letters(data).rstrip("=")


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
    data = unb64u_each([text], what=what)[0]
    if length is not None and len(data) != length:
        message = f"must decode to {length} bytes, not {len(data)}"
        raise MalformedEvidenceError(what, message, reason="length")
    return data


def b64u_each(items: Sequence[bytes]) -> list[bytes]:
    """Return base64url of items of one length, in one pass over all of them."""
    return [text.encode("ascii") for text in b64u_texts(items)]


def b64u_texts(items: Sequence[bytes]) -> list[str]:
    """Return the same as `b64u_each`, as text."""
    if not items:
        return []
    size = len(items[0])
    # Zero bytes up to a multiple of three leave the letters of each item as they are.
    fill = bytes(-size % 3)
    step, keep = (size + len(fill)) // 3 * 4, (size * 8 + 5) // 6
    text = _url_letters(fill.join(items) + fill)
    return [text[at : at + keep] for at in range(0, len(text), step)]


def b64u_joined(items: Sequence[bytes]) -> list[str]:
    """Return `b64u` of items of any lengths, in fewer steps."""
    if not items:
        return []
    encoded = b"~".join([binascii.b2a_base64(item, newline=False) for item in items])
    letters = encoded.replace(b"+", b"-").replace(b"/", b"_").replace(b"=", b"")
    return letters.decode("ascii").split("~")


def unb64u_each(texts: Sequence[str], *, what: str) -> list[bytes]:
    """Decode many texts as `unb64u` does, in fewer steps.

    Raises:
        MalformedEvidenceError: One of them is not canonical (`base64url`).
    """
    try:
        data = "~".join(texts).encode("ascii")
        if b"+" in data or b"/" in data or b"=" in data:  # letters of plain base64
            raise MalformedEvidenceError(what, "is not base64url", reason="base64url")
        decoded = []
        for part in data.replace(b"-", b"+").replace(b"_", b"/").split(b"~"):
            rest = len(part) % 4
            if rest and part[-1] not in _LAST_LETTERS[rest]:
                raise MalformedEvidenceError(what, "is not canonical base64url", reason="base64url")
            decoded.append(binascii.a2b_base64(part + _PADDING[rest], strict_mode=True))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedEvidenceError(what, "is not base64url", reason="base64url") from error
    if len(decoded) != len(texts):
        raise MalformedEvidenceError(what, "is not base64url", reason="base64url")
    return decoded


def _url_letters(data: bytes) -> str:
    # Two searches for a rare letter take a tenth of the time of a translation of every letter.
    letters = binascii.b2a_base64(data, newline=False)
    return letters.replace(b"+", b"-").replace(b"/", b"_").decode("ascii")
