"""How two standards correspond, who says so, and what a test to one is worth for the other.

ISO/IEC Guide 21-1 grades the adoption of international standards. It covers neither national to
national adoption nor use in technical regulations, so such a relation has types of its own and
always records who declared it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from standards_catalog.errors import CatalogueDataError
from standards_catalog.identifiers import Degree
from standards_catalog.provenance import Provenance


class RelationType(StrEnum):
    """How `source` relates to `target`."""

    IDENTICAL = "identical"
    MODIFIED_ADOPTION = "modified_adoption"
    NOT_EQUIVALENT = "not_equivalent"
    ADOPTED_AS = "adopted_as"  # source was turned into the national standard target
    EQUIVALENT_BY_AGREEMENT = "equivalent_by_agreement"
    PARTIALLY_COVERS = "partially_covers"
    STRICTER_THAN = "stricter_than"
    SUPERSEDES = "supersedes"
    AMENDS = "amends"
    NORMATIVE_REF = "normative_ref"
    TEST_METHOD_FOR = "test_method_for"
    TRANSLATION_OF = "translation_of"
    LIMIT_SOURCE_FOR = "limit_source_for"


class RelationStatus(StrEnum):
    """Whether the relation is agreed. Only an active one has effect."""

    PROPOSED = "proposed"
    VERIFIED_BY_A = "verified_by_A"
    VERIFIED_BY_B = "verified_by_B"
    ACTIVE = "active"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


class StricterSide(StrEnum):
    """Which of the two standards demands more where they deviate."""

    SOURCE = "source"
    TARGET = "target"
    NEITHER = "neither"  # different, and neither includes the other


class Sufficiency(StrEnum):
    """Whether a test to the source is worth a test to the target, for one parameter."""

    SUFFICIENT = "sufficient"
    SOURCE_STRICTER = "source_stricter"
    DEVIATES = "deviates"
    NO_DEVIATION_LIST = "no_deviation_list"
    NOT_EQUIVALENT = "not_equivalent"
    NOT_ACTIVE = "not_active"
    NO_CLAIM = "no_claim"  # this type of relation says nothing about equivalence

    @property
    def suffices(self) -> bool:
        """Tell whether the relation by itself carries a result over."""
        return self in {Sufficiency.SUFFICIENT, Sufficiency.SOURCE_STRICTER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One technical deviation of the target from the source.

    Attributes:
        clause: Where.
        parameter: Code of the parameter concerned, "" if it concerns all of them.
        nature: What kind, e.g. "limit", "method", "scope".
        stricter_side: Which standard demands more.
        explanation: In words.
    """

    clause: str
    parameter: str
    nature: str
    stricter_side: StricterSide
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A directed relation between two standards, valid on `[valid_from, valid_until)`.

    Attributes:
        source: Code of the standard that was tested to, or that is adopted.
        target: Code of the standard that is to be satisfied, or that adopts.
        type: How they relate.
        degree: Degree of an adoption, None where no adoption is claimed or the degree is unknown.
        declared_by: Who declares it: the publisher of the target, a party, an arrangement.
        parameters: Parameters that the relation is limited to, all if empty.
        clauses: Clauses that it is limited to, all if empty.
        hs: Headings that it is limited to, all if empty.
        evidence: Address or digest of the document that shows it, "" if none.
        valid_from: First day, None if always.
        valid_until: First day on which it no longer holds, None while it does.
        status: Whether it is agreed.
        deviations: Technical deviations; empty means none recorded, not none existing.
        provenance: Where this row comes from.
    """

    source: str
    target: str
    type: RelationType
    declared_by: str
    provenance: Provenance
    degree: Degree | None = None
    parameters: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    hs: tuple[str, ...] = ()
    evidence: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    status: RelationStatus = RelationStatus.ACTIVE
    deviations: tuple[Deviation, ...] = ()

    def check(self) -> None:
        """Refuse what cannot be true.

        Raises:
            CatalogueDataError: Nobody declared it, its degree contradicts its type, or it ends
                before it begins.
        """
        where = f"{self.source} → {self.target}"
        if not self.declared_by:
            raise CatalogueDataError(where, "undeclared", "no one is named who declares it")
        expected = _DEGREE_OF.get(self.type)
        if expected is not None and self.degree not in {expected, None}:
            raise CatalogueDataError(where, "degree_contradicts_type", f"{self.degree}")
        if self.type is RelationType.IDENTICAL and self.deviations:
            raise CatalogueDataError(where, "identical_with_deviations", "IDT has none")
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise CatalogueDataError(where, "dates_contradict", "ends before it begins")
        if self.source == self.target:
            raise CatalogueDataError(where, "relates_to_itself", "source is the target")

    def active(self, on: date) -> bool:
        """Tell whether the relation has effect on a day."""
        return (
            self.status is RelationStatus.ACTIVE
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_until is None or on < self.valid_until)
        )

    def sufficiency(self, parameter: str, on: date) -> Sufficiency:
        """Tell whether a test to the source satisfies the target for a parameter.

        NEQ never does. MOD does only with a recorded list of deviations, and then for parameters
        that no deviation concerns or for which the source is the stricter one.
        """
        if not self.active(on) or (self.parameters and parameter not in self.parameters):
            return Sufficiency.NOT_ACTIVE
        degree = self.degree or _DEGREE_OF.get(self.type)
        if self.type is RelationType.EQUIVALENT_BY_AGREEMENT or degree is Degree.IDT:
            return self._after_deviations(parameter)
        if degree is Degree.MOD:
            if not self.deviations:
                return Sufficiency.NO_DEVIATION_LIST
            return self._after_deviations(parameter)
        if degree in {Degree.NEQ, Degree.EQV}:
            return Sufficiency.NOT_EQUIVALENT
        return Sufficiency.NO_CLAIM

    def _after_deviations(self, parameter: str) -> Sufficiency:
        """Judge the deviations that concern a parameter."""
        sides = {d.stricter_side for d in self.deviations if d.parameter in {"", parameter}}
        if not sides:
            return Sufficiency.SUFFICIENT
        only_source = sides == {StricterSide.SOURCE}
        return Sufficiency.SOURCE_STRICTER if only_source else Sufficiency.DEVIATES


_DEGREE_OF: Final = {
    RelationType.IDENTICAL: Degree.IDT,
    RelationType.MODIFIED_ADOPTION: Degree.MOD,
    RelationType.NOT_EQUIVALENT: Degree.NEQ,
}
