"""Text: a token, a receipt, or what somebody copied from a code."""

from __future__ import annotations

from typing import Final

from verifier.core.errors import LimitExceededError
from verifier.core.limits import MAX_CODE_CHARS, MAX_DOCUMENT_BYTES
from verifier.readers.material import Material

_ADDRESSES: Final = ("https://", "http://")
_TOKEN_BEGINS: Final = "ey"  # noqa: S105  ('{"' in base64url: every JWS header)
_SEGMENTS: Final = 3  # of a compact JWS


def read_text(data: bytes, *, what: str) -> Material:
    """Return the evidence that a text is, by its form alone; nothing for any other text.

    Raises:
        LimitExceededError: Longer than any evidence.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise LimitExceededError(what, actual=len(data), limit=MAX_DOCUMENT_BYTES)
    stripped = data.strip(b" \t\r\n")
    if stripped.startswith(b"{"):
        return Material(receipt=stripped)
    if not stripped.isascii():
        return Material()
    text = stripped.decode("ascii")
    if text.lower().startswith(_ADDRESSES):
        if len(text) > MAX_CODE_CHARS:
            raise LimitExceededError(what, actual=len(text), limit=MAX_CODE_CHARS)
        return Material(codes=(text,))
    token = text.partition("~")[0]
    if token.startswith(_TOKEN_BEGINS) and len(token.split(".")) == _SEGMENTS:
        return Material(token=text)
    return Material()
