"""JSON as the evidence format allows it, and its canonical form.

The subset is that of docs/evidence-format.md, "Conventions": every accepted text has one meaning in
every reader, and none of it can deceive an eye. Canonical output is RFC 8785 without floats.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NoReturn, TypeAlias

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER_DIGITS,
    MAX_JSON_DEPTH,
    MAX_SAFE_INTEGER,
)

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
JsonObject: TypeAlias = dict[str, JsonValue]
WriteJson: TypeAlias = Callable[[Any], str]
"""Writes a checked value; `write_checked`, or a faster writer of the same text."""

# Controls other than line feed and tab, bidirectional controls (Unicode property Bidi_Control),
# and surrogates, which are half a character. Zero-width spaces stay: Lao and Thai break lines with
# them.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
# The same for the characters beyond ASCII of a whole JSON text, in which a byte order mark is no
# white space either; the decoder itself refuses raw C0 controls inside strings.
_FORBIDDEN_RAW: Final = re.compile(
    "[\x80-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
# Text of these characters is in normalisation form C, whatever stands between them: Latin letters
# with marks, dashes and quotation marks, Chinese punctuation and ideographs, full-width forms.
_SURELY_NFC: Final = re.compile(
    "[\u00a0-\u00ff\u2010-\u2027\u3001-\u3029\u4e00-\u9fff\uff00-\uffef]*"
)

_ASCII: Final = bytes(range(128))
_TO_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b'[]{}"\n'))
# A string that does not end reaches to the end of the text, so that no text is scanned twice.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.?)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
_LINE_FEED: Final = "\n"
_SEAM: Final = ",\n"
# What a line of plain text may hold without a closer look; see `plain_lines`.
_PRINTABLE: Final = bytes(range(0x20, 0x7F)) + b"\n"
_NOT_PLAIN: Final = re.compile(f"[\x00-\x1f\x7f]|{_FORBIDDEN_RAW.pattern}")


class _Refusal(Exception):  # noqa: N818  (never leaves this module)
    """Carries what a decoder hook found wrong."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _Refusal(f"member {twice!r} occurs twice", "duplicate_key")
    return members


def _integer(literal: str) -> int:
    if len(literal.lstrip("-")) <= MAX_INTEGER_DIGITS and literal != "-0":
        number = int(literal)
        if -MAX_SAFE_INTEGER <= number <= MAX_SAFE_INTEGER:
            return number
    raise _Refusal(f"the number {literal[:24]} is outside the safe integers", "integer")


def _no_float(literal: str) -> NoReturn:
    raise _Refusal(f"{literal[:24]} is not an integer; measured values are strings", "float")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_no_float,
    parse_constant=_no_float,
)
_PROVEN_DECODER: Final = json.JSONDecoder()
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_CHECKED_ENCODER: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False
)


