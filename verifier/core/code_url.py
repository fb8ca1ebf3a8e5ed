"""The web address around a code: read for its payload whatever its host."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from verifier.core.errors import LimitExceededError, MalformedEvidenceError, NotOursError
from verifier.core.limits import MAX_CODE_CHARS

_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_CODE: Final = re.compile(rf"https://({_HOST.pattern})/([co])#(.*)", re.DOTALL)


class CodeUrl(NamedTuple):
    """A code's text in its parts.

    Attributes:
        host: Host and optional port of the verifier's pages; says nothing about the evidence.
        kind: "c" for a link code, "o" for an offline code.
        payload: All behind "#"; browsers do not send it to the host.
    """

    host: str
    kind: str
    payload: str


def split_code(text: str) -> CodeUrl:
    """Split the text of a code.

    Raises:
        LimitExceededError: Longer than any QR code.
        NotOursError: The text has not the form of our codes.
    """
    if len(text) > MAX_CODE_CHARS:
        raise LimitExceededError("code", actual=len(text), limit=MAX_CODE_CHARS)
    match = _CODE.fullmatch(text)
    if match is None:
        raise NotOursError("code", "is not the address of a verifier with a payload")
    return CodeUrl(*match.groups())


def join_code(host: str, kind: str, payload: str) -> str:
    """Return the text of a code.

    Raises:
        MalformedEvidenceError: `host` is no host name with an optional port (`host`).
    """
    if not _HOST.fullmatch(host):
        message = f"{host!r} is not a host name with an optional port"
        raise MalformedEvidenceError("verifier host", message, reason="host")
    return f"https://{host}/{kind}#{payload}"
