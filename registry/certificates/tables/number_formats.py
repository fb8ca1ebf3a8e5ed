"""What the number formats of a spreadsheet show; everything that is not plain is not guessed.

Source: ECMA-376 part 1, sections 18.8.30 (numFmt) and 18.8.31 (numFmts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_BUILT_IN: Final = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)",
    39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;[Red](#,##0.00)", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
_BUILT_IN_DATES: Final = frozenset({14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58})
_BUILT_IN_TIMES: Final = frozenset({*range(18, 23), 32, 33, 34, 35, 45, 46, 47, 55, 56})
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_SPACING: Final = re.compile(r"_.|\*.|\s")
_PLAIN: Final = re.compile(r"(#*)(0+)(?:\.(0+))?")
_MAX_FORMAT_CHARS: Final = 255


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a cell shows its number.

    Attributes:
        is_date: It shows a date, with or without a time.
        is_plain: It shows the bare decimal number.
        decimals: Digits behind the point, None for as many as there are.
        width: Least number of digits before the point.
        sections: How many formats for positive, negative and other values it consists of.
    """

    is_date: bool = False
    is_plain: bool = False
    decimals: int | None = None
    width: int = 1
    sections: int = 1


GENERAL: Final = NumberFormat(is_plain=True)


def built_in(number: int) -> NumberFormat:
    """Return the format with a number that every spreadsheet program knows."""
    if number in _BUILT_IN_DATES or number in _BUILT_IN_TIMES:
        return NumberFormat(is_date=True)
    return parse_format(_BUILT_IN.get(number, "?"))


@lru_cache(maxsize=1024)
def parse_format(code: str) -> NumberFormat:
    """Return what a format code shows."""
    if len(code) > _MAX_FORMAT_CHARS:
        return NumberFormat()
    if code.lower() in ("general", "@"):
        return GENERAL
    if re.search(r"[ymdhs年月日时分秒]", _LITERAL.sub("", code).lower()):
        return NumberFormat(is_date=True)
    sections = code.split(";")
    plain = _PLAIN.fullmatch(_SPACING.sub("", sections[0]))
    if plain is None:
        return NumberFormat(sections=len(sections))
    return NumberFormat(
        is_plain=True, decimals=len(plain[3] or ""), width=len(plain[2]), sections=len(sections)
    )
