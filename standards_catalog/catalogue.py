"""The catalogue: editions, relations and requirements that fit together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from standards_catalog.conformity.applicability import ScopeMatch, match_scope
from standards_catalog.conformity.inputs import Context
from standards_catalog.conformity.methods import MethodMatcher
from standards_catalog.editions import Edition, Standing
from standards_catalog.errors import CatalogueDataError, UnknownStandardError
from standards_catalog.identifiers import (
    NearMatches,
    StandardId,
    parse_identifier,
    same_standard,
    sort_key,
)
from standards_catalog.provenance import PartialDate, Provenance
from standards_catalog.relations import Relation, RelationType
from standards_catalog.requirements import Requirement


@dataclass(frozen=True, slots=True)
class NoLimit:
    """The recorded fact that a standard sets no limit for a parameter in a matrix."""

    standard: str
    parameter: str
    matrix: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a code means on a day.

    Attributes:
        edition: The edition, None where no edition of an undated code can be told.
        standing: What it is worth on that day; None if no day was given.
        problems: Stable codes of what keeps it from being relied upon.
    """

    edition: Edition | None
    standing: Standing | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParameterNames:
    """A parameter in words.

    Attributes:
        code: Its code in requirements and certificates.
        names: Names as (language tag, text).
        cas: CAS registry number of the substance, "" if it is none.
    """

    code: str
    names: tuple[tuple[str, str], ...]
    cas: str = ""


