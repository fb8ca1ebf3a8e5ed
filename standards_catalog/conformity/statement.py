"""Statements of conformity: for one parameter and for a whole certificate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from standards_catalog.conformity.decision import decide
from standards_catalog.conformity.inputs import Context, ResultKind, TestResult
from standards_catalog.conformity.outcomes import Outcome, Total
from standards_catalog.conformity.probability import conformance_probability
from standards_catalog.conformity.scale import guard_band_scale
from standards_catalog.conformity.trace import Trace
from standards_catalog.conformity.wording import parameter_sentence, total_sentence
from standards_catalog.provenance import Confidence
from standards_catalog.requirements import Operator, Requirement

# The best answer among several results for one parameter comes last; a failed result is never
# hidden behind one that passed.
_WORST_FIRST: Final = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, slots=True)
class ParameterStatement:
    """The answer for one parameter, with what it was made from.

    The explanation is made only when it is asked for, by taking the same steps again.
    """

    requirement: Requirement
    result: TestResult | None
    context: Context
    outcome: Outcome

    def trace(self) -> Trace:
        """Return every step that led to the outcome."""
        trace = Trace()
        decide(self.result, self.requirement, self.context, trace)
        return trace

    def conformance_probability(self) -> str | None:
        """Return the probability that the true value meets the limit, as a decimal string.

        None without a quantity, an uncertainty or a limit on the same scale. It stands beside the
        outcome and never changes it (JCGM 106:2012).
        """
        result, requirement = self.result, self.requirement
        if (
            result is None
            or result.kind is not ResultKind.QUANTITY
            or result.value is None
            or requirement.operator in {Operator.NOT_DETECTED, Operator.EQUAL}
            or requirement.placeholder
            or requirement.text is not None
        ):
            return None
        found = guard_band_scale(result, requirement, self.context)
        if found is None:
            return None
        width, scale = found
        return conformance_probability(
            Fraction(result.value) * Fraction(scale.value) + Fraction(scale.shift),
            lower=_scaled(requirement.lower, scale.limit),
            upper=_scaled(requirement.upper, scale.limit),
            standard=Fraction(width) / 2,
        )

    def explanation(self) -> dict[str, object]:
        """Return code, sentences, probability and trace as plain data."""
        requirement = self.requirement
        provenance = requirement.provenance
        rule = requirement.decision_rule or self.context.decision_rule
        return {
            "code": self.outcome.code,
            "sentence": parameter_sentence(self.outcome, requirement, self.result),
            "decision_rule": rule.value if rule else None,
            "conformance_probability": self.conformance_probability(),
            "standard": requirement.standard or None,
            "clause": requirement.clause or None,
            "source": provenance.source if provenance else None,
            "confidence": provenance.confidence.value if provenance else None,
            "trace": [step.to_json() for step in self.trace().steps],
        }


@dataclass(frozen=True, slots=True)
class CertificateStatement:
    """The answer for a whole certificate.

    Attributes:
        total: satisfied, not_satisfied or not_assessable.
        parameters: One statement per requirement that applies, in the order of the requirements.
        problems: Stable codes of what kept the whole from being assessed, e.g. "out_of_scope".
    """

    total: Total
    parameters: tuple[ParameterStatement, ...]
    problems: tuple[str, ...] = ()

    def outcomes(self) -> dict[str, str]:
        """Return the outcome of each parameter, the worst where one has several requirements."""
        found: dict[str, Outcome] = {}
        for statement in self.parameters:
            code = statement.requirement.parameter
            found[code] = worse(found.get(code, Outcome.PASS), statement.outcome)
        return {code: outcome.value for code, outcome in found.items()}

    def weakest_confidence(self) -> str | None:
        """Return the least certain source among the limits that count, None without sources."""
        stated = {
            statement.requirement.provenance.confidence
            for statement in self.parameters
            if statement.requirement.mandatory and statement.requirement.provenance is not None
        }
        return next((level.value for level in reversed(Confidence) if level in stated), None)

    def explanation(self) -> dict[str, object]:
        """Return the total and every parameter as plain data."""
        mandatory = [s for s in self.parameters if s.requirement.mandatory]
        return {
            "code": self.total.value,
            "sentence": total_sentence(self.total, len(mandatory), self.problems),
            "problems": list(self.problems),
            "weakest_confidence": self.weakest_confidence(),
            "outcomes": self.outcomes(),
            "parameters": [
                {
                    "parameter": statement.requirement.parameter,
                    "names": dict(statement.requirement.names),
                    "outcome": statement.outcome.value,
                    "mandatory": statement.requirement.mandatory,
                    **statement.explanation(),
                }
                for statement in self.parameters
            ],
        }


def assess_parameter(
    result: TestResult | None, requirement: Requirement, context: Context
) -> ParameterStatement:
    """Hold one result against one requirement.

    Args:
        result: The result, None when the certificate has none for the parameter.
        requirement: What is demanded.
        context: What was known or agreed besides.
    """
    return ParameterStatement(requirement, result, context, decide(result, requirement, context))


def assess_certificate(
    results: Mapping[str, Sequence[TestResult]],
    requirements: Iterable[Requirement],
    context: Context,
    *,
    problems: tuple[str, ...] = (),
) -> CertificateStatement:
    """Hold all results of a certificate against the requirements that apply to the product.

    Args:
        results: Results by parameter code; see `by_parameter`.
        requirements: The requirements in scope, already selected for product, country and date.
        context: What was known or agreed besides.
        problems: Codes of what already keeps the whole from being assessed.

    Returns:
        satisfied only if there is a mandatory requirement, every mandatory one passes and nothing
        stands in the way; not_satisfied if one fails; else not_assessable. A requirement that is
        not mandatory is shown when there is a result for it and never counts.
    """
    statements = []
    failed = open_questions = False
    counted = 0
    for requirement in requirements:
        found = results.get(requirement.parameter, ())
        if not requirement.mandatory and not found:
            continue
        statement = _assess_best(found, requirement, context)
        statements.append(statement)
        if requirement.mandatory:
            counted += 1
            failed = failed or statement.outcome is Outcome.FAIL
            open_questions = open_questions or statement.outcome is not Outcome.PASS
    if counted == 0 and not problems:
        problems = ("no_requirements",)
    if failed and not problems:
        total = Total.NOT_SATISFIED
    elif open_questions or problems:
        total = Total.NOT_ASSESSABLE
    else:
        total = Total.SATISFIED
    return CertificateStatement(total, tuple(statements), problems)


def by_parameter(results: Iterable[TestResult]) -> dict[str, list[TestResult]]:
    """Group results by parameter code."""
    grouped: dict[str, list[TestResult]] = {}
    for result in results:
        grouped.setdefault(result.parameter, []).append(result)
    return grouped


def worse(first: Outcome, second: Outcome) -> Outcome:
    """Return the outcome that decides between two requirements for one parameter."""
    order = (Outcome.FAIL, *(o for o in (first, second) if not o.assessed), Outcome.INCONCLUSIVE)
    return next((outcome for outcome in order if outcome in {first, second}), Outcome.PASS)


def _assess_best(
    found: Sequence[TestResult], requirement: Requirement, context: Context
) -> ParameterStatement:
    """Assess every result for a parameter and return the statement that decides.

    Results by a method or on a basis that cannot be assessed give way to one that can be; among
    those the worst counts.
    """
    if len(found) <= 1:
        return assess_parameter(found[0] if found else None, requirement, context)
    statements = [assess_parameter(result, requirement, context) for result in found]
    for wanted in _WORST_FIRST:
        for statement in statements:
            if statement.outcome is wanted:
                return statement
    return statements[0]


def _scaled(limit: Decimal | None, factor: Decimal) -> Fraction | None:
    """Return a limit on the scale of the value."""
    return None if limit is None else Fraction(limit) * Fraction(factor)
