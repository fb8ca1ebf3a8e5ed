"""What a standard demands of one parameter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from standards_catalog.provenance import Confidence, Provenance
from standards_catalog.units import Unit, UnknownUnit

_PLACEHOLDER: Final = Confidence.PLACEHOLDER


class Operator(StrEnum):
    """How a result relates to its limit."""

    AT_MOST = "<="
    AT_LEAST = ">="
    EQUAL = "="
    RANGE = "range"
    NOT_DETECTED = "not_detected"


class DecisionRule(StrEnum):
    """How uncertainty is taken into account (ISO/IEC 17025 7.8.6, ILAC-G8:09/2019)."""

    SIMPLE_ACCEPTANCE = "simple_acceptance"
    GUARD_BAND_BINARY = "guard_band_binary"
    GUARD_BAND_NONBINARY = "guard_band_nonbinary"

    @property
    def needs_uncertainty(self) -> bool:
        """Tell whether the rule cannot be applied without a stated uncertainty."""
        return self is not DecisionRule.SIMPLE_ACCEPTANCE


@dataclass(frozen=True, slots=True)
class Rounding:
    """Rounding of the result before it is compared (GB/T 8170, rounded-value comparison).

    Attributes:
        interval: Rounding interval in the unit of the limit, e.g. 0.1; None means the last digit
            of the limit as written, which is what GB/T 8170 prescribes by default.
    """

    interval: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """To which goods a requirement applies. An empty field sets no bound.

    Attributes:
        matrix: What is tested, e.g. "cement".
        grade: Grade or class of the product, e.g. "P.O 42.5".
        hs: HS codes or headings, digits only; a product is inside when its code begins with one.
        hs_edition: Edition of the Harmonized System of these codes, e.g. "HS 2022".
        countries: Countries in which the requirement applies, ISO 3166-1 alpha-2.
    """

    matrix: str = ""
    grade: str = ""
    hs: tuple[str, ...] = ()
    hs_edition: str = ""
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a standard demands of one parameter, in force on `[valid_from, valid_until)`.

    Attributes:
        parameter: Code of the parameter; a strength at another age is another parameter.
        operator: How the result relates to the limit.
        lower: Lower limit in `unit`; None where there is none.
        upper: Upper limit in `unit`; for NOT_DETECTED the required limit of detection.
        text: Expected wording of a result in words; None for a numeric requirement.
        unit: Unit of the limits.
        decision_rule: The rule that the standard or regulation prescribes; None leaves it to
            agreement.
        rounding: How to round before comparing, None to compare the unrounded value.
        basis: On which mass the limit is stated, e.g. "fresh"; "" sets no bound.
        conditions: Conditions of the test that must be the same, as (name, value).
        accepted_methods: Codes of methods; None accepts any. An undated code accepts every edition.
        mandatory: Whether the standard demands it of every product in scope.
        scope: To which goods it applies.
        valid_from: First day on which it applies, None if it always did.
        valid_until: First day on which it no longer applies, None while it stands.
        names: Names of the parameter as (language tag, text).
        standard: Code of the standard that sets it, "" outside a catalogue.
        clause: Where in the standard.
        provenance: Where this row comes from; None outside a catalogue.
    """

    parameter: str
    operator: Operator
    unit: Unit | UnknownUnit
    lower: Decimal | None = None
    upper: Decimal | None = None
    text: str | None = None
    decision_rule: DecisionRule | None = None
    rounding: Rounding | None = None
    basis: str = ""
    conditions: tuple[tuple[str, str], ...] = ()
    accepted_methods: tuple[str, ...] | None = None
    mandatory: bool = True
    scope: Scope = field(default_factory=Scope)
    valid_from: date | None = None
    valid_until: date | None = None
    names: tuple[tuple[str, str], ...] = ()
    standard: str = ""
    clause: str = ""
    provenance: Provenance | None = None

    @property
    def placeholder(self) -> bool:
        """Tell whether the limit itself is not known yet; such a row never satisfies anything."""
        return (self.lower is None and self.upper is None and self.text is None) or (
            self.provenance is not None and self.provenance.confidence is _PLACEHOLDER
        )

    def in_force(self, on: date) -> bool:
        """Tell whether the requirement applies on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_until is None or on < self.valid_until
        )
