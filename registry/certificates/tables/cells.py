"""What a cell says: exact text, or the reason why nobody can be sure.

Spreadsheets keep numbers as binary floats and show them as decimals. A number is taken as it is
shown, with its trailing zeros, and only when what is shown is what is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Final

from registry.certificates.tables.columns import Column, words_of_value
from verifier.core.moments import MomentText
from verifier.core.shapes import Choice, Either, Flag, Integer, ListOf, Shape, Text
from verifier.core.strict_json import JsonValue

MAX_CELL_CHARS: Final = 32_767  # what a spreadsheet cell can hold
SHOWN_DIGITS: Final = 15  # significant digits that a spreadsheet keeps and shows
_LARGEST: Final = 10.0**SHOWN_DIGITS
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?", re.ASCII)
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_FORMULA: Final = re.compile(r"[=@]|[+-].*[(|!]", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[\n|]")
_CODE_SEPARATORS: Final = re.compile(r"[\n|;,；，、]")  # codes hold none of these
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "是"), True),
    **dict.fromkeys(("false", "no", "否"), False),
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a spreadsheet file keeps it.

    Attributes:
        kept: The text in the file, e.g. "1.7999999999999999E-2".
        decimals: Digits that its format shows behind the point; None: as many as there are.
        width: Least number of digits before the point, as in the format 00000.
        is_plain: Whether its format shows the number itself, without percent, exponent or groups.
    """

    kept: str
    decimals: int | None = None
    width: int = 1
    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class Day:
    """A date, or a date and time without zone, as a spreadsheet keeps them."""

    at: datetime
    has_time: bool


@dataclass(frozen=True, slots=True)
class Unusable:
    """A cell that cannot be read, with the code and the sentence that say why."""

    code: str
    message: str


Raw = str | bool | Number | Day | Unusable
"""What a reader finds in a cell. Empty cells are not handed on."""


def value_of(raw: Raw, column: Column) -> JsonValue | Unusable:
    """Return what a cell contributes to the document, or why it cannot.

    What is wrong with the value itself (a pattern, a length) is left to the check of the whole
    document, which JSON files pass too.

    Args:
        raw: The cell; text is stripped of the space around it.
        column: Where it stands.
    """
    text = _text_of(raw, column.shape)
    if isinstance(text, Unusable | bool):
        return text
    if len(text) > MAX_CELL_CHARS:
        return Unusable("too_long", f"has more than {MAX_CELL_CHARS} characters")
    if isinstance(raw, str) and _is_formula(text, column.shape):
        return Unusable("formula", "begins like a formula; enter the value itself")
    if isinstance(raw, str) and _may_measure(column.shape) and (artefact := _artefact(text)):
        return artefact
    return _converted(text, column.shape)


def _is_formula(text: str, shape: Shape) -> bool:
    if not _FORMULA.match(text) or _DECIMAL.fullmatch(text):
        return False
    return not (isinstance(shape, Choice) and text in shape.words)  # the comparison ==


def _text_of(raw: Raw, shape: Shape) -> str | bool | Unusable:
    match raw:
        case bool():
            return raw if _takes_flag(shape) else Unusable("type", "is true or false; enter text")
        case Number():
            return _shown_number(raw, shape)
        case Day():
            return _shown_day(raw, shape)
        case _:
            return raw


def _shown_number(number: Number, shape: Shape) -> str | Unusable:
    if not isinstance(shape, Integer) and not _may_measure(shape):
        message = "is stored as a number, which drops leading zeros; format the column as text"
        return Unusable("number_in_text", message)
    exact = _exact(number.kept)
    if isinstance(exact, Unusable):
        return exact
    if not number.is_plain:
        message = "is shown as percent, in groups or with an exponent; enter the digits as text"
        return Unusable("number_format", message)
    normal = exact.normalize()
    shown = f"{normal:f}" if number.decimals is None else f"{exact:.{number.decimals}f}"
    if Decimal(shown) != exact:
        message = f"shows {shown} but holds {exact:f}; enter the result as text"
        return Unusable("shown_differs", message)
    sign, digits = ("-", shown[1:]) if shown.startswith("-") else ("", shown)
    whole, point, rest = digits.partition(".")
    return f"{sign}{whole.zfill(number.width)}{point}{rest}"


def _exact(kept: str) -> Decimal | Unusable:
    """Return the decimal that a kept number stands for, if there is exactly one."""
    try:
        value = float(kept)
    except ValueError:
        return Unusable("type", f"holds {kept[:40]!r}, which is no number")
    if not -_LARGEST < value < _LARGEST:
        return Unusable("number_too_large", "is too large to be kept exactly; enter it as text")
    exact = Decimal(repr(value))
    return _artefact(f"{exact:f}") or exact


