"""Folds ten findings into one word (docs/verdict.md, section 1)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from verifier.checks.finding import Finding, Line, Status


class Overall(StrEnum):
    """The word at the top of a report. There is no boolean: "not valid" is only one of five."""

    VALID = "valid"
    VALID_WITH_NOTES = "valid_with_notes"
    CANNOT_CONFIRM = "cannot_confirm"
    NOT_VALID = "not_valid"
    NOT_OURS = "not_ours"


# A FAIL here means that the document must not be relied on.
_DECISIVE: Final = (
    Line.UNCHANGED,
    Line.SIGNED,
    Line.ACCREDITED,
    Line.TIME_STAMPED,
    Line.NOT_REVOKED,
    Line.IN_DATE,
)
# These seven must have been answered before anything is called genuine.
_REQUIRED: Final = (*_DECISIVE, Line.COMPLETE)
_ANSWERED: Final = frozenset({Status.PASS, Status.NOTE})
# Lines about the use of a genuine document: a bad answer qualifies it, it does not undo it.
_WORTH: Final = (Line.RECOGNISED, Line.QUANTITY_AVAILABLE)
_QUALIFIES: Final = frozenset({Status.FAIL, Status.UNKNOWN})


def fold(findings: Iterable[Finding], *, ours: bool = True) -> Overall:
    """Fold the findings of one document into one word; the first rule that matches wins.

    1. Nothing of our format was found: `not_ours`.
    2. FAIL in unchanged, signed, accredited, time_stamped, not_revoked or in_date: `not_valid`.
    3. One of these six or `complete` is UNKNOWN or missing: `cannot_confirm`.
    4. A NOTE anywhere, FAIL or UNKNOWN in recognised or quantity_available, or FAIL in
       matches_goods: `valid_with_notes`.
    5. Otherwise `valid`.

    An answer that a required line has no code for (NOT_APPLICABLE in one of the seven, FAIL in
    `complete`) counts as missing, and so does an empty list: nothing passes by being left out. Of
    several findings on one line every one counts.

    Args:
        findings: At most one finding for each line, in any order.
        ours: Whether the input carried evidence of our format at all.
    """
    if not ours:
        return Overall.NOT_OURS
    given: dict[Line, set[Status]] = {line: set() for line in Line}
    for finding in findings:
        given[finding.line].add(finding.status)

    if any(Status.FAIL in given[line] for line in _DECISIVE):
        return Overall.NOT_VALID
    if not all(given[line] and given[line] <= _ANSWERED for line in _REQUIRED):
        return Overall.CANNOT_CONFIRM
    if (
        any(Status.NOTE in statuses for statuses in given.values())
        or any(given[line] & _QUALIFIES for line in _WORTH)
        or Status.FAIL in given[Line.MATCHES_GOODS]
    ):
        return Overall.VALID_WITH_NOTES
    return Overall.VALID
