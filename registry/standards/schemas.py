"""Shapes of the answers about standards."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from registry.standards.domain import (
    MAX_PAGE_SIZE,
    PAGE_SIZE,
    Facets,
    Filters,
    Hit,
    Page,
    slug_of,
)
from registry.standards.evaluating import MAX_CASES, MAX_RESULTS
from registry.standards.service import StandardView
from standards_catalog.editions import Edition
from standards_catalog.releases import (
    edition_record,
    no_limit_record,
    relation_record,
    requirement_record,
)
from standards_catalog.search_terms import MAX_QUERY_CHARS

EVALUATION_SCHEMA: Final[dict[str, Any]] = {
    "description": (
        "One case, an array of cases, or a file of cases with its table of units, as for "
        f"`lancang conformity evaluate`; at most {MAX_CASES} cases and {MAX_RESULTS} results."
    ),
    "anyOf": [{"type": "object"}, {"type": "array", "maxItems": MAX_CASES}],
}


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchParams(BaseModel):
    """What a search asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    q: str = Field("", max_length=MAX_QUERY_CHARS, description="Start of a code, or words.")
    country: str = Field("", max_length=4, description="ISO 3166-1 alpha-2, INT, EU or EAEU.")
    status: str = Field("", max_length=32, description="What the publisher says: published …")
    kind: str = Field("", max_length=32, description="What it is about: test_method …")
    ics: str = Field("", max_length=12, description="Start of an ICS code: 91.100.")
    hs: str = Field("", max_length=20, description="Code or heading of the HS: 2523.29.")
    on: str = Field("", max_length=10, description="A day on which it may be in force.")
    cursor: str = Field("", max_length=400, description="`next` of the page before.")
    limit: int = Field(PAGE_SIZE, ge=1, le=MAX_PAGE_SIZE)
    facets: bool = Field(default=False, description="Count hits by country, status and kind.")

    def filters(self) -> Filters:
        """Return the filters.

        Raises:
            UnusableFilterError: A value has a form that nothing can have.
        """
        return Filters.parse(
            self.model_dump(include={"country", "status", "kind", "ics", "hs", "on"})
        )


class HitOut(Out):
    """One edition that a search found."""

    id: str = Field(description="Its code as it stands in addresses.")
    code: str
    titles: dict[str, str]
    country: str
    kind: str
    status: str
    published: str | None = Field(description="Known to the year, the month or the day.")
    effective: str | None
    withdrawn: str | None
    ics: list[str]
    hs_hint: list[str] = Field(description="Headings that a person chose; a hint, no decision.")
    source: str
    source_date: str
    confidence: str
    matched: str = Field(description='"code" or "words".')
    highlights: dict[str, list[tuple[int, int]]] = Field(
        description="Where code and titles show what was asked for: [start, end) of characters."
    )

    @classmethod
    def from_domain(cls, hit: Hit) -> HitOut:
        """Return the answer for a hit."""
        record = hit.record
        names = {"title_zh": "zh", "title_en": "en"}
        return cls(
            id=slug_of(hit.code),
            code=hit.code,
            titles={names[key]: record[key] for key in names if key in record},
            country=record["country"],
            kind=record["kind"],
            status=record["status"],
            published=record.get("published"),
            effective=record.get("effective"),
            withdrawn=record.get("withdrawn"),
            ics=_listed(record.get("ics")),
            hs_hint=_listed(record.get("hs_hint")),
            source=record["source"],
            source_date=record["source_date"],
            confidence=record["confidence"],
            matched=hit.matched,
            highlights={names.get(key, key): list(spans) for key, spans in hit.spots.items()},
        )


class FacetsOut(Out):
    """How the first hits divide."""

    counts: dict[str, dict[str, int]]
    counted: int
    complete: bool = Field(description="Whether these are all hits.")


class PageOut(Out):
    """One page of hits, best first."""

    items: list[HitOut]
    next: str | None = Field(description="Cursor of the next page, null at the end.")
    complete: bool = Field(description="False where enough was looked at before the page was full.")
    facets: FacetsOut | None = None
    attributions: list[str] = Field(description="Words that must be shown with these data.")

    @classmethod
    def from_domain(cls, page: Page, facets: Facets | None) -> PageOut:
        """Return the answer for a page."""
        return cls(
            items=[HitOut.from_domain(hit) for hit in page.hits],
            next=page.next,
            complete=page.complete,
            facets=None
            if facets is None
            else FacetsOut(
                counts={name: dict(values) for name, values in facets.counts.items()},
                counted=facets.counted,
                complete=facets.complete,
            ),
            attributions=attributions([hit.record for hit in page.hits]),
        )


class EditionRefOut(Out):
    """One edition of the same standard."""

    id: str
    code: str
    status: str


class VersionOut(Out):
    """What was recorded about an edition, and when."""

    recorded_at: str
    superseded_at: str | None
    file: str


class StandardOut(Out):
    """A standard with everything that is known about it."""

    id: str
    record: dict[str, str] = Field(description="The edition, with source, date and confidence.")
    editions: list[EditionRefOut]
    relations: list[dict[str, Any]]
    no_limits: list[dict[str, Any]]
    requirements: int = Field(description="How many requirements are recorded.")
    versions: list[VersionOut]
    attributions: list[str]

    @classmethod
    def from_domain(cls, view: StandardView) -> StandardOut:
        """Return the answer for a standard."""
        record = edition_record(view.edition)
        return cls(
            id=slug_of(view.edition.code),
            record=record,
            editions=[_reference(edition) for edition in view.editions],
            relations=[relation_record(relation) for relation in view.relations],
            no_limits=[no_limit_record(row) for row in view.no_limits],
            requirements=len(view.requirements),
            versions=[
                VersionOut(
                    recorded_at=recorded.isoformat().replace("+00:00", "Z"),
                    superseded_at=ended.isoformat().replace("+00:00", "Z") if ended else None,
                    file=file,
                )
                for recorded, ended, file in view.versions
            ],
            attributions=attributions([record]),
        )


class RequirementsOut(Out):
    """The requirements of a standard, each with source, date and confidence."""

    id: str
    code: str
    items: list[dict[str, Any]]

    @classmethod
    def from_domain(cls, view: StandardView) -> RequirementsOut:
        """Return the answer for the requirements of a standard."""
        return cls(
            id=slug_of(view.edition.code),
            code=view.edition.code,
            items=[requirement_record(row) for row in view.requirements],
        )


def attributions(records: list[Any]) -> list[str]:
    """Return the words that licensed rows ask to be shown with them."""
    return sorted({r["note"] for r in records if r.get("licence") and r.get("note")})


def _reference(edition: Edition) -> EditionRefOut:
    return EditionRefOut(id=slug_of(edition.code), code=edition.code, status=edition.status.value)


def _listed(cell: str | None) -> list[str]:
    return [entry for entry in (cell or "").split(";") if entry]
