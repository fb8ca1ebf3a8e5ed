"""From the many ways in which people write a code to one plain line of text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from standards_catalog.errors import LimitExceededError, UnrecognisedIdentifierError

MAX_IDENTIFIER_CHARS: Final = 160  # the longest ISO reference with supplements has about 70

# Hyphens, dashes, minus signs and the slashes that fonts and office programs put in their place.
_LOOKALIKES: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u30fc", "-")
    | dict.fromkeys("\u2215\u2044\uff0f\u2571", "/")
    | dict.fromkeys("\ufe55\uff1a\ufe30\u2236", ":")
    | {chr(0x0E50 + digit): str(digit) for digit in range(10)}  # Thai digits
    | {"\u03b5": "E", "\u025b": "E"}  # "e1" of ASTM, printed with an epsilon
)
_SPACES: Final = re.compile(r"\s+")
_AROUND_MARKS: Final = re.compile(r"\s*([/:+])\s*")
_AROUND_HYPHEN: Final = re.compile(r"(?<=[0-9A-Z])\s*-\s*(?=[0-9A-Z])")
_CYRILLIC: Final = (
    (re.compile(r"^ГОСТ"), "GOST"),
    (re.compile(r"\bИСО\b"), "ISO"),
    (re.compile(r"\bМЭК\b"), "IEC"),
    (re.compile(r"\bЕН\b"), "EN"),
    (re.compile(r"^GOST ?Р(?=[ \d])"), "GOST R"),
)
_THAI: Final = (
    (re.compile(r"^มอก\s*\.?\s*"), "TIS "),
    (re.compile(r"^มกษ\s*\.?\s*"), "TAS "),
    (re.compile(r"\s*เล่ม(?:ที่)?\s*"), " PART "),
)
_CONTROL: Final = re.compile(
    "[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"  # incl. bidi, zero width
)


def plain_text(text: str) -> str:
    """Return a code in upper case, with ASCII hyphens, slashes, colons and single spaces.

    Full-width characters, typographic dashes, Thai digits, Cyrillic and Thai publisher names are
    replaced; nothing is left out but space.

    Raises:
        LimitExceededError: The text has more than `MAX_IDENTIFIER_CHARS` characters.
        UnrecognisedIdentifierError: The text is empty or holds control characters.
    """
    if len(text) > MAX_IDENTIFIER_CHARS:
        raise LimitExceededError("code of a standard", actual=len(text), limit=MAX_IDENTIFIER_CHARS)
    spaced = text.replace("\t", " ").strip()
    if not spaced or _CONTROL.search(spaced):
        raise UnrecognisedIdentifierError(text)
    if spaced.isascii():
        plain = spaced.upper()
    else:
        plain = unicodedata.normalize("NFKC", spaced.translate(_LOOKALIKES))
        plain = plain.translate(_LOOKALIKES).upper()
        for pattern, latin in (*_CYRILLIC, *_THAI):
            plain = pattern.sub(latin, plain)
    plain = _SPACES.sub(" ", plain)
    plain = _AROUND_MARKS.sub(r"\1", plain)
    return _AROUND_HYPHEN.sub("-", plain).strip()
