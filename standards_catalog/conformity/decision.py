"""One result against one requirement: the algorithm, step by step.

The steps have the numbers of docs/conformity.md; the first that gives an answer ends the
evaluation. Numbers are exact decimals throughout: units and bases scale both sides by whole
numbers, so that nothing is divided or rounded unless the standard says so.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from standards_catalog.conformity.inputs import Context, ResultKind, TestResult, plain_words
from standards_catalog.conformity.methods import MethodMatch
from standards_catalog.conformity.outcomes import Outcome
from standards_catalog.conformity.rounding import round_half_even, rounding_interval
from standards_catalog.conformity.scale import (
    SAME_BASIS,
    SAME_SCALE,
    Scale,
    bridge_basis,
    common_scale,
    guard_band,
    own_scale,
)
from standards_catalog.conformity.trace import Trace
from standards_catalog.requirements import DecisionRule, Operator, Requirement
from standards_catalog.units import Unit, UnknownUnit
from standards_catalog.units.conversion import EXACT, decimal_text

_ZERO: Final = Decimal(0)
# Bound once: looking up a member of an enumeration costs more than a comparison of decimals.
_PASS: Final = Outcome.PASS
_FAIL: Final = Outcome.FAIL
_INCONCLUSIVE: Final = Outcome.INCONCLUSIVE
_QUANTITY: Final = ResultKind.QUANTITY
_WITHHELD: Final = ResultKind.WITHHELD
_TEXT: Final = ResultKind.TEXT
_MUST_NOT_BE_DETECTED: Final = Operator.NOT_DETECTED
_NO_MATCH: Final = MethodMatch.NONE
_SIMPLE: Final = DecisionRule.SIMPLE_ACCEPTANCE
_BINARY: Final = DecisionRule.GUARD_BAND_BINARY


def decide(  # noqa: PLR0911  (one return per step)
    result: TestResult | None,
    requirement: Requirement,
    context: Context,
    trace: Trace | None = None,
) -> Outcome:
    """Return the answer for one parameter; write the steps to `trace` if one is given."""
    answer = _find(result, requirement, context, trace)
    if answer is not None:
        return answer
    assert result is not None  # noqa: S101  (_find answers for a missing one)
    match = context.methods.match(result.method, requirement.accepted_methods)
    if trace is not None:
        _note_method(result, requirement, match, trace)
    if match is _NO_MATCH:
        return Outcome.METHOD_NOT_ACCEPTED
    basis = _basis_factors(result, requirement, context, trace)
    if basis is None:
        return Outcome.BASIS_MISMATCH
    if requirement.text is not None or result.kind is _TEXT:
        return _compare_words(result, requirement, trace)
    scale = common_scale(result.unit, requirement.unit, basis)
    if trace is not None:
        _note_unit(result.unit, requirement, scale, trace)
    if isinstance(scale, Outcome):
        return scale
    if requirement.operator is _MUST_NOT_BE_DETECTED:
        return _not_detected(result, requirement, scale, trace)
    if result.kind is not _QUANTITY:
        return _below_loq(result, requirement, scale, trace)
    return _quantity(result, requirement, context, scale, trace)


def _find(
    result: TestResult | None, requirement: Requirement, context: Context, trace: Trace | None
) -> Outcome | None:
    """Step 1: is there a result for this very parameter, and a limit to hold it against?"""
    found = (
        result is not None
        and result.kind is not _WITHHELD
        and (result.kind is not _QUANTITY or result.value is not None)
        and (
            not result.parameter
            or not requirement.parameter
            or result.parameter == requirement.parameter
        )
        and (not requirement.conditions or _same_age(result, requirement))
    )
    answer = None if found else Outcome.PARAMETER_MISSING
    if answer is None and requirement.placeholder:
        answer = Outcome.LIMIT_UNKNOWN
    if (
        answer is None
        and context.test_date is not None
        and not requirement.in_force(context.test_date)
    ):
        answer = Outcome.NOT_IN_FORCE
    if trace is not None:
        reported = result.kind if result is not None else None
        trace.add(1, "result", answer, parameter=requirement.parameter or None, reported=reported)
    return answer


def _same_age(result: TestResult, requirement: Requirement) -> bool:
    """Tell whether a strength is of the age asked for; at another age it is another property."""
    wanted = dict(requirement.conditions).get("age")
    reported = dict(result.conditions).get("age")
    return wanted is None or reported is None or plain_words(wanted) == plain_words(reported)


def _basis_factors(
    result: TestResult, requirement: Requirement, context: Context, trace: Trace | None
) -> tuple[Decimal, Decimal] | None:
    """Step 3: basis and conditions match, or a stated conversion bridges them."""
    factors: tuple[Decimal, Decimal] | None = SAME_BASIS
    if requirement.basis and requirement.basis != result.basis:
        factors = bridge_basis(result.basis, requirement.basis, context)
    differing = ""
    if requirement.conditions:
        reported = {name: plain_words(value) for name, value in result.conditions}
        differing = ", ".join(
            name
            for name, value in requirement.conditions
            if reported.get(name) != plain_words(value)
        )
    if differing:
        factors = None
    if trace is not None:
        trace.add(
            3,
            "basis",
            Outcome.BASIS_MISMATCH if factors is None else None,
            reported=result.basis or None,
            required=requirement.basis or None,
            differing=differing or None,
            moisture=context.moisture if factors not in (None, SAME_BASIS) else None,
        )
    return factors


def _compare_words(result: TestResult, requirement: Requirement, trace: Trace | None) -> Outcome:
    """A result in words against an expected wording."""
    if requirement.text is None or result.kind is not _TEXT:
        answer = Outcome.RESULT_NOT_COMPARABLE
    elif plain_words(result.text) == plain_words(requirement.text):
        answer = _PASS
    else:
        answer = _FAIL
    if trace is not None:
        trace.add(9, "words", answer, reported=result.text or None, required=requirement.text)
    return answer


def _at_most(first: Decimal, second: Decimal, first_scale: Scale, second_scale: Scale) -> bool:
    """Tell whether a number of the result is at most a limit, both on one scale."""
    scaled = EXACT.add(EXACT.multiply(first, first_scale.value), first_scale.shift)
    return scaled <= EXACT.multiply(second, second_scale.limit)


def _not_detected(
    result: TestResult, requirement: Requirement, scale: Scale, trace: Trace | None
) -> Outcome:
    """Step 5: "not detected" is required, down to the required limit of detection."""
    assert requirement.upper is not None  # noqa: S101  (a placeholder ended at step 1)
    own = own_scale(result.lod_unit, requirement, scale)
    if result.kind is _QUANTITY:
        answer = _FAIL
    elif result.lod is None:
        answer = Outcome.LOD_MISSING
    elif isinstance(own, Outcome):
        answer = own
    elif _at_most(result.lod, requirement.upper, own, own):
        answer = _PASS
    else:
        answer = Outcome.LOD_ABOVE_REQUIRED
    if trace is not None:
        trace.add(5, "detection", answer, lod=result.lod, required_lod=requirement.upper)
    return answer


def _below_loq(
    result: TestResult, requirement: Requirement, scale: Scale, trace: Trace | None
) -> Outcome:
    """Step 6: not quantified. The result is somewhere below the LOQ, never zero."""
    bound, unit = result.loq, result.loq_unit
    if bound is None and result.kind is ResultKind.NOT_DETECTED:
        bound, unit = result.lod, result.lod_unit
    own = own_scale(unit, requirement, scale)
    if bound is None:
        answer = Outcome.LOQ_MISSING
    elif isinstance(own, Outcome):
        answer = own
    else:
        sides = []
        if requirement.lower is not None:
            low = _at_most(bound, requirement.lower, own, own)
            sides.append(_FAIL if low else Outcome.LOQ_ABOVE_LIMIT)
        if requirement.upper is not None:
            low = _at_most(bound, requirement.upper, own, own)
            sides.append(_PASS if low else Outcome.LOQ_ABOVE_LIMIT)
        answer = combine_sides(sides)
    if trace is not None:
        trace.add(6, "below_loq", answer, bound=bound, **_limits(requirement))
    return answer


def _quantity(
    result: TestResult,
    requirement: Requirement,
    context: Context,
    scale: Scale,
    trace: Trace | None,
) -> Outcome:
    """Steps 7 to 10: uncertainty, rounding, decision rule, one or two limits."""
    rule = requirement.decision_rule or context.decision_rule
    width = _ZERO
    answer: Outcome | None = None
    if rule is None:
        answer = Outcome.DECISION_RULE_MISSING
    elif rule is not _SIMPLE:
        measured = guard_band(result, requirement, scale)
        if isinstance(measured, Outcome):
            answer = measured
        else:
            width, scale = measured
    if trace is not None:
        trace.add(
            7,
            "uncertainty",
            answer,
            rule=rule,
            uncertainty=result.uncertainty,
            coverage_factor=result.coverage_factor if result.uncertainty is not None else None,
        )
    if answer is not None:
        return answer
    assert result.value is not None  # noqa: S101  (step 1)
    assert rule is not None  # noqa: S101
    if scale is SAME_SCALE:
        value = result.value
    else:
        value = EXACT.add(EXACT.multiply(result.value, scale.value), scale.shift)
    sides = []
    for limit, upward in ((requirement.lower, False), (requirement.upper, True)):
        if limit is not None:
            compared = _rounded(value, limit, requirement, scale, trace)
            bound = limit if scale is SAME_SCALE else EXACT.multiply(limit, scale.limit)
            side = _side(compared, bound, width, rule, upward=upward)
            sides.append(side)
            if trace is not None:
                _note_side(compared, limit, width, scale, side, upward=upward, trace=trace)
    answer = combine_sides(sides)
    if trace is not None:
        trace.add(10, "limits", answer, **_limits(requirement))
    return answer


def _rounded(
    value: Decimal, limit: Decimal, requirement: Requirement, scale: Scale, trace: Trace | None
) -> Decimal | Fraction:
    """Step 8: round in the unit of the limit, only where the standard prescribes it."""
    if requirement.rounding is None:
        return value
    interval = rounding_interval(requirement.rounding, limit)
    exact = scale.in_limit_unit(value)
    rounded = round_half_even(exact, interval)
    if trace is not None:
        trace.add(
            8,
            "rounding",
            interval=interval,
            before=decimal_text(exact),
            after=decimal_text(rounded),
        )
    return rounded * Fraction(scale.limit)


def _side(
    value: Decimal | Fraction, bound: Decimal, width: Decimal, rule: DecisionRule, *, upward: bool
) -> Outcome:
    """Step 9: one value against one limit under a decision rule; all on one scale."""
    if width == 0:
        inside = value <= bound if upward else value >= bound
        return _PASS if inside else _FAIL
    if upward:
        if value <= EXACT.subtract(bound, width):
            return _PASS
        clear = value > EXACT.add(bound, width)
    else:
        if value >= EXACT.add(bound, width):
            return _PASS
        clear = value < EXACT.subtract(bound, width)
    if clear or rule is _BINARY:
        return _FAIL
    return _INCONCLUSIVE


def combine_sides(sides: list[Outcome]) -> Outcome:
    """Step 10: a range is two requirements and both must pass.

    One that fails settles it; else what cannot be assessed comes before what is inconclusive.
    """
    if len(sides) == 1 or sides[0] is sides[1]:
        return sides[0]
    if _FAIL in sides:
        return _FAIL
    open_sides = [outcome for outcome in sides if outcome is not _PASS]
    return next((outcome for outcome in open_sides if not outcome.assessed), _INCONCLUSIVE)


def _limits(requirement: Requirement) -> dict[str, object]:
    """Return the limits for the trace."""
    unit = requirement.unit.symbol
    return {"lower": requirement.lower, "upper": requirement.upper, "unit": unit}


def _note_method(
    result: TestResult, requirement: Requirement, match: MethodMatch, trace: Trace
) -> None:
    """Write down step 2."""
    trace.add(
        2,
        "method",
        Outcome.METHOD_NOT_ACCEPTED if match is _NO_MATCH else None,
        used=result.method,
        accepted="; ".join(requirement.accepted_methods or ()) or None,
        match=match,
    )


def _note_unit(
    unit: Unit | UnknownUnit, requirement: Requirement, scale: Scale | Outcome, trace: Trace
) -> None:
    """Write down step 4."""
    wanted = requirement.unit
    trace.add(
        4,
        "unit",
        scale if isinstance(scale, Outcome) else None,
        reported=unit.symbol,
        required=wanted.symbol,
        dimension=unit.dimension if isinstance(unit, Unit) else None,
        required_dimension=wanted.dimension if isinstance(wanted, Unit) else None,
        why=next((u.why for u in (unit, wanted) if isinstance(u, UnknownUnit)), None),
    )


def _note_side(
    value: Decimal | Fraction,
    limit: Decimal,
    width: Decimal,
    scale: Scale,
    side: Outcome,
    *,
    upward: bool,
    trace: Trace,
) -> None:
    """Write down step 9 in the unit of the limit."""
    per_unit = Fraction(scale.limit)
    trace.add(
        9,
        "decision",
        side,
        side="upper" if upward else "lower",
        value=decimal_text(Fraction(value) / per_unit),
        limit=limit,
        guard_band=decimal_text(Fraction(width) / per_unit),
    )
