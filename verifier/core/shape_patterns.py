"""Shapes as regular expressions over JSON text: strict parsing and validation in one pass.

A pattern made here is narrower than its shape, never wider. It describes one way to write a value:
without white space, members in a fixed order, no more escapes than RFC 8785 needs. What is written
otherwise does not match and goes the long way round, through `strict_json` and `Shape.accepts`,
which alone decide and explain a refusal.

Why a match proves as much as the long way, for text that `plain_lines` let through (UTF-8, NFC, no
controls, no bidirectional controls):

- Every string pattern stops at the first quotation mark that is not escaped, and the escapes that
  it allows stand for a character that composes with nothing. So the pattern reads the same strings
  as a JSON parser, and counts their characters alike.
- Objects have literal names in a literal order, or names proven different: no name occurs twice.
- Integers have no sign, no leading zero, and fewer digits than the largest one allowed.
- A pattern has no recursion, so a match is nested no deeper than its shape.
- What it allows in the place of a value is allowed by that place's shape, kind by kind below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final, TypeAlias

from verifier.core.moments import MomentText
from verifier.core.payload_shapes import Digests, Exactly
from verifier.core.shapes import (
    Choice,
    Either,
    Flag,
    Integer,
    ListOf,
    Object,
    Shape,
    Text,
    TextByLanguage,
)

Matcher: TypeAlias = Callable[[str], object]

_PLAIN: Final = r'[^"]'
_ESCAPED: Final = r'(?:[^"\\]|\\["\\nt])'

_MOST_DISTINCT: Final = 4  # entries that are compared with each other; more go the long way

# Days that exist in every year, so without 29 February, in the years 1980 to 8999.
_DATE: Final = (
    "(?:19[89]|[2-8][0-9]{2})[0-9]-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_CLOCK: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT: Final = rf'"{_DATE}(?:T{_CLOCK}:[0-5][0-9](?:Z|\+{_CLOCK}|-(?!00:00){_CLOCK}))?"'

# Regular expressions of texts are copied only if they are built of literals and these.
_CLASS: Final = re.compile(r'\\[.d]|\[[^\]\[^\\"]+\]')
_NOT_LITERAL: Final = re.compile(r'[.\\"\[^$]')


class _NoPatternError(Exception):
    """A shape has no pattern; its values go the long way."""


def matcher(
    shape: Shape,
    *,
    before: str = "",
    after: str = "",
    orders: Mapping[str, Sequence[str]] | None = None,
    escaped: bool = False,
) -> Matcher:
    """Return a function that tells whether a whole text is a value of a shape.

    What it gives for any other text is falsy; it may be so for a value of the shape, too.

    Args:
        shape: The shape of the value.
        before: Regular expression of the text in front of the value.
        after: Regular expression of the text behind it.
        orders: How members are ordered in the object of each name, "" for the outermost; in
            others they are sorted, with `_sd` at the end.
        escaped: Texts may have the escapes of quotation mark, backslash, line feed and tab. If
            not, the caller sees to it that there is no backslash at all.
    """
    try:
        pattern = _Writer(orders or {}, escaped=escaped).value(shape, "")
    except _NoPatternError:
        return _never
    return re.compile(f"{before}{pattern}{after}", re.ASCII).fullmatch


def _never(_text: str) -> None:
    return None


class _Writer:
    """Writes one pattern; numbers the groups in it."""

    def __init__(self, orders: Mapping[str, Sequence[str]], *, escaped: bool) -> None:
        self.orders = orders
        self.character = _ESCAPED if escaped else _PLAIN
        self.numbers = count()

    def value(self, shape: Shape, name: str | None = None) -> str:  # noqa: PLR0911  (one for each shape)
        match shape:
            case Text():
                return self.text(shape)
            case Choice():
                return f"(?:{'|'.join(_literal(word) for word in shape.words)})"
            case Flag():
                return "(?:true|false)"
            case Integer():
                return _integer(shape)
            case Either():
                return f"(?:{'|'.join(self.value(each) for each in shape.shapes)})"
            case ListOf():
                return self.list_of(shape)
            case TextByLanguage():
                entries = self.distinct(self.text(shape.tag), f":{self.text(shape.text)}")
                return rf"\{{{entries}\}}"
            case Object():
                return self.object(shape, name)
            case MomentText():
                return _MOMENT
            case Digests():  # their order remains to be checked
                digest = f'"{self.character}{{43}}"'
                return rf"\[{digest}(?:,{digest}){{{shape.least - 1},{shape.most - 1}}}\]"
            case Exactly():
                return _literal(shape.value)
            case _:
                raise _NoPatternError

    def text(self, shape: Text) -> str:
        if shape.pattern is None:
            return f'"{self.character}{{1,{shape.longest}}}"'
        return f'"(?=[^"]{{1,{shape.longest}}}"){_closed(shape.pattern)}"'

    def list_of(self, shape: ListOf) -> str:
        if shape.unique:
            entries = self.distinct(self.value(shape.item), "")
            if shape.least > 1 or shape.most < _MOST_DISTINCT:
                raise _NoPatternError
        else:
            # The item is written twice, since no two groups may have the same name.
            first, other = self.value(shape.item), self.value(shape.item)
            entries = f"{first}(?:,{other}){{{max(shape.least - 1, 0)},{shape.most - 1}}}"
        return rf"\[{entries}\]" if shape.least else rf"\[(?:{entries})?\]"

    def object(self, shape: Object, name: str | None) -> str:
        """Write members before the first required one with a comma behind, others in front."""
        names: Sequence[str] = sorted(shape.members, key=lambda each: (each == "_sd", each))
        if name is not None and name in self.orders:
            names = self.orders[name]
        if set(names) != set(shape.members) or not shape.required <= set(names):
            raise _NoPatternError
        written, comma = "", False
        for each in names:
            member = f"{_literal(each)}:{self.value(shape.members[each], each)}"
            if each in shape.required:
                written += f",{member}" if comma else member
                comma = True
            else:
                written += f"(?:,{member})?" if comma else f"(?:{member},)?"
        if not comma:  # without a required member the commas would not come out right
            raise _NoPatternError
        return rf"\{{{written}\}}"

    def distinct(self, key: str, rest: str) -> str:
        """Write one to `_MOST_DISTINCT` entries whose keys, in quotation marks, all differ."""
        names: list[str] = []
        written = ""
        for _ in range(_MOST_DISTINCT):
            different = f"(?!{'|'.join(f'(?P={name})' for name in names)})" if names else ""
            names.append(f"g{next(self.numbers)}")
            written += f"{'(?:,' if different else ''}{different}(?P<{names[-1]}>{key}){rest}"
        return written + ")?" * (_MOST_DISTINCT - 1)


def _literal(value: object) -> str:
    return re.escape(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _integer(shape: Integer) -> str:
    digits = len(str(shape.most)) - 1  # every number of so many digits is small enough
    if shape.least not in (0, 1) or not digits:
        raise _NoPatternError
    positive = f"[1-9][0-9]{{0,{digits - 1}}}"
    return positive if shape.least else f"(?:0|{positive})"


def _closed(pattern: str) -> str:
    """Return the pattern of a text if it can match neither quotation mark nor backslash."""
    classes = _CLASS.findall(pattern)
    escaping = any(re.fullmatch(each, char) for each in classes for char in '"\\')
    if escaping or _NOT_LITERAL.search(_CLASS.sub("", pattern)):
        raise _NoPatternError
    return f"(?:{pattern})"
