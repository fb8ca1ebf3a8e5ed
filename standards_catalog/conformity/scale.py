"""One scale for a result and its requirement: units, bases, coverage factors.

Both sides are multiplied by whole or exact numbers, so that nothing is divided or rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from standards_catalog.conformity.inputs import DRY, MOIST, Context, TestResult
from standards_catalog.conformity.outcomes import Outcome
from standards_catalog.requirements import Requirement
from standards_catalog.units import Conversion, Refusal, Unit, UnknownUnit, conversion
from standards_catalog.units.conversion import EXACT

_ONE: Final = Decimal(1)
_TWO: Final = Decimal(2)
_ZERO: Final = Decimal(0)
_REFUSED: Final = {
    Refusal.DIMENSION: Outcome.UNIT_DIMENSION,
    Refusal.UNKNOWN: Outcome.UNIT_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How values of the result and limits of the requirement are brought to one scale.

    Attributes:
        value: Whole factor of values and differences of values.
        limit: Factor of limits.
        shift: Added to a scaled value (temperatures).
        basis: Factor of values and of limits that the change of basis alone contributes.
    """

    value: Decimal
    limit: Decimal
    shift: Decimal
    basis: tuple[Decimal, Decimal]

    def in_limit_unit(self, scaled: Decimal) -> Fraction:
        """Return a scaled value in the unit and on the basis of the limit."""
        return Fraction(scaled) / Fraction(self.limit)


SAME_BASIS: Final = (_ONE, _ONE)
SAME_SCALE: Final = Scale(_ONE, _ONE, _ZERO, SAME_BASIS)


def bridge_basis(source: str, target: str, context: Context) -> tuple[Decimal, Decimal] | None:
    """Return the factors of value and limit between two bases, None if none is stated.

    A content per dry mass is the content per moist mass divided by 1 - m, where m is the mass
    fraction of water in the moist sample. Multiplying the other side keeps it exact.
    """
    for stated in context.conversions:
        if (stated.source, stated.target) == (source, target):
            return stated.factor, _ONE
        if (stated.target, stated.source) == (source, target):
            return _ONE, stated.factor
    if context.moisture is None:
        return None
    dry_share = EXACT.subtract(_ONE, context.moisture)
    if source == DRY and target in MOIST:
        return dry_share, _ONE
    if source in MOIST and target == DRY:
        return _ONE, dry_share
    return None


def common_scale(
    unit: Unit | UnknownUnit, limit_unit: Unit | UnknownUnit, basis: tuple[Decimal, Decimal]
) -> Scale | Outcome:
    """Step 4: one scale for both sides, within one dimension."""
    if unit is limit_unit and basis is SAME_BASIS and isinstance(unit, Unit):
        return SAME_SCALE
    found = conversion(unit, limit_unit)
    if not isinstance(found, Conversion):
        return _REFUSED[found]
    if basis is SAME_BASIS:
        return Scale(found.value_factor, found.limit_factor, found.shift, basis)
    return Scale(
        EXACT.multiply(found.value_factor, basis[0]),
        EXACT.multiply(found.limit_factor, basis[1]),
        found.shift,
        basis,
    )


def own_scale(
    unit: Unit | UnknownUnit | None, requirement: Requirement, scale: Scale
) -> Scale | Outcome:
    """Return the scale of a number that may have a unit of its own, such as an LOQ."""
    return scale if unit is None else common_scale(unit, requirement.unit, scale.basis)


def guard_band(
    result: TestResult, requirement: Requirement, scale: Scale
) -> tuple[Decimal, Scale] | Outcome:
    """Return the width w of the guard band and the scale on which it is exact.

    w is U at k = 2; for another k it is 2U/k, so everything else is multiplied by k instead. An
    uncertainty that is negative, or whose k is not positive, is none.
    """
    uncertainty, k = result.uncertainty, result.coverage_factor
    if uncertainty is None or uncertainty < 0 or k <= 0:
        return Outcome.UNCERTAINTY_MISSING
    own = scale
    if result.uncertainty_unit is not None:
        found = common_scale(result.uncertainty_unit, requirement.unit, scale.basis)
        if isinstance(found, Outcome):
            return Outcome.UNCERTAINTY_MISSING
        # Bring both to a common scale: value/limit factors of the two units may differ.
        own = Scale(EXACT.multiply(found.value, scale.limit), found.limit, _ZERO, scale.basis)
        scale = _times(scale, found.limit)
    width = EXACT.multiply(uncertainty, own.value)
    if k == _TWO:
        return width, scale
    return EXACT.multiply(width, _TWO), _times(scale, k)


def guard_band_scale(
    result: TestResult, requirement: Requirement, context: Context
) -> tuple[Decimal, Scale] | None:
    """Return the guard band at k = 2 and its scale, None where value and limit do not compare."""
    basis: tuple[Decimal, Decimal] | None = SAME_BASIS
    if requirement.basis and requirement.basis != result.basis:
        basis = bridge_basis(result.basis, requirement.basis, context)
    if basis is None:
        return None
    scale = common_scale(result.unit, requirement.unit, basis)
    if isinstance(scale, Outcome):
        return None
    found = guard_band(result, requirement, scale)
    return None if isinstance(found, Outcome) else found


def _times(scale: Scale, factor: Decimal) -> Scale:
    """Return a scale on which every number is larger by a factor."""
    return Scale(
        EXACT.multiply(scale.value, factor),
        EXACT.multiply(scale.limit, factor),
        EXACT.multiply(scale.shift, factor),
        scale.basis,
    )
