"""Disclosures: salted pieces of a signed document and their digests (RFC 9901, section 4.2)."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from verifier.core.encoding import b64u, b64u_each, unb64u_each
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_DISCLOSURES
from verifier.core.strict_json import JsonValue, parse_json_items

SALT_BYTES: Final = 16  # 128 bits, as RFC 9901, section 9.3 recommends

RESERVED_NAMES: Final = ("_sd", "...")

_MEMBER_PARTS: Final = 3  # salt, name, value
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


class Disclosure(NamedTuple):
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
        raws = unb64u_each(disclosures, what="disclosure")
        values = parse_json_items(raws, what="disclosure")
    except LimitExceededError:
        raise
    except MalformedEvidenceError as error:
        raise DisclosureError(str(error), reason="disclosure_malformed") from error
    # A search of all at once; that one has digests of its own is rare.
    some_nested = not _is_plain(b" ".join(raws))
    digests = b64u_each([sha256(text.encode("ascii")).digest() for text in disclosures])
    found: dict[str, Disclosure] = {}
    for digest, raw, parts in zip(digests, raws, values, strict=True):
        if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
            message = "one is no JSON array that begins with a salt"
            raise DisclosureError(message, reason="disclosure_malformed")
        plain = not some_nested or _is_plain(raw)
        found[digest.decode("ascii")] = Disclosure(parts, plain)
    if len(found) != len(disclosures):
        raise DisclosureError("one is given twice", reason="disclosure_duplicate")
    return found


def member_of(disclosure: Disclosure) -> tuple[str, JsonValue]:
    """Return name and value of the disclosure of an object member.

    Raises:
        DisclosureError: It is not salt, name and value (`disclosure_malformed`), or has a name
            that is reserved for digests (`reserved_name`).
    """
    parts = disclosure.parts
    name = parts[1] if len(parts) == _MEMBER_PARTS else None
    if not isinstance(name, str):
        message = "a member needs salt, name and value"
        raise DisclosureError(message, reason="disclosure_malformed")
    if name in RESERVED_NAMES:
        raise DisclosureError(f"the name {name} is reserved", reason="reserved_name")
    return name, parts[2]


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
    if not tails:
        return [], []
    salt_texts = b64u_each([salts[at : at + 16] for at in range(0, len(salts), 16)])
    b2a = binascii.b2a_base64
    texts = [b2a(b'["%b",%b' % pair, newline=False) for pair in zip(salt_texts, tails, strict=True)]
    joined = b"~".join(texts).translate(_TO_URL).replace(b"=", b"")
    digests = b64u_each([sha256(text).digest() for text in joined.split(b"~")])
    return joined.decode("ascii").split("~"), [digest.decode("ascii") for digest in digests]


def decoys(salts: bytes) -> list[str]:
    """Return one digest that belongs to no disclosure for each `SALT_BYTES` of randomness.

    Source: RFC 9901, section 4.2.5.
    """
    items = [salts[at : at + SALT_BYTES] for at in range(0, len(salts), SALT_BYTES)]
    digests = b64u_each([sha256(item).digest() for item in items])
    return [digest.decode("ascii") for digest in digests]


def _is_plain(raw: bytes) -> bool:
    # An escape could hide either name.
    return b'"_sd"' not in raw and b'"..."' not in raw and b"\\" not in raw