@dataclass(frozen=True)
class Catalogue:
    """A consistent set of editions, relations and requirements.

    Attributes:
        editions: Editions by canonical code.
        relations: All relations.
        requirements: All requirements.
        no_limits: Recorded absences of a limit.
        parameters: Parameters by code.
    """

    editions: Mapping[str, Edition]
    relations: tuple[Relation, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    no_limits: tuple[NoLimit, ...] = ()
    parameters: Mapping[str, ParameterNames] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_standard: dict[StandardId, list[Edition]] = defaultdict(list)
        for edition in self.editions.values():
            by_standard[standard_key(edition.id)].append(edition)
        for members in by_standard.values():
            members.sort(key=lambda edition: sort_key(edition.id))
        successors: dict[str, list[Edition]] = defaultdict(list)
        for edition in self.editions.values():
            for old in edition.replaces:
                successors[old].append(edition)
            for new in edition.replaced_by:
                if new in self.editions:
                    successors[edition.code].append(self.editions[new])
        object.__setattr__(self, "_by_standard", dict(by_standard))
        object.__setattr__(self, "_successors", dict(successors))
        object.__setattr__(self, "_near", NearMatches(self.editions))
        object.__setattr__(self, "methods", MethodMatcher(self.identical_pairs()))

    # Derived indexes, set once in __post_init__.
    methods: MethodMatcher = field(init=False, repr=False, compare=False)
    _by_standard: Mapping[StandardId, list[Edition]] = field(init=False, repr=False, compare=False)
    _successors: Mapping[str, list[Edition]] = field(init=False, repr=False, compare=False)
    _near: NearMatches = field(init=False, repr=False, compare=False)

    def find(self, text: str) -> list[Edition]:
        """Return the edition that a code names, or every edition of an undated code.

        Raises:
            UnknownStandardError: There is none; carries near matches.
            UnrecognisedIdentifierError: The text is no code.
        """
        standard = parse_identifier(text)
        code = str(standard.undated()) if standard.year is None else str(_bare(standard))
        exact = self.editions.get(str(_bare(standard))) or self.editions.get(code)
        if exact is not None:
            return [exact]
        members = self._by_standard.get(standard_key(standard), [])
        if standard.year is None and members:
            return list(members)
        raise UnknownStandardError(text, near=self.near(text))

    def near(self, text: str, *, limit: int = 5) -> tuple[str, ...]:
        """Return known codes that look like a text, nearest first."""
        return self._near.find(text, limit=limit)

    def standing(self, edition: Edition, on: date) -> Standing:
        """Return what an edition is worth on a day, counting the editions that replace it."""
        return edition.standing(on, replaced=self._replaced(edition))

    def _replaced(self, edition: Edition) -> PartialDate | None:
        """Return the first day of the earliest edition that replaces another, if it is known."""
        starts = [
            start
            for successor in self._successors.get(edition.code, ())
            if (start := successor.effective or successor.published) is not None
        ]
        return min(starts, key=lambda start: start.first, default=None)

    def resolve(self, text: str, on: date | None) -> Resolution:
        """Return what a code means on a day, normally the day of the test, never today.

        Raises:
            UnknownStandardError: The catalogue does not hold it; carries near matches.
        """
        editions = self.find(text)
        if on is None:
            edition = editions[0] if len(editions) == 1 else None
            return Resolution(edition, None, ("test_date_missing",))
        standings = [(edition, self.standing(edition, on)) for edition in editions]
        usable = [(e, standing) for e, standing in standings if standing.usable]
        if len(usable) == 1:
            return Resolution(*usable[0])
        if len(usable) > 1:
            newest = max(usable, key=lambda pair: sort_key(pair[0].id))
            return Resolution(*newest)
        edition, standing = standings[-1]
        problem = (
            "edition_standing_unknown"
            if standing is Standing.UNKNOWN
            else (f"edition_{standing.value}")
        )
        return Resolution(edition, standing, (problem,))

    def relations_of(self, code: str) -> list[Relation]:
        """Return the relations that a standard is part of, by code or undated code."""
        standard = parse_identifier(code)
        return [
            relation
            for relation in self.relations
            if any(_means(end, standard) for end in (relation.source, relation.target))
        ]

    def identical_pairs(self) -> Iterable[tuple[StandardId, StandardId]]:
        """Yield pairs of editions that carry the same text: active IDT relations."""
        for relation in self.relations:
            if relation.type is RelationType.IDENTICAL and relation.status.value == "active":
                yield parse_identifier(relation.source), parse_identifier(relation.target)

    def requirements_of(
        self, standard: str, context: Context
    ) -> tuple[list[Requirement], tuple[str, ...]]:
        """Return the requirements of a standard for a product, and what stands in the way.

        Steps 1 and 2 of docs/conformity.md: the edition on the day of the test, then the scope.
        Limits that the standard takes from another one are included.

        Raises:
            UnknownStandardError: The catalogue does not hold the standard.
        """
        resolution = self.resolve(standard, context.test_date)
        problems = list(resolution.problems)
        if resolution.edition is None:
            return [], tuple(problems)
        code = resolution.edition.code
        sources = {code} | {
            found.code
            for relation in self.relations
            if relation.type is RelationType.LIMIT_SOURCE_FOR and relation.target == code
            for found in self.find(relation.source)
        }
        selected = []
        candidates = [row for row in self.requirements if row.standard in sources]
        for row in candidates:
            if context.test_date is not None and not row.in_force(context.test_date):
                continue
            match = match_scope(row.scope, context.product, context.country)
            if match is ScopeMatch.INSIDE:
                selected.append(row)
            elif match is not ScopeMatch.OUTSIDE and row.standard == code:
                problems.append(match.value)
        if not any(row.standard == code for row in selected) and not problems:
            problems.append("out_of_scope" if candidates else "no_requirements")
        return selected, tuple(dict.fromkeys(problems))

    def check(self) -> None:
        """Refuse a catalogue that does not fit together.

        Raises:
            CatalogueDataError: A row contradicts itself, a relation or requirement names a
                standard or parameter that is not there, or a limit has no unit or source.
        """
        for edition in self.editions.values():
            edition.check()
        for relation in self.relations:
            relation.check()
            for end in (relation.source, relation.target):
                self._must_exist(end, f"relation {relation.source} → {relation.target}")
        for row in self.requirements:
            self._check_requirement(row)
        for absence in self.no_limits:
            self._must_exist(absence.standard, f"no limit of {absence.parameter}")

    def _check_requirement(self, row: Requirement) -> None:
        """Check one requirement."""
        where = f"requirement {row.standard} {row.parameter}"
        self._must_exist(row.standard, where)
        if row.parameter not in self.parameters:
            raise CatalogueDataError(where, "parameter_unknown", row.parameter)
        if row.provenance is None or not row.provenance.source:
            raise CatalogueDataError(where, "limit_without_source", "names no source")
        if row.text is None and not hasattr(row.unit, "dimension"):
            raise CatalogueDataError(where, "limit_without_unit", f"unit {row.unit.symbol!r}")
        if row.valid_from and row.valid_until and row.valid_until <= row.valid_from:
            raise CatalogueDataError(where, "dates_contradict", "ends before it begins")

    def _must_exist(self, code: str, where: str) -> None:
        """Refuse a code that no edition has."""
        try:
            self.find(code)
        except UnknownStandardError as error:
            raise CatalogueDataError(where, "standard_unknown", str(error)) from error


def _bare(standard: StandardId) -> StandardId:
    """Return a code without the adoption and the clause that it mentions."""
    return StandardId(
        family=standard.family,
        series=standard.series,
        number=standard.number,
        part=standard.part,
        year=standard.year,
        suffix=standard.suffix,
        carries=standard.carries,
        all_parts=standard.all_parts,
    )


def standard_key(standard: StandardId) -> StandardId:
    """Return what all editions of one standard share."""
    return StandardId(
        family=standard.family,
        series=standard.series,
        number=standard.base_number,
        part=standard.part,
        carries=standard.carries,
    )


def _means(code: str, standard: StandardId) -> bool:
    """Tell whether a relation's end names a standard or an edition of it."""
    end = parse_identifier(code)
    return same_standard(end, standard) and (
        None in {end.year, standard.year} or end.year == standard.year
    )
