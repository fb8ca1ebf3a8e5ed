"""Suggestions for a code that is not in a list: what else may have been meant?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from standards_catalog.errors import CatalogueError
from standards_catalog.identifiers.ordering import natural_key
from standards_catalog.identifiers.parsing import try_identifier
from standards_catalog.identifiers.reading import plain_text

MAX_EDITS: Final = 2
_NOT_KEY: Final = re.compile(r"[^0-9A-Z\u0080-\uffff]+")
_NUMBER: Final = re.compile(r"\d+")


def compact_key(text: str) -> str:
    """Return letters and digits alone, in upper case: "gb/t 17671-2021" gives "GBT176712021"."""
    try:
        plain = plain_text(text)
    except CatalogueError:
        plain = text[:80].upper()
    return _NOT_KEY.sub("", plain)


class NearMatches:
    """An index over known codes that answers with the ones most like a given text.

    Likeness, nearest first: the same letters and digits; another edition or spelling with the
    same number; at most `MAX_EDITS` characters changed, added, left out or swapped.
    """

    def __init__(self, codes: Iterable[str]) -> None:
        self._keys = {code: _keys_of(code) for code in codes}
        self._by_number: dict[str, list[str]] = defaultdict(list)
        for code in self._keys:
            match = _NUMBER.search(code)
            if match is not None:
                self._by_number[match.group().lstrip("0")].append(code)

    def find(self, text: str, *, limit: int = 5) -> tuple[str, ...]:
        """Return at most `limit` known codes that look like `text`, nearest first."""
        wanted = compact_key(text)
        number = _NUMBER.search(wanted)
        scored: dict[str, int] = {}
        if number is not None:
            for code in self._same_number(text):
                scored[code] = 0 if wanted in self._keys[code] else MAX_EDITS
        for code, keys in self._keys.items():
            for key in keys:
                if abs(len(key) - len(wanted)) <= MAX_EDITS:
                    edits = _edits(key, wanted)
                    if edits <= MAX_EDITS:
                        scored[code] = min(edits, scored.get(code, edits))
        ranked = sorted(scored, key=lambda code: (scored[code], natural_key(code)))
        return tuple(ranked[:limit])

    def _same_number(self, text: str) -> list[str]:
        """Return the codes whose first number is a number of `text`."""
        numbers = dict.fromkeys(digits.lstrip("0") for digits in _NUMBER.findall(text))
        return [code for number in list(numbers)[:1] for code in self._by_number.get(number, ())]


def _keys_of(code: str) -> tuple[str, ...]:
    """Return the keys under which a code can be meant: with and without its year."""
    standard = try_identifier(code)
    dated = compact_key(code)
    if standard is None or standard.year is None:
        return (dated,)
    return dated, compact_key(str(standard.undated()))


def _edits(first: str, second: str) -> int:
    """Return the optimal-string-alignment distance, or more than `MAX_EDITS` once it is larger."""
    if first == second:
        return 0
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, start=1):
        older, before, row = before, row, [i]
        for j, right in enumerate(second, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if older and i > 1 and j > 1 and left == second[j - 2] and first[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > MAX_EDITS:
            return MAX_EDITS + 1
    return row[-1]