def _shown_day(day: Day, shape: Shape) -> str | Unusable:
    if not isinstance(shape, MomentText):
        message = "is stored as a date; format the column as text and enter it again"
        return Unusable("date_in_text", message)
    if day.has_time:
        message = "is a time without its offset; enter text such as 2026-02-11T18:05:00+08:00"
        return Unusable("offset_missing", message)
    return day.at.date().isoformat()


def _artefact(text: str) -> Unusable | None:
    """Refuse a decimal that a binary fraction left behind, such as 0.30000000000000004."""
    if not _DECIMAL.fullmatch(text):
        return None
    nearest = Decimal(f"{float(text):.{SHOWN_DIGITS}g}")
    if nearest == Decimal(text) or Decimal(repr(float(text))) != Decimal(text):
        return None
    message = f"looks like a rounding error of a computer ({nearest:f}?); enter the exact digits"
    return Unusable("float_artefact", message)


def _may_measure(shape: Shape) -> bool:
    """Tell whether a column takes decimals: by its pattern, or free text such as "as reported"."""
    return isinstance(shape, Text) and (shape.pattern is None or shape.code == "decimal")


def _takes_flag(shape: Shape) -> bool:
    return isinstance(shape, Flag) or (
        isinstance(shape, Either) and any(isinstance(each, Flag) for each in shape.shapes)
    )


def _converted(text: str, shape: Shape) -> JsonValue | Unusable:
    if _takes_flag(shape) and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    if isinstance(shape, Integer) and _INTEGER.fullmatch(text):
        return int(text)
    if isinstance(shape, Choice):
        return _words(shape).get(text, text)
    if isinstance(shape, ListOf):
        return _entries(text, shape)
    return text


def _entries(text: str, shape: ListOf) -> list[JsonValue]:
    is_code = isinstance(shape.item, Text) and shape.item.pattern is not None
    parts = (_CODE_SEPARATORS if is_code else _SEPARATORS).split(text)
    return [part.strip() for part in parts if part.strip()]


@cache
def _words(shape: Choice) -> Mapping[str, str]:
    """Return the word behind everything that people write for it, as far as that is unique."""
    written: dict[str, set[str]] = {}
    for word in shape.words:
        for text in words_of_value().get(word, ()):
            written.setdefault(text, set()).add(str(word))
    return {text: min(words) for text, words in written.items() if len(words) == 1}


_BELOW: Final = re.compile(r"[<＜]\s*([0-9.]+)", re.ASCII)
_ABOVE: Final = re.compile(r"[>＞]\s*([0-9.]+)", re.ASCII)
_NOT_DETECTED: Final = frozenset({"nd", "n.d.", "n.d", "not detected", "未检出"})


def result_type_of(reported: str, *, loq: str | None, lod: str | None) -> Mapping[str, str] | None:
    """Return what a reported text says by itself: `type`, and `value` or `loq` where it names one.

    "<0.02" lies below the limit of quantification, unless 0.02 is the stated limit of detection;
    "ND" was not detected; ">500" lies above the range; a decimal is a quantity; all else is text.

    Args:
        reported: The result as reported.
        loq: The stated limit of quantification.
        lod: The stated limit of detection.

    Returns:
        None when the text names another limit than the stated ones.
    """
    text = reported.strip()
    if below := _BELOW.fullmatch(text):
        return _below(below[1], loq, lod) if _DECIMAL.fullmatch(below[1]) else _as_text(text)
    if _DECIMAL.fullmatch(text):
        return {"type": "quantity", "value": text}
    if text.casefold() in _NOT_DETECTED:
        return {"type": "not_detected"}
    if (above := _ABOVE.fullmatch(text)) and _DECIMAL.fullmatch(above[1]):
        return {"type": "above_range"}
    return _as_text(text)


def _as_text(text: str) -> Mapping[str, str]:
    return {"type": "text", "value": text}


def _below(limit: str, loq: str | None, lod: str | None) -> Mapping[str, str] | None:
    if _is_same(limit, loq):
        return {"type": "below_loq"}
    if _is_same(limit, lod):
        return {"type": "not_detected"}
    return {"type": "below_loq", "loq": limit} if loq is None else None


def _is_same(one: str, other: str | None) -> bool:
    return (
        other is not None
        and _DECIMAL.fullmatch(other) is not None
        and Decimal(one) == Decimal(other)
    )
