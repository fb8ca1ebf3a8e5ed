"""Cases as people send them: one result and one requirement, or a whole certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from standards_catalog.conformity.applicability import ScopeMatch, match_scope
from standards_catalog.conformity.fields import Data, items
from standards_catalog.conformity.inputs import Context, TestResult
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.conformity.reading import (
    read_context,
    read_requirement,
    read_result,
    read_unit_table,
)
from standards_catalog.conformity.statement import (
    CertificateStatement,
    ParameterStatement,
    assess_certificate,
    assess_parameter,
    by_parameter,
)
from standards_catalog.errors import CatalogueError, MalformedCaseError
from standards_catalog.requirements import Requirement
from standards_catalog.units import UnitTable, builtin_units

MAX_CASES: Final = 1_000_000
_LISTS: Final = ("parameter", "parameters", "certificate", "certificates", "cases")
_SHARED: Final = ("units",)


class CaseEvaluator:
    """Evaluates cases with one set of known identical methods and one catalogue.

    Attributes:
        methods: Which methods count as the same.
        catalogue: Where a certificate finds the requirements of a standard that it names by code;
            None if only requirements given in the case can be used.
    """

    def __init__(
        self, methods: MethodMatcher | None = None, catalogue: RequirementSource | None = None
    ) -> None:
        self.methods = methods or MethodMatcher()
        self.catalogue = catalogue
        self._tables: tuple[object, UnitTable] = (None, builtin_units())

    def evaluate(self, case: object) -> dict[str, Any]:
        """Evaluate one case.

        Returns:
            {"id", "outcome", "explanation"}; a case that cannot be read has the outcome "error"
            and an explanation with the stable code, the path and the reason.
        """
        identity = case.get("id") if isinstance(case, Mapping) else None
        try:
            statement = self.assess(case)
        except CatalogueError as error:
            explanation: dict[str, object] = {"code": error.code, "message": str(error)}
            if isinstance(error, MalformedCaseError):
                explanation["path"] = error.path
            return {"id": identity, "outcome": "error", "explanation": explanation}
        if isinstance(statement, ParameterStatement):
            outcome = statement.outcome.value
        else:
            outcome = statement.total.value
        return {"id": identity, "outcome": outcome, "explanation": statement.explanation()}

    def assess(self, case: object) -> ParameterStatement | CertificateStatement:
        """Read one case and return its statement.

        Raises:
            MalformedCaseError: The case breaks its format.
            CatalogueError: It names a standard that the catalogue does not hold.
        """
        if not isinstance(case, Mapping):
            raise MalformedCaseError("case", "not an object")
        units = self._units(case.get("units"))
        kind = case.get("kind") or ("parameter" if "requirement" in case else "certificate")
        if kind == "parameter":
            return self._parameter(case, units)
        if kind == "certificate":
            return self._certificate(case, units)
        raise MalformedCaseError("kind", f"neither parameter nor certificate: {kind!r}")

    def _units(self, table: object) -> UnitTable:
        """Return the table of a case; cases of one file share one object and are read once."""
        if table is None:
            return builtin_units()
        if self._tables[0] is not table:
            self._tables = (table, read_unit_table(table))
        return self._tables[1]

    def _parameter(self, case: Data, units: UnitTable) -> ParameterStatement:
        """Evaluate a case with one result and one requirement."""
        sample = case.get("result")
        return assess_parameter(
            read_result(sample, "result", units),
            read_requirement(case.get("requirement"), "requirement", units),
            read_context(case.get("context"), "context", methods=self.methods, sample=sample),
        )

    def _certificate(self, case: Data, units: UnitTable) -> CertificateStatement:
        """Evaluate a whole certificate."""
        context = self._context(case)
        results = case.get("results", case.get("certificate", case.get("result")))
        if isinstance(results, Mapping) and "results" in results:
            results = results["results"]
        pairs = next((case[n] for n in ("parameters", "items", "pairs") if n in case), None)
        if pairs is not None and not {"requirements", "requirement"} & set(case):
            found, requirements = _read_pairs(pairs, units)
        else:
            found = _read_results(results, units)
            requirements = None
        if requirements is not None:
            return _assess(found, requirements, context)
        stated = case.get("requirements", case.get("requirement"))
        standard = case.get("standard")
        if stated is None and isinstance(standard, Mapping):
            stated = standard.get("requirements")
        if stated is not None:
            return _assess(found, _read_requirements(stated, units), context)
        if not isinstance(standard, str):
            raise MalformedCaseError(
                "requirements", "neither requirements nor a standard are given"
            )
        if self.catalogue is None:
            raise MalformedCaseError("standard", "there is no catalogue to look it up in")
        selected, problems = self.catalogue.requirements_of(standard, context)
        return assess_certificate(by_parameter(found), selected, context, problems=problems)

    def _context(self, case: Data) -> Context:
        """Read the context; product, date and country may also stand beside it."""
        context = case.get("context")
        if context is not None and not isinstance(context, Mapping):
            raise MalformedCaseError("context", "not an object")
        merged = {
            name: case[name]
            for name in ("product", "test_date", "country", "moisture", "decision_rule")
            if case.get(name) is not None
        }
        return read_context({**merged, **(context or {})}, "context", methods=self.methods)


class RequirementSource(Protocol):
    """Port to a catalogue of requirements."""

    def requirements_of(
        self, standard: str, context: Context
    ) -> tuple[list[Requirement], tuple[str, ...]]:
        """Return the requirements of a standard for a product, and what stands in the way.

        Raises:
            UnknownStandardError: The catalogue does not hold the standard.
        """
        ...


def split_cases(document: object) -> Iterator[Any]:
    """Yield the cases of a document: one object, an array, or a file of cases with its units.

    Raises:
        MalformedCaseError: It is neither an object nor an array, or too long.
    """
    if isinstance(document, list):
        if len(document) > MAX_CASES:
            raise MalformedCaseError("cases", f"more than {MAX_CASES}")
        yield from document
        return
    if not isinstance(document, Mapping):
        raise MalformedCaseError("cases", "neither an object nor an array")
    lists = [name for name in _LISTS if isinstance(document.get(name), list)]
    if not lists or "kind" in document or "id" in document:
        yield document
        return
    shared = {name: document[name] for name in _SHARED if name in document}
    for name in lists:
        for case in document[name]:
            yield {**shared, **case} if isinstance(case, Mapping) else case


def _assess(
    results: list[TestResult], requirements: list[Requirement], context: Context
) -> CertificateStatement:
    """Hold results against requirements that the case itself states."""
    if context.test_date is not None:
        requirements = [row for row in requirements if row.in_force(context.test_date)]
    applying = []
    problems: list[str] = []
    for requirement in requirements:
        match = match_scope(requirement.scope, context.product, context.country)
        if match is ScopeMatch.INSIDE:
            applying.append(requirement)
        elif match is not ScopeMatch.OUTSIDE:
            problems.append(match.value)
    if not applying and not problems:
        problems.append(ScopeMatch.OUTSIDE.value if requirements else "no_requirements")
    return assess_certificate(
        by_parameter(results), applying, context, problems=tuple(dict.fromkeys(problems))
    )


def _read_results(data: object, units: UnitTable) -> list[TestResult]:
    """Read results given as a list, or as an object by parameter code."""
    if data is None:
        return []
    if isinstance(data, Mapping):
        rows = [(code, row) for code, row in data.items() if isinstance(row, Mapping | type(None))]
        found = [(code, read_result(row, f"results.{code}", units)) for code, row in rows]
        return [
            result if result.parameter else replace(result, parameter=code)
            for code, result in found
            if result is not None
        ]
    listed = [
        read_result(row, f"results[{number}]", units)
        for number, row in enumerate(items(data, "results"))
    ]
    return [result for result in listed if result is not None]


def _read_requirements(data: object, units: UnitTable) -> list[Requirement]:
    """Read requirements given as a list, or as an object by parameter code."""
    if isinstance(data, Mapping):
        return [
            read_requirement(row, f"requirements.{code}", units, parameter=code)
            for code, row in data.items()
        ]
    found = [
        read_requirement(row, f"requirements[{number}]", units)
        for number, row in enumerate(items(data, "requirements"))
    ]
    for number, requirement in enumerate(found):
        if not requirement.parameter:
            raise MalformedCaseError(f"requirements[{number}].parameter", "is missing")
    return found


def _read_pairs(data: object, units: UnitTable) -> tuple[list[TestResult], list[Requirement]]:
    """Read a list in which each entry has its own result and requirement."""
    results, requirements = [], []
    if isinstance(data, Mapping):
        data = [
            {"parameter": code, **row} if isinstance(row, Mapping) else row
            for code, row in data.items()
        ]
    for number, entry in enumerate(items(data, "parameters")):
        path = f"parameters[{number}]"
        if not isinstance(entry, Mapping):
            raise MalformedCaseError(path, "not an object")
        named = entry.get("parameter") or entry.get("code") or entry.get("id")
        code = named if isinstance(named, str) else f"{number + 1}"
        requirement = read_requirement(
            entry.get("requirement"), f"{path}.requirement", units, parameter=code
        )
        requirements.append(requirement)
        result = read_result(entry.get("result"), f"{path}.result", units)
        if result is not None:
            results.append(
                result if result.parameter else replace(result, parameter=requirement.parameter)
            )
    return results, requirements
