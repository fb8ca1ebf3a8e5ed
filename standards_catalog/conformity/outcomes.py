"""The closed vocabulary of answers."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Answer for one parameter. The part after the colon is a stable code."""

    PASS = "pass"  # noqa: S105  (a word, no secret)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    PARAMETER_MISSING = "not_assessable:parameter_missing"
    LIMIT_UNKNOWN = "not_assessable:limit_unknown"
    METHOD_NOT_ACCEPTED = "not_assessable:method_not_accepted"
    BASIS_MISMATCH = "not_assessable:basis_mismatch"
    UNIT_DIMENSION = "not_assessable:unit_dimension"
    UNIT_UNKNOWN = "not_assessable:unit_unknown"
    RESULT_NOT_COMPARABLE = "not_assessable:result_not_comparable"
    LOD_ABOVE_REQUIRED = "not_assessable:lod_above_required"
    LOD_MISSING = "not_assessable:lod_missing"
    LOQ_ABOVE_LIMIT = "not_assessable:loq_above_limit"
    LOQ_MISSING = "not_assessable:loq_missing"
    DECISION_RULE_MISSING = "not_assessable:decision_rule_missing"
    UNCERTAINTY_MISSING = "not_assessable:uncertainty_missing"
    NOT_IN_FORCE = "not_assessable:not_in_force"

    @property
    def code(self) -> str:
        """The stable code: "pass", "fail", "inconclusive" or why it is not assessable."""
        return self.value.rpartition(":")[2]

    @property
    def assessed(self) -> bool:
        """Tell whether the result could be held against the limit."""
        return self in _ASSESSED


_ASSESSED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE})


class Total(StrEnum):
    """Answer for a whole certificate."""

    SATISFIED = "satisfied"
    NOT_SATISFIED = "not_satisfied"
    NOT_ASSESSABLE = "not_assessable"
