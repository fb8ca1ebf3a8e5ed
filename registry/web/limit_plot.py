"""Geometry of the plot of results, uncertainties and limits: one scale per parameter."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from standards_catalog.conformity.inputs import ResultKind
from standards_catalog.conformity.outcomes import Outcome
from standards_catalog.conformity.scale import (
    SAME_BASIS,
    Scale,
    bridge_basis,
    common_scale,
    guard_band,
)
from standards_catalog.conformity.statement import ParameterStatement

WIDTH: Final = 250
HEIGHT: Final = 44
_LEFT, _RIGHT = 14, WIDTH - 14
_MARGIN: Final = Fraction(3, 20)


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter drawn on its own scale.

    Attributes:
        allowed: Stretch inside the limits, (x, width).
        limits: Where limits stand, with their digits: (x, text).
        interval: Stretch of the result with its uncertainty at k = 2, None without one.
        point: Where the result stands, None if it is only known to be below something.
        below: Stretch below the LOQ or LOD, None for a quantity.
    """

    allowed: tuple[float, float]
    limits: tuple[tuple[float, str], ...]
    interval: tuple[float, float] | None
    point: float | None
    below: tuple[float, float] | None
    width: int = WIDTH
    height: int = HEIGHT


def draw_row(statement: ParameterStatement) -> Row | None:
    """Return the drawing of one statement, None where there is nothing on a common scale."""
    requirement, result = statement.requirement, statement.result
    limits = [limit for limit in (requirement.lower, requirement.upper) if limit is not None]
    if not limits or result is None or requirement.text is not None:
        return None
    scale = _scale_of(statement)
    if scale is None:
        return None
    value = _scaled(result.value, scale, shifted=True)
    half = _half_width(statement, scale) if value is not None else None
    ceiling = None
    if result.kind in {ResultKind.BELOW_LOQ, ResultKind.NOT_DETECTED}:
        bound = result.loq if result.loq is not None else result.lod
        ceiling = _scaled(bound, scale, shifted=False)
    if value is None and ceiling is None:
        return None
    shown = [Fraction(limit) for limit in limits]
    shown += [value - (half or 0), value + (half or 0)] if value is not None else [Fraction(0)]
    shown += [ceiling] if ceiling is not None else []
    low, high = min(shown), max(shown)
    spread = (high - low) or abs(high) or Fraction(1)
    low, high = low - spread * _MARGIN, high + spread * _MARGIN

    def x(at: Fraction) -> float:
        return round(float(_LEFT + (at - low) / (high - low) * (_RIGHT - _LEFT)), 1)

    start = x(Fraction(requirement.lower)) if requirement.lower is not None else float(_LEFT)
    end = x(Fraction(requirement.upper)) if requirement.upper is not None else float(_RIGHT)
    return Row(
        allowed=(start, round(max(end - start, 0.0), 1)),
        limits=tuple((x(Fraction(limit)), f"{limit:f}") for limit in dict.fromkeys(limits)),
        interval=(x(value - half), x(value + half)) if value is not None and half else None,
        point=None if value is None else x(value),
        below=None if ceiling is None else (x(Fraction(0)), x(ceiling)),
    )


def _scale_of(statement: ParameterStatement) -> Scale | None:
    requirement, result = statement.requirement, statement.result
    if result is None:
        return None
    basis = SAME_BASIS
    if requirement.basis and requirement.basis != result.basis:
        found = bridge_basis(result.basis, requirement.basis, statement.context)
        if found is None:
            return None
        basis = found
    scale = common_scale(result.unit, requirement.unit, basis)
    return None if isinstance(scale, Outcome) else scale


def _half_width(statement: ParameterStatement, scale: Scale) -> Fraction | None:
    """Return the expanded uncertainty at k = 2 in the unit of the limit."""
    if statement.result is None:
        return None
    found = guard_band(statement.result, statement.requirement, scale)
    if isinstance(found, Outcome):
        return None
    width, own = found
    return own.in_limit_unit(width)


def _scaled(value: object, scale: Scale, *, shifted: bool) -> Fraction | None:
    """Return a number of the result in the unit of the limit."""
    if value is None:
        return None
    shift = Fraction(scale.shift) if shifted else Fraction(0)
    return (Fraction(str(value)) * Fraction(scale.value) + shift) / Fraction(scale.limit)
