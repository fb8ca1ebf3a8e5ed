"""Builders of results and requirements: a test names only what it is about."""

from __future__ import annotations

from typing import Any

from standards_catalog.conformity import CaseEvaluator, Context, TestResult
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.conformity.reading import read_context, read_requirement, read_result
from standards_catalog.requirements import Requirement
from standards_catalog.units import builtin_units

RESULT: dict[str, Any] = {
    "type": "quantity",
    "value": "0.03",
    "unit": "mg/kg",
    "U": None,
    "method": None,
    "basis": None,
}
REQUIREMENT: dict[str, Any] = {
    "operator": "<=",
    "limit": "0.05",
    "unit": "mg/kg",
    "decision_rule": "simple_acceptance",
    "accepted_methods": None,
    "basis": None,
}


def outcome_of(
    result: dict[str, Any] | None = None,
    requirement: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    *,
    methods: MethodMatcher | None = None,
    **case: Any,
) -> str:
    """Return the outcome of a case that passes but for the changes given."""
    answer = CaseEvaluator(methods).evaluate(
        {
            "id": "case",
            "kind": "parameter",
            "result": RESULT | (result or {}),
            "requirement": REQUIREMENT | (requirement or {}),
            "context": context or {},
            **case,
        }
    )
    outcome = answer["outcome"]
    if outcome == "error":
        return f"error:{answer['explanation'].get('path', answer['explanation']['code'])}"
    assert isinstance(outcome, str)
    return outcome


def result(**changes: Any) -> TestResult:
    """Return a result."""
    found = read_result(RESULT | changes, "result", builtin_units())
    assert found is not None
    return found


def requirement(**changes: Any) -> Requirement:
    """Return a requirement."""
    return read_requirement(REQUIREMENT | changes, "requirement", builtin_units())


def context(**fields: Any) -> Context:
    """Return a context."""
    return read_context(fields, "context", methods=MethodMatcher())
