"""Probability that the true value meets the limit, given the measured one (JCGM 106:2012, 7)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

_WORKING: Final = Context(prec=34)
_SHOWN: Final = Decimal("0.000001")
_FAR: Final = 8  # beyond 8 standard deviations the tail is below 1E-15
_PI: Final = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def normal_distribution(z: Fraction) -> Decimal:
    """Return Φ(z), the standard normal distribution, to more than 15 decimals.

    The series 1/2 + φ(z)·(z + z³/3 + z⁵/15 + …) has positive terms only, so nothing cancels.
    """
    if abs(z) > _FAR:
        return Decimal(1 if z > 0 else 0)
    size = _WORKING.divide(Decimal(abs(z).numerator), Decimal(abs(z).denominator))
    square = _WORKING.multiply(size, size)
    term = total = size
    odd = 1
    while term > Decimal("1E-22"):
        odd += 2
        term = _WORKING.divide(_WORKING.multiply(term, square), Decimal(odd))
        total = _WORKING.add(total, term)
    density = _WORKING.divide(
        _WORKING.exp(_WORKING.divide(-square, Decimal(2))),
        _WORKING.sqrt(_WORKING.multiply(Decimal(2), _PI)),
    )
    upper = _WORKING.add(Decimal("0.5"), _WORKING.multiply(density, total))
    return upper if z >= 0 else _WORKING.subtract(Decimal(1), upper)


def conformance_probability(
    value: Fraction, *, lower: Fraction | None, upper: Fraction | None, standard: Fraction
) -> str | None:
    """Return the probability that the quantity lies within its limits, as a decimal string.

    Assumes a Gaussian posterior around the measured value, which is what JCGM 106 does when
    nothing else is known. It informs; no outcome depends on it.

    Args:
        value: Measured value.
        lower: Lower limit, None if there is none.
        upper: Upper limit, None if there is none.
        standard: Standard uncertainty u = U/k, all four in one unit.

    Returns:
        Six decimals, e.g. "0.993790"; None where u is zero or no limit is given.
    """
    if standard <= 0 or (lower is None and upper is None):
        return None
    inside = Decimal(1) if upper is None else normal_distribution((upper - value) / standard)
    if lower is not None:
        below = normal_distribution((lower - value) / standard)
        inside = _WORKING.subtract(inside, below)
    return f"{max(inside, Decimal(0)).quantize(_SHOWN, rounding=ROUND_HALF_EVEN):f}"
