"""What a statement of conformity is made from, besides the requirements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.requirements import DecisionRule
from standards_catalog.units import Unit, UnknownUnit

_SEPARATORS: Final = re.compile(r"[\s_-]+")
_BASES: Final = {
    "fresh mass": "fresh",
    "fresh weight": "fresh",
    "fresh matter": "fresh",
    "wet": "fresh",
    "wet mass": "fresh",
    "wet weight": "fresh",
    "wet basis": "fresh",
    "鲜重": "fresh",
    "湿基": "fresh",
    "dry mass": "dry",
    "dry weight": "dry",
    "dry matter": "dry",
    "dry basis": "dry",
    "干重": "dry",
    "干基": "dry",
    "as received basis": "as received",
    "收到基": "as received",
}
DRY: Final = "dry"
MOIST: Final = frozenset({"fresh", "as received"})


class ResultKind(StrEnum):
    """What a laboratory reports for a parameter."""

    QUANTITY = "quantity"
    BELOW_LOQ = "below_loq"  # may be detected, is not quantified
    NOT_DETECTED = "not_detected"
    TEXT = "text"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One reported result.

    Attributes:
        parameter: Code of the parameter, "" where only one is asked about.
        kind: Whether it was quantified.
        value: The quantity, in `unit`.
        text: The wording of a result in words.
        unit: Unit of `value`, and of `loq`, `lod` and `uncertainty` unless they name another.
        loq: Limit of quantification.
        loq_unit: Unit of `loq` if it is another one.
        lod: Limit of detection.
        lod_unit: Unit of `lod` if it is another one.
        uncertainty: Expanded uncertainty U, never negative; None if none is stated.
        uncertainty_unit: Unit of `uncertainty` if it is another one.
        coverage_factor: The k of U.
        method: Code of the test method, None if it is not stated or withheld.
        basis: On which mass the result is stated, "" if it is not.
        conditions: Conditions of the test as (name, value).
    """

    __test__ = False  # the name is the business's; this is no test class

    parameter: str = ""
    kind: ResultKind
    unit: Unit | UnknownUnit
    value: Decimal | None = None
    text: str = ""
    loq: Decimal | None = None
    loq_unit: Unit | UnknownUnit | None = None
    lod: Decimal | None = None
    lod_unit: Unit | UnknownUnit | None = None
    uncertainty: Decimal | None = None
    uncertainty_unit: Unit | UnknownUnit | None = None
    coverage_factor: Decimal = Decimal(2)
    method: str | None = None
    basis: str = ""
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BasisConversion:
    """A stated factor from one basis to another."""

    source: str
    target: str
    factor: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What was tested, as far as requirements ask for it."""

    matrix: str = ""
    grade: str = ""
    hs: str = ""
    hs_edition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What was known or agreed beside the results.

    Attributes:
        test_date: When the test was carried out; rules and editions are those of that day.
        moisture: Mass fraction of water in the fresh or received sample, 0 ≤ m < 1.
        conversions: Stated factors between bases.
        decision_rule: The rule agreed with the customer, used where the requirement has none.
        product: What was tested.
        country: Where the goods are to be accepted, ISO 3166-1 alpha-2.
        methods: Which methods count as the same.
    """

    test_date: date | None = None
    moisture: Decimal | None = None
    conversions: tuple[BasisConversion, ...] = ()
    decision_rule: DecisionRule | None = None
    product: Product = field(default_factory=Product)
    country: str = ""
    methods: MethodMatcher = field(default_factory=MethodMatcher)


def plain_basis(text: str) -> str:
    """Return the name of a basis in one spelling: "Dry_mass" gives "dry"."""
    plain = _SEPARATORS.sub(" ", text.strip().casefold())
    return _BASES.get(plain, plain)


def plain_words(text: str) -> str:
    """Return words for comparison: "28 d" and "28d" are the same, "P·O" and "P.O" too."""
    return _SEPARATORS.sub("", text.casefold()).replace("·", ".")