def parse_json(data: bytes | str, *, what: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> JsonValue:
    """Parse one JSON text under the rules of the evidence format.

    Args:
        data: UTF-8 without byte order mark, or text already decoded.
        what: Name of the part being read, for the error message.
        max_bytes: Largest accepted size in UTF-8 bytes.

    Returns:
        The value, free of floats; every string is NFC without control characters.

    Raises:
        LimitExceededError: Too many bytes, or nested deeper than `MAX_JSON_DEPTH`.
        MalformedEvidenceError: Not UTF-8 (`utf8`), not JSON (`json`), a name twice
            (`duplicate_key`), a fraction, exponent, NaN or Infinity (`float`), an integer beyond
            2^53 - 1 or a negative zero (`integer`), text that is not NFC (`not_nfc`) or holds
            control characters (`control_character`).
    """
    text = _decoded(data, what=what, max_bytes=max_bytes)
    # Before the decoder sees it: its recursion is bounded by the machine's stack alone where some
    # library has raised the interpreter's own limit.
    _check_depth(text, what)
    try:
        value: JsonValue = _DECODER.decode(text)
    except _Refusal as refusal:
        raise MalformedEvidenceError(what, str(refusal), reason=refusal.reason) from refusal
    except ValueError as error:
        raise MalformedEvidenceError(what, f"is not JSON: {error}", reason="json") from error
    # Raw text was checked as a whole; only an escape can still hide a character.
    if "\\" in text:
        for string in _strings(value):
            check_text(string, what=what)
    return value


def parse_json_object(
    data: bytes | str, *, what: str, max_bytes: int = MAX_DOCUMENT_BYTES
) -> JsonObject:
    """Parse one JSON text that must be an object; see `parse_json`.

    Raises:
        MalformedEvidenceError: As `parse_json`, or the value is not an object (`type`).
    """
    value = parse_json(data, what=what, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedEvidenceError(what, "must be a JSON object", reason="type")
    return value


def parse_json_items(items: Sequence[bytes], *, what: str) -> list[JsonValue]:
    """Parse many small JSON texts; the same as `parse_json` on each, at half the cost.

    Args:
        items: UTF-8 texts, together no larger than `MAX_DOCUMENT_BYTES`.
        what: Name of the parts being read, for the error message.

    Raises:
        MalformedEvidenceError: As `parse_json`.
    """
    # No item can hide a character in the seams: a raw line feed ends any UTF-8 sequence, composes
    # with nothing, and no JSON string may hold one.
    joined = _decoded(b"\n".join(items), what=what, max_bytes=MAX_DOCUMENT_BYTES)
    seams = _unbalanced(joined)
    if seams == b"\n" * (len(items) - 1) and "\\" not in joined:
        # Brackets close inside each item, so no value spans two; and no item is without one.
        try:
            values = _DECODER.decode(f"[{joined.replace(_LINE_FEED, _SEAM)}]")
        except (_Refusal, ValueError):
            values = None
        if isinstance(values, list) and len(values) == len(items):
            return values
    # Something is unusual: find out what, one by one.
    return [parse_json(item, what=what) for item in items]


def plain_lines(items: Sequence[bytes]) -> list[str] | None:
    """Decode JSON texts if nothing in them needs a closer look, as in nearly all evidence.

    This is the part of `parse_json` that concerns characters. What the texts say remains to be
    found out; if they have a backslash, what it stands for as well.

    Args:
        items: The texts, at least one.

    Returns:
        The texts when each is UTF-8, NFC and of one line without control characters,
        bidirectional controls and byte order marks, and they are together no larger than
        `MAX_DOCUMENT_BYTES`; otherwise None.
    """
    # A line feed between them hides nothing: it ends any UTF-8 sequence and composes with nothing.
    data = b"\n".join(items)
    if len(data) > MAX_DOCUMENT_BYTES:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Without ASCII in between, the other characters decode as before.
    rare = data.translate(None, _PRINTABLE).decode("utf-8")
    if not _SURELY_NFC.fullmatch(rare) and (
        _NOT_PLAIN.search(rare) or not unicodedata.is_normalized("NFC", text)
    ):
        return None
    lines = text.split("\n")
    return lines if len(lines) == len(items) else None


def decode_proven(text: str) -> JsonValue:
    """Return the value of a JSON text that a pattern of `shape_patterns` has matched.

    All that `parse_json` would check has been proven of it; nothing is checked here.
    """
    value: JsonValue = _PROVEN_DECODER.raw_decode(text)[0]
    return value


def check_text(text: str, *, what: str) -> None:
    """Refuse text that is not NFC or holds control, bidirectional or broken characters.

    Raises:
        MalformedEvidenceError: With reason `control_character` or `not_nfc`.
    """
    problem = text_problem(text)
    if problem is not None:
        raise MalformedEvidenceError(what, f"holds text that is {problem}", reason=problem)


def text_problem(text: str) -> str | None:
    """Return why `text` may not stand in evidence, None when it may.

    Returns:
        `control_character` for control characters other than line feed and tab, bidirectional
        controls and lone surrogates; `not_nfc` for text not in Unicode normalisation form C.
    """
    if _FORBIDDEN.search(text):
        return "control_character"
    if not unicodedata.is_normalized("NFC", text):
        return "not_nfc"
    return None


def canonical_json(value: JsonValue) -> bytes:
    """Return the RFC 8785 form of a value without floats, as UTF-8.

    Raises:
        ValueError: The value holds a float, an integer beyond 2^53 - 1, a member name or a value
            of another type, or a lone surrogate; nothing that `parse_json` returns does.
    """
    return _ENCODER.encode(_ordered(value)).encode("utf-8")


def write_checked(value: Any) -> str:  # noqa: ANN401  (a checked JSON value)
    """Return what `canonical_json` does, as text, for a value that a shape accepts.

    Member names of the format are ASCII, for which the order of RFC 8785 is the plain one.

    Raises:
        TypeError: The value is no JSON, for example with a name that is no text.
        ValueError: It holds a number that is none.
    """
    return _CHECKED_ENCODER.encode(value)


def _decoded(data: bytes | str, *, what: str, max_bytes: int) -> str:
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > max_bytes:
        raise LimitExceededError(what, actual=len(data), limit=max_bytes)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedEvidenceError(what, "is not UTF-8", reason="utf8") from error
    rare = data.translate(None, _ASCII).decode("utf-8")
    if "\x7f" in text or _FORBIDDEN_RAW.search(rare):
        message = "holds a control character or a byte order mark"
        raise MalformedEvidenceError(what, message, reason="control_character")
    # No character composes with a quotation mark, so the whole is NFC if each string is.
    if not _SURELY_NFC.fullmatch(rare) and not unicodedata.is_normalized("NFC", text):
        raise MalformedEvidenceError(what, "holds text that is not_nfc", reason="not_nfc")
    return text


def _check_depth(text: str, what: str) -> None:
    """Refuse a text in which more than `MAX_JSON_DEPTH` brackets are open at once."""
    # Line breaks may stand between brackets; inside a string the decoder refuses them.
    if "\\" not in text and not _unbalanced(text.replace("\n", "")):
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        letter = token[0]
        if letter in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise LimitExceededError(f"{what} (nesting)", actual=depth, limit=MAX_JSON_DEPTH)
        elif letter in "]}":
            depth -= 1


def _unbalanced(text: str) -> bytes:
    """Return the brackets of a text that are left when `MAX_JSON_DEPTH` levels are taken away.

    Line feeds stay as well. In a text without escapes, what is left besides brackets is pairs of
    quotation marks; each round then takes away the innermost level. Brackets inside strings leave
    a quotation mark behind, and so count as unbalanced.
    """
    brackets = text.encode("utf-8").translate(_TO_SQUARE, _NO_BRACKETS).replace(b'""', b"")
    for _ in range(MAX_JSON_DEPTH):
        if b"[" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return brackets


def _strings(value: JsonValue) -> Iterable[str]:
    """Yield every string and member name; depth is already bounded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)


def _ordered(value: object) -> object:
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("member names must be text")
        # RFC 8785, section 3.2.3: by UTF-16 code units, which differs from code points only
        # beyond the basic plane.
        names = sorted(value) if all(map(str.isascii, value)) else sorted(value, key=_utf16)
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list):
        return [_ordered(element) for element in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int) and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return value
    raise ValueError(f"{value!r} has no canonical form in the evidence format")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
