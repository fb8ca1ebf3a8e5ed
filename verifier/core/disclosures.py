"""Disclosures: salted pieces of a signed document and their digests (RFC 9901, section 4.2)."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_DISCLOSURES
from verifier.core.strict_json import JsonValue, parse_json_items

SALT_BYTES: Final = 16  # 128 bits, as RFC 9901, section 9.3 recommends

_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


class DisclosureError(MalformedEvidenceError):
    """Disclosures and signed digests do not fit together.

    Attributes:
        finding: Code of the failed `unchanged` line: `undisclosed_digest` when a disclosure
            belongs to no signed digest, `altered` in every other case.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__("disclosures", message, reason=reason)
        self.finding = "undisclosed_digest" if reason == "disclosure_unmatched" else "altered"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A decoded disclosure.

    Attributes:
        parts: Salt and value, or salt, name and value; the salt is text, the rest unchecked.
        plain: The value holds no digests, so it need not be searched for them.
    """

    parts: Sequence[JsonValue]
    plain: bool


def decode(disclosures: Sequence[str]) -> dict[str, Disclosure]:
    """Decode disclosures and return them by their digest.

    Raises:
        LimitExceededError: More than `MAX_DISCLOSURES`, or one is nested too deep.
        DisclosureError: One is malformed (`disclosure_malformed`) or given twice
            (`disclosure_duplicate`).
    """
    if len(disclosures) > MAX_DISCLOSURES:
        raise LimitExceededError("disclosures", actual=len(disclosures), limit=MAX_DISCLOSURES)
    if not disclosures:
        return {}
    try:
        raws = [unb64u(text, what="disclosure") for text in disclosures]
        values = parse_json_items(raws, what="disclosure")
    except LimitExceededError:
        raise
    except MalformedEvidenceError as error:
        raise DisclosureError(str(error), reason="disclosure_malformed") from error
    digests = _b64u_each([sha256(text.encode("ascii")).digest() for text in disclosures])
    found: dict[str, Disclosure] = {}
    for digest, raw, parts in zip(digests, raws, values, strict=True):
        if not isinstance(parts, list) or not isinstance(parts[0] if parts else None, str):
            message = "one is no JSON array that begins with a salt"
            raise DisclosureError(message, reason="disclosure_malformed")
        plain = b'"_sd"' not in raw and b'"..."' not in raw and b"\\" not in raw
        found[digest.decode("ascii")] = Disclosure(parts, plain)
    if len(found) != len(disclosures):
        raise DisclosureError("one is given twice", reason="disclosure_duplicate")
    return found


def digest_of(disclosure: str) -> str:
    """Return the base64url SHA-256 of an encoded disclosure (RFC 9901, section 4.2.3)."""
    return b64u(sha256(disclosure.encode("ascii")).digest())


def disclose(tails: Sequence[bytes], salts: bytes) -> tuple[list[str], list[str]]:
    """Encode many disclosures at once.

    Args:
        tails: For each disclosure the JSON text behind the salt and its comma, with the closing
            bracket: `"name",value]` for a member, `value]` for an array element.
        salts: `SALT_BYTES` of fresh randomness for each.

    Returns:
        The disclosures and their digests, both base64url, in the order of `tails`.

    Raises:
        ValueError: `salts` has the wrong length.
    """
    if len(salts) != SALT_BYTES * len(tails):
        raise ValueError(f"{len(tails)} disclosures need {SALT_BYTES * len(tails)} bytes of salt")
    salt_texts = _b64u_each([salts[at : at + 16] for at in range(0, len(salts), 16)])
    b2a = binascii.b2a_base64
    encoded = [
        b2a(b'["%b",%b' % pair, newline=False).translate(_TO_URL).rstrip(b"=")
        for pair in zip(salt_texts, tails, strict=True)
    ]
    digests = _b64u_each([sha256(text).digest() for text in encoded])
    return [text.decode("ascii") for text in encoded], [text.decode("ascii") for text in digests]


def decoys(salts: bytes) -> list[str]:
    """Return one digest that belongs to no disclosure for each `SALT_BYTES` of randomness.

    Source: RFC 9901, section 4.2.5.
    """
    return [
        b64u(sha256(b64u(salts[at : at + SALT_BYTES]).encode("ascii")).digest())
        for at in range(0, len(salts), SALT_BYTES)
    ]


def _b64u_each(items: Sequence[bytes]) -> list[bytes]:
    """Return base64url of equally long items by one pass over all of them.

    Zero bytes up to a multiple of three leave the letters of an item as they are.
    """
    if not items:
        return []
    size = len(items[0])
    fill = bytes(-size % 3)
    step, keep = (size + len(fill)) // 3 * 4, (size * 8 + 5) // 6
    text = binascii.b2a_base64(fill.join(items) + fill, newline=False).translate(_TO_URL)
    return [text[at : at + keep] for at in range(0, len(text), step)]
