"""From one unit to another, exactly or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from standards_catalog.errors import DimensionError, UnknownUnitError
from standards_catalog.units.expression import UNSTATED_BASIS, Unit, UnknownUnit

# Sums and products of bounded decimals fit with room to spare; a result that does not is a defect
# and raises instead of being rounded.
EXACT: Final = Context(prec=3000, traps=[Inexact, InvalidOperation, Overflow])
_SHOWN_DIGITS: Final = 15


class Refusal(StrEnum):
    """Why two units do not convert."""

    DIMENSION = "unit_dimension"
    UNKNOWN = "unit_unknown"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Whole numbers that bring a value and a limit to one scale, without a division.

    `value · value_factor + shift` and `limit · limit_factor` compare exactly as the quantities do;
    a difference such as an uncertainty takes the factor without the shift.
    """

    value_factor: Decimal
    limit_factor: Decimal
    shift: Decimal
    identity: bool

    def to_limit_unit(self, value: Decimal) -> Fraction:
        """Return a value in the unit of the limit, exactly."""
        scaled = Fraction(value) * Fraction(self.value_factor) + Fraction(self.shift)
        return scaled / Fraction(self.limit_factor)


_IDENTITY: Final = Conversion(Decimal(1), Decimal(1), Decimal(0), identity=True)


@lru_cache(maxsize=8192)
def conversion(source: Unit | UnknownUnit, target: Unit | UnknownUnit) -> Conversion | Refusal:
    """Return how a value in `source` compares with a limit in `target`.

    A unit that is unknown gives UNKNOWN. So does a fraction of unstated basis ("ppm", "%") against
    a fraction of stated basis: nobody can tell whether they mean the same. The same symbol on both
    sides needs no conversion and is accepted. Everything else of another dimension gives
    DIMENSION.
    """
    if isinstance(source, UnknownUnit) or isinstance(target, UnknownUnit):
        numbers = {source.symbol, target.symbol} <= {"", "1"}  # the unit one is rarely written
        return _IDENTITY if numbers else Refusal.UNKNOWN
    if source is target or source.symbol == target.symbol:
        return _IDENTITY
    if UNSTATED_BASIS in {source.dimension, target.dimension}:
        return Refusal.UNKNOWN if source.may_be & target.may_be else Refusal.DIMENSION
    if source.dimension != target.dimension:
        return Refusal.DIMENSION
    ratio = source.factor / target.factor
    shift = source.offset * ratio.numerator - target.offset * ratio.denominator
    if ratio == 1 and shift == 0:
        return _IDENTITY
    # An offset has few decimals; bring everything to whole numbers.
    scale = shift.denominator
    return Conversion(
        Decimal(ratio.numerator * scale),
        Decimal(ratio.denominator * scale),
        Decimal(int(shift * scale)),
        identity=False,
    )


def convert(value: Decimal, source: Unit | UnknownUnit, target: Unit | UnknownUnit) -> Fraction:
    """Return a value in another unit, exactly.

    Raises:
        UnknownUnitError: One of the units is unknown, or a fraction of unstated basis.
        DimensionError: The units measure different things.
    """
    found = conversion(source, target)
    if isinstance(found, Conversion):
        return found.to_limit_unit(value)
    for unit in (source, target):
        if isinstance(unit, UnknownUnit):
            raise UnknownUnitError(unit.symbol, why=unit.why)
    assert isinstance(source, Unit)  # noqa: S101  (the loop above left known units only)
    assert isinstance(target, Unit)  # noqa: S101
    if found is Refusal.UNKNOWN:
        vague = source if source.dimension == UNSTATED_BASIS else target
        raise UnknownUnitError(vague.symbol, why="does not say of what it is a fraction")
    raise DimensionError((source.symbol, target.symbol), (source.dimension, target.dimension))


def decimal_text(value: Fraction) -> str:
    """Return an exact number as a decimal string, shortened to 15 digits where it never ends."""
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator == 1:
        digits = Context(prec=3000).divide(Decimal(value.numerator), Decimal(value.denominator))
        return f"{digits:f}"
    shown = Context(prec=_SHOWN_DIGITS).divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{shown:f}"
