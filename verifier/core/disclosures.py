"""Disclosures: salted pieces of a signed document and their digests (RFC 9901, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from verifier.core.encoding import b64u, b64u_joined, b64u_texts, unb64u_each
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_DISCLOSURES
from verifier.core.strict_json import JsonValue, parse_json_items, plain_lines

SALT_BYTES: Final = 16  # 128 bits, as RFC 9901, section 9.3 recommends

RESERVED_NAMES: Final = ("_sd", "...")

_MEMBER_PARTS: Final = 3  # salt, name, value
_HEAD_BYTES: Final = 24  # opening bracket, quotation mark, 22 letters of salt: 8 groups of three


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
    digests = digests_of(disclosures)
    found: dict[str, Disclosure] = {}
    for digest, raw, parts in zip(digests, raws, values, strict=True):
        if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
            message = "one is no JSON array that begins with a salt"
            raise DisclosureError(message, reason="disclosure_malformed")
        plain = not some_nested or _is_plain(raw)
        found[digest] = Disclosure(parts, plain)
    if len(found) != len(disclosures):
        raise DisclosureError("one is given twice", reason="disclosure_duplicate")
    return found


def plain_texts(disclosures: Sequence[str]) -> dict[str, str] | None:
    """Return the JSON texts of disclosures by their digest, if nothing in them is unusual.

    Returns:
        None when `decode` would refuse one for its number, size, encoding or characters, or for
        being there twice, and sometimes besides. Whether the texts are JSON remains open.
    """
    if not disclosures:
        return {}
    if len(disclosures) > MAX_DISCLOSURES:
        return None
    try:
        texts = plain_lines(unb64u_each(disclosures, what="disclosure"))
    except MalformedEvidenceError:
        return None
    if texts is None:
        return None
    found = dict(zip(digests_of(disclosures), texts, strict=True))
    return found if len(found) == len(texts) else None


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


def digests_of(disclosures: Sequence[str]) -> list[str]:
    """Return `digest_of` each of many encoded disclosures, which must be ASCII."""
    return b64u_texts([sha256(text.encode("ascii")).digest() for text in disclosures])


def prepare_each(tails: Sequence[bytes]) -> list[str]:
    """Return the parts of disclosures that do not depend on their salts, encoded.

    A salt of 16 bytes has 22 letters. With the bracket and quotation mark in front it fills 24
    bytes, which base64 turns into 32 letters of their own; what follows encodes the same under
    any salt.

    Args:
        tails: JSON text behind each salt and its comma, with the closing bracket:
            `"name",value]` for a member, `value]` for an array element.
    """
    return b64u_joined([b'",' + tail for tail in tails])


def disclose(tails: Sequence[bytes], salts: bytes) -> tuple[list[str], list[str]]:
    """Encode many disclosures at once; see `prepare_each` and `salted`."""
    return salted(prepare_each(tails), salts)


def salted(prepared: Sequence[str], salts: bytes) -> tuple[list[str], list[str]]:
    """Put salts into prepared disclosures.

    Args:
        prepared: Results of `prepare_each`.
        salts: `SALT_BYTES` of fresh randomness for each.

    Returns:
        The disclosures and their digests, both base64url, in the same order.

    Raises:
        ValueError: `salts` has the wrong length.
    """
    if len(salts) != SALT_BYTES * len(prepared):
        needed = SALT_BYTES * len(prepared)
        raise ValueError(f"{len(prepared)} disclosures need {needed} bytes of salt")
    if not prepared:
        return [], []
    letters = b64u_texts([salts[at : at + SALT_BYTES] for at in range(0, len(salts), SALT_BYTES)])
    heads = ('["' + '["'.join(letters)).encode("ascii")
    starts = b64u_texts([heads[at : at + _HEAD_BYTES] for at in range(0, len(heads), _HEAD_BYTES)])
    disclosures = [start + rest for start, rest in zip(starts, prepared, strict=True)]
    return disclosures, digests_of(disclosures)


def decoys(salts: bytes) -> list[str]:
    """Return one digest that belongs to no disclosure for each `SALT_BYTES` of randomness.

    Source: RFC 9901, section 4.2.5.
    """
    items = [salts[at : at + SALT_BYTES] for at in range(0, len(salts), SALT_BYTES)]
    return b64u_texts([sha256(item).digest() for item in items])


def _is_plain(raw: bytes) -> bool:
    # An escape could hide either name.
    return b'"_sd"' not in raw and b'"..."' not in raw and b"\\" not in raw
