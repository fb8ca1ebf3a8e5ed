"""Statements of conformity from the facts in the database, and bounded reading of what is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.orm import Session

from registry.kit.database import Database
from registry.standards import repository
from registry.standards.errors import EvaluationRequestError
from registry.standards.service import near_codes
from standards_catalog.catalogue import Catalogue, NoLimit, standard_key
from standards_catalog.conformity import CaseEvaluator, split_cases
from standards_catalog.conformity.inputs import Context
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueError, UnknownStandardError
from standards_catalog.identifiers import parse_identifier
from standards_catalog.loading import seed_catalogue
from standards_catalog.record_reading import read_record
from standards_catalog.relations import Relation
from standards_catalog.requirements import Requirement

MAX_CASES: Final = 200
MAX_RESULTS: Final = 2_000  # of all cases together
_MAX_NUMBER_CHARS: Final = 60
_RESULT_LISTS: Final = ("results", "parameters", "items", "pairs", "requirements")


@dataclass(frozen=True, slots=True)
class StoredRequirements:
    """Requirements as the database states them; implements `RequirementSource`."""

    known: Catalogue
    database: Database

    def requirements_of(
        self, standard: str, context: Context
    ) -> tuple[list[Requirement], tuple[str, ...]]:
        """Return the requirements of a standard for a product, and what stands in the way.

        A standard whose requirements nobody has recorded is known all the same.

        Raises:
            UnknownStandardError: The catalogue does not hold the standard; carries near matches.
        """
        try:
            return self.known.requirements_of(standard, context)
        except UnknownStandardError as error:
            with self.database.read() as session:
                code = parse_identifier(standard)
                if repository.editions_of(session, [str(standard_key(code))]):
                    return [], ("no_requirements",)
                near = near_codes(session, standard)
            raise UnknownStandardError(standard, near=near or error.near) from error


class Evaluations:
    """Evaluates cases with the facts of the database, which are read again after an import."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._kept: tuple[str | None, CaseEvaluator] | None = None

    def evaluator(self) -> CaseEvaluator:
        """Return an evaluator for the catalogue as it stands now."""
        with self._database.read() as session:
            newest = repository.last_import(session)
            kept = self._kept
            if kept is not None and kept[0] == newest:
                return kept[1]
            known = load_facts(session)
        made = CaseEvaluator(known.methods, StoredRequirements(known, self._database))
        with self._lock:
            self._kept = (newest, made)
        return made

    def answers(self, body: bytes) -> list[dict[str, Any]]:
        """Return one answer per case of a request.

        Raises:
            EvaluationRequestError: The body is no strict JSON, or asks for too much at once.
        """
        cases = read_cases(body)
        evaluator = self.evaluator()
        return [evaluator.evaluate(case) for case in cases]


def load_facts(session: Session) -> Catalogue:
    """Return the facts that stand, with the editions of every standard that they name."""
    facts = [read_record(line) for _, line in repository.fact_lines(session)]
    named = repository.named_standards(session)
    standards = sorted({str(standard_key(parse_identifier(code))) for code in named})
    editions = [read_record(row.content) for row in repository.editions_of(session, standards)]
    names = seed_catalogue().parameters
    return Catalogue(
        editions={each.code: each for each in editions if isinstance(each, Edition)},
        relations=tuple(fact for fact in facts if isinstance(fact, Relation)),
        requirements=tuple(
            replace(fact, names=names[fact.parameter].names) if fact.parameter in names else fact
            for fact in facts
            if isinstance(fact, Requirement)
        ),
        no_limits=tuple(fact for fact in facts if isinstance(fact, NoLimit)),
        parameters=names,
    )


def read_cases(body: bytes) -> list[Any]:
    """Return the cases of a request: one object, an array, or a file of cases with its units.

    Raises:
        EvaluationRequestError: The body is no strict JSON, or holds too many cases or results.
    """
    try:
        cases = list(split_cases(read_strict_json(body)))
    except CatalogueError as error:
        raise EvaluationRequestError(str(error)) from error
    results = sum(_results_in(case) for case in cases)
    if not cases or len(cases) > MAX_CASES or results > MAX_RESULTS:
        raise EvaluationRequestError(
            f"{len(cases)} cases with {results} results; 1 to {MAX_CASES} cases with at most "
            f"{MAX_RESULTS} results are answered at once"
        )
    return cases


def read_strict_json(body: bytes) -> object:
    """Return a JSON document, its numbers as exact decimals.

    Raises:
        EvaluationRequestError: It is no UTF-8, no JSON, has a key twice or an endless number.
    """
    try:
        document: object = json.loads(
            body.decode("utf-8-sig"),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise EvaluationRequestError(f"not a JSON document: {error}") from error
    return document


def _results_in(case: object) -> int:
    """Return how many results and requirements a case holds."""
    if not isinstance(case, Mapping):
        return 1
    lists = [case.get(name) for name in _RESULT_LISTS]
    if isinstance(certificate := case.get("certificate"), Mapping):
        lists += [certificate.get(name) for name in _RESULT_LISTS]
    return max(1, sum(len(each) for each in lists if isinstance(each, list | Mapping)))


def _decimal(digits: str) -> Decimal:
    _refuse_long(digits)
    return Decimal(digits)


def _integer(digits: str) -> int:
    _refuse_long(digits)
    return int(digits)


def _refuse_long(digits: str) -> None:
    if len(digits) > _MAX_NUMBER_CHARS:
        raise ValueError("a number is too long")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return found
