"""Which of two requirements is the stricter one."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction

from standards_catalog.requirements import Operator, Requirement
from standards_catalog.units import Conversion, conversion


class Strictness(StrEnum):
    """How a requirement of ours compares with one of theirs."""

    EQUAL = "equal"
    OURS = "ours"
    THEIRS = "theirs"
    DIFFERENT = "different"  # neither includes the other, e.g. overlapping ranges
    NO_EQUIVALENT_LIMIT = "no_equivalent_limit"
    NOT_COMPARABLE = "not_comparable"  # other basis, conditions, unit or kind, or a placeholder


def compare_requirements(ours: Requirement | None, theirs: Requirement | None) -> Strictness:
    """Compare what two standards demand of one parameter, ignoring the methods.

    A requirement is stricter when every value that meets it meets the other one, and not the
    other way round. Where one standard has no limit at all there is nothing to compare.
    """
    if ours is None or theirs is None:
        return Strictness.NO_EQUIVALENT_LIMIT
    if (
        ours.parameter != theirs.parameter
        or ours.placeholder
        or theirs.placeholder
        or ours.basis != theirs.basis
        or ours.conditions != theirs.conditions
    ):
        return Strictness.NOT_COMPARABLE
    if ours.text is not None or theirs.text is not None:
        return Strictness.EQUAL if ours.text == theirs.text else Strictness.NOT_COMPARABLE
    detection = Operator.NOT_DETECTED
    if (ours.operator is detection) != (theirs.operator is detection):
        return Strictness.NOT_COMPARABLE
    scale = conversion(ours.unit, theirs.unit)
    if not isinstance(scale, Conversion):
        return Strictness.NOT_COMPARABLE
    return _compare_spans(_converted(ours, scale), _span(theirs))


_Span = tuple[Fraction | None, Fraction | None]


def _span(row: Requirement) -> _Span:
    """Return the values that meet a requirement, in its own unit; None is no bound."""
    lower = None if row.lower is None else Fraction(row.lower)
    return lower, None if row.upper is None else Fraction(row.upper)


def _converted(row: Requirement, scale: Conversion) -> _Span:
    """Return the values that meet a requirement, in another unit."""
    lower = None if row.lower is None else scale.to_limit_unit(row.lower)
    return lower, None if row.upper is None else scale.to_limit_unit(row.upper)


def _compare_spans(ours: _Span, theirs: _Span) -> Strictness:
    """Compare two intervals."""
    if ours == theirs:
        return Strictness.EQUAL
    if _within(ours, theirs):
        return Strictness.OURS
    return Strictness.THEIRS if _within(theirs, ours) else Strictness.DIFFERENT


def _within(inner: _Span, outer: _Span) -> bool:
    """Tell whether one interval lies within another."""
    low = outer[0] is None or (inner[0] is not None and inner[0] >= outer[0])
    return low and (outer[1] is None or (inner[1] is not None and inner[1] <= outer[1]))
