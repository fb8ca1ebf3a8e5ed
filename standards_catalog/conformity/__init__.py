"""Does a result meet a requirement? Pure rules; every step can be read."""

from standards_catalog.conformity.cases import CaseEvaluator, RequirementSource, split_cases
from standards_catalog.conformity.inputs import (
    BasisConversion,
    Context,
    Product,
    ResultKind,
    TestResult,
)
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.conformity.outcomes import Outcome, Total
from standards_catalog.conformity.statement import (
    CertificateStatement,
    ParameterStatement,
    assess_certificate,
    assess_parameter,
    by_parameter,
)

__all__ = [
    "BasisConversion",
    "CaseEvaluator",
    "CertificateStatement",
    "Context",
    "MethodMatcher",
    "Outcome",
    "ParameterStatement",
    "Product",
    "RequirementSource",
    "ResultKind",
    "TestResult",
    "Total",
    "assess_certificate",
    "assess_parameter",
    "by_parameter",
    "split_cases",
]
