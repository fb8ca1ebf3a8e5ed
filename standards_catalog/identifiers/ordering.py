"""The order of lists, and when two codes mean the same standard."""

from __future__ import annotations

import re
from typing import Final

from standards_catalog.identifiers.model import Family, StandardId

_RANK: Final = {family: rank for rank, family in enumerate(Family)}
_DIGITS: Final = re.compile(r"(\d+)")

NaturalKey = tuple[tuple[int, int, str], ...]
SortKey = tuple[int, str, NaturalKey, NaturalKey, int, str, str]


def natural_key(text: str) -> NaturalKey:
    """Return a key that puts "9" before "10" and digits before letters."""
    return tuple(
        (0, int(piece), piece) if piece.isdigit() else (1, 0, piece)
        for piece in _DIGITS.split(text)
        if piece
    )


def sort_key(standard: StandardId) -> SortKey:
    """Return the key of the order (publisher, number, part, year).

    Mandatory and recommended standards of one publisher share one sequence of numbers, as in the
    publisher's own lists. Undated references come before editions.
    """
    return (
        _RANK[standard.family],
        _publisher(standard),
        natural_key(standard.number),
        natural_key(standard.part),
        standard.year or 0,
        standard.series,
        standard.suffix,
    )


def same_standard(first: StandardId, second: StandardId) -> bool:
    """Tell whether two codes name the same standard, whatever their editions.

    The letters of a national body before "EN" do not matter: it is one text. "GB" and "GB/T" do:
    when a mandatory standard becomes voluntary it is another document.
    """
    return (
        first.family is second.family
        and first.base_number == second.base_number
        and first.part == second.part
        and first.carries == second.carries
        and _series(first) == _series(second)
    )


def covers(reference: StandardId, used: StandardId) -> bool:
    """Tell whether a reference to a standard includes the one that was used.

    An undated reference includes every edition. A dated one includes that edition alone, with
    the same amendments; an undated use of it stays outside, since nobody knows the edition. A
    reference to a clause or to one method of a standard needs the same clause. A reference to all
    parts includes every part.
    """
    same = same_standard(reference, used) or (
        reference.all_parts and not reference.part and same_standard(reference, _without_part(used))
    )
    if not same or (reference.clause and reference.clause != used.clause):
        return False
    return reference.year is None or (
        reference.year == used.year and reference.suffix == used.suffix
    )


def _without_part(standard: StandardId) -> StandardId:
    """Return the code of the series that a part belongs to."""
    return StandardId(
        family=standard.family,
        series=standard.series,
        number=standard.number,
        carries=standard.carries,
    )


def _publisher(standard: StandardId) -> str:
    """Return the series without what does not affect the sequence of numbers."""
    if standard.family in {Family.GB, Family.CN_SECTOR, Family.CN_LOCAL}:
        return standard.series.partition("/")[0]
    if standard.family is Family.ISO:
        return ""
    return _series(standard)


def _series(standard: StandardId) -> str:
    """Return the series without the letters of a national body before a European standard."""
    if standard.family is Family.EN:
        return standard.series.rpartition(" ")[2]
    return standard.series
