"""Conclusions, and the one overall conclusion that follows from them.

The overall conclusion of a document is never stated freely: it follows from what is visible in
it, by the rule of docs/evidence-format.md, section 1.5. So a failed result cannot stand under a
pass, and a reader can check that without a single disclosure.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Conclusion(StrEnum):
    """What was concluded on a result, by an agency, or overall.

    The order of definition is the number of a conclusion in an offline code; it never changes.
    """

    PASS = "pass"  # noqa: S105  (a conclusion, not a secret)
    FAIL = "fail"
    CONDITIONAL = "conditional"  # acceptable once a stated condition is met
    SUSPECT = "suspect"  # something found that needs a second look
    INCONCLUSIVE = "inconclusive"  # measured, but the rule decides neither way
    NOT_APPLICABLE = "not_applicable"  # an item of a checklist that does not concern these goods
    CONDITIONAL_PASS = "conditional_pass"  # noqa: S105  (ILAC-G8: within the limit and its band)
    CONDITIONAL_FAIL = "conditional_fail"  # ILAC-G8: beyond the limit, within its band
    NOT_ASSESSED = "not_assessed"  # reported without a statement of conformity

    # That of an enumeration is slower, and not that of the text it is equal to.
    __hash__ = str.__hash__

    @property
    def number(self) -> int:
        """The number of this conclusion in an offline code."""
        return _NUMBERS[self]

    @classmethod
    def from_number(cls, number: int) -> Conclusion:
        """Return the conclusion with this number.

        Raises:
            ValueError: There is none.
        """
        if 0 <= number < len(_BY_NUMBER):
            return _BY_NUMBER[number]
        raise ValueError(f"{number} is the number of no conclusion")


_BY_NUMBER: Final = tuple(Conclusion)
_NUMBERS: Final = {conclusion: number for number, conclusion in enumerate(_BY_NUMBER)}

# From the gravest on. The last two say nothing about conformity and yield to any other.
_GRAVITY: Final = (
    Conclusion.FAIL,
    Conclusion.CONDITIONAL_FAIL,
    Conclusion.SUSPECT,
    Conclusion.INCONCLUSIVE,
    Conclusion.CONDITIONAL,
    Conclusion.CONDITIONAL_PASS,
    Conclusion.PASS,
    Conclusion.NOT_ASSESSED,
    Conclusion.NOT_APPLICABLE,
)
_RANK: Final = {conclusion: rank for rank, conclusion in enumerate(_GRAVITY)}
_CLEAN_RANK: Final = _RANK[Conclusion.PASS]


TEST_CONCLUSIONS: Final = (
    Conclusion.PASS,
    Conclusion.FAIL,
    Conclusion.INCONCLUSIVE,
    Conclusion.CONDITIONAL_PASS,
    Conclusion.CONDITIONAL_FAIL,
    Conclusion.NOT_ASSESSED,
)
ITEM_CONCLUSIONS: Final = (
    Conclusion.PASS,
    Conclusion.FAIL,
    Conclusion.SUSPECT,
    Conclusion.INCONCLUSIVE,
    Conclusion.NOT_APPLICABLE,
    Conclusion.NOT_ASSESSED,
)
AGENCY_CONCLUSIONS: Final = (
    Conclusion.PASS,
    Conclusion.CONDITIONAL,
    Conclusion.FAIL,
    Conclusion.INCONCLUSIVE,
)


class Outcome(StrEnum):
    """Disposition of an inspected consignment."""

    RELEASE = "release"
    RELEASE_WITH_RECTIFICATION = "release_with_rectification"
    HOLD_FOR_RECTIFICATION = "hold_for_rectification"
    HOLD = "hold"
    RETURN = "return"
    DESTROY = "destroy"
    CASE = "case"


_REFUSALS: Final = frozenset({Outcome.RETURN, Outcome.DESTROY, Outcome.CASE})


def gravest(conclusions: Iterable[Conclusion]) -> Conclusion:
    """Return the gravest of one or more conclusions."""
    return min(conclusions, key=_RANK.__getitem__)


def milder(stated: Conclusion, derived: Conclusion) -> bool:
    """Tell whether `stated` makes a document look better than `derived`."""
    return _RANK[stated] > _RANK[derived]


def overall_of_tests(results: Iterable[Conclusion]) -> Conclusion:
    """Return the overall conclusion of a test certificate: the gravest of its results."""
    return gravest(results)


def overall_of_inspection(
    items: Iterable[Conclusion], agencies: Iterable[Conclusion], outcome: Outcome | None
) -> Conclusion:
    """Return the overall conclusion of an inspection record.

    It is the gravest conclusion of the agencies, who have weighed the items. It is at least
    `conditional` when an item was found wanting or the goods were not released outright, and
    `fail` when they were returned, destroyed or became a case.

    Args:
        items: Conclusions of the checklist items.
        agencies: Conclusions of the agencies, at least one.
        outcome: Disposition of the goods, None when none is recorded.
    """
    overall = gravest(agencies)
    if outcome in _REFUSALS:
        return Conclusion.FAIL
    wanting = any(_RANK[item] < _CLEAN_RANK for item in items)
    held = outcome is not None and outcome is not Outcome.RELEASE
    if wanting or held:
        return gravest((overall, Conclusion.CONDITIONAL))
    return overall
