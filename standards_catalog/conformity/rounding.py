"""Rounding of a result where a standard prescribes it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from standards_catalog.requirements import Rounding


def rounding_interval(rounding: Rounding, limit: Decimal) -> Decimal:
    """Return the interval to round to, in the unit of the limit.

    Without a stated interval it is the last digit of the limit as written: 3.5 gives 0.1.
    """
    if rounding.interval is not None:
        return rounding.interval
    exponent = limit.as_tuple().exponent
    assert isinstance(exponent, int)  # noqa: S101  (limits are finite numbers)
    return Decimal((0, (1,), min(exponent, 0)))


def round_half_even(value: Fraction, interval: Decimal) -> Fraction:
    """Round to the nearest multiple of an interval, a tie to the even multiple.

    Source: GB/T 8170, rounding by 四舍六入五成双; the value is rounded once, never in steps.
    """
    step = Fraction(interval)
    return round(value / step) * step
