"""Editions of standards and what they are worth on a given day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

from standards_catalog.errors import CatalogueDataError
from standards_catalog.identifiers import StandardId
from standards_catalog.provenance import PartialDate, Provenance

_ICS: Final = re.compile(r"\d{2}(\.\d{3}(\.\d{2})?)?")
_CCS: Final = re.compile(r"[A-Z]\d{2}")
_HS: Final = re.compile(r"\d{2,13}(-\d{2,13})?")


class Kind(StrEnum):
    """What a standard is about."""

    PRODUCT = "product"
    TEST_METHOD = "test_method"
    SAMPLING = "sampling"
    LIMIT = "limit"
    MANAGEMENT = "management"
    TERMINOLOGY = "terminology"
    REGULATION = "regulation"
    GUIDANCE = "guidance"
    STANDARD = "standard"  # of no recorded kind


class Status(StrEnum):
    """What its publisher says of an edition."""

    DRAFT = "draft"
    PUBLISHED = "published"
    UNDER_REVIEW = "under_review"
    TO_BE_REVISED = "to_be_revised"
    CONFIRMED = "confirmed"
    WITHDRAWAL_PROPOSED = "withdrawal_proposed"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    PARTIALLY_SUPERSEDED = "partially_superseded"

    @property
    def ended(self) -> bool:
        """Tell whether the edition no longer stands."""
        return self in {Status.WITHDRAWN, Status.SUPERSEDED}


class Standing(StrEnum):
    """What an edition is worth on a day."""

    NOT_YET_PUBLISHED = "not_yet_published"
    NOT_YET_IN_FORCE = "not_yet_in_force"
    IN_FORCE = "in_force"
    IN_TRANSITION = "in_transition"  # replaced, but still accepted until a stated day
    ENDED = "ended"
    UNKNOWN = "unknown"  # the dates that we have do not tell

    @property
    def usable(self) -> bool:
        """Tell whether a test on that day may rely on the edition."""
        return self in {Standing.IN_FORCE, Standing.IN_TRANSITION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One edition of one standard, in force on `[effective, withdrawn)`.

    Attributes:
        id: Its code; dated unless the publisher numbers without a year.
        publisher: Who publishes it.
        country: ISO 3166-1 alpha-2, or INT, EU, EAEU.
        kind: What it is about.
        mandatory: Whether law makes it binding in its country; None if not recorded.
        titles: Titles as (language tag, text).
        status: What the publisher says.
        stage: ISO stage code, e.g. "90.93", "" elsewhere.
        published: Day of publication, as far as known.
        effective: First day on which it applies, as far as known.
        withdrawn: First day on which it no longer stands, as far as known.
        transition_end: First day on which it is no longer accepted after its replacement.
        ics: Codes of the International Classification for Standards.
        ccs: Codes of the Chinese classification.
        hs_hint: Headings of the Harmonized System that a person chose; a hint, never a decision.
        languages: Languages in which it exists.
        replaces: Codes of the editions that it replaces.
        replaced_by: Codes of the editions that replace it.
        amendments: Codes of its amendments.
        legal_base: What makes it binding.
        provenance: Where this row comes from.
    """

    id: StandardId
    publisher: str
    country: str
    kind: Kind
    status: Status
    provenance: Provenance
    titles: tuple[tuple[str, str], ...] = ()
    mandatory: bool | None = None
    stage: str = ""
    published: PartialDate | None = None
    effective: PartialDate | None = None
    withdrawn: PartialDate | None = None
    transition_end: PartialDate | None = None
    ics: tuple[str, ...] = ()
    ccs: tuple[str, ...] = ()
    hs_hint: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    amendments: tuple[str, ...] = ()
    legal_base: str = ""

    @property
    def code(self) -> str:
        """The canonical code."""
        return str(self.id)

    @property
    def title(self) -> str:
        """The English title, else the first one, else ""."""
        titles = dict(self.titles)
        return titles.get("en") or next(iter(titles.values()), "")

    def check(self) -> None:
        """Refuse what cannot be true.

        Raises:
            CatalogueDataError: Dates contradict each other or a classification code is malformed.
        """
        dates = [
            (name, value)
            for name, value in (
                ("published", self.published),
                ("effective", self.effective),
                ("withdrawn", self.withdrawn),
                ("transition_end", self.transition_end),
            )
            if value is not None
        ]
        for (before, earlier), (after, later) in pairwise(dates):
            if later.last < earlier.first:
                raise CatalogueDataError(
                    self.code, "dates_contradict", f"{after} {later} is before {before} {earlier}"
                )
        for name, pattern, codes in (
            ("ics", _ICS, self.ics),
            ("ccs", _CCS, self.ccs),
            ("hs_hint", _HS, self.hs_hint),
        ):
            for code in codes:
                if not pattern.fullmatch(code):
                    raise CatalogueDataError(self.code, f"{name}_malformed", code)
        if self.code in {*self.replaces, *self.replaced_by}:
            raise CatalogueDataError(self.code, "replaces_itself", "names itself")

    def standing(  # noqa: PLR0911  (one return per period)
        self, on: date, *, replaced: PartialDate | None = None
    ) -> Standing:
        """Return what the edition is worth on a day.

        A date known to the year or month decides only outside that year or month; inside it the
        answer is UNKNOWN, never a guess.

        Args:
            on: The day, normally the day of the test.
            replaced: First day of the edition that replaces it, if the catalogue knows one; used
                where no withdrawal is recorded.
        """
        if self.status is Status.DRAFT:
            return Standing.NOT_YET_PUBLISHED
        start_first, start_last = self._start()
        if start_first is None or start_last is None:
            return Standing.UNKNOWN
        if on < start_first:
            published = self.published is not None and self.published.last <= on
            return Standing.NOT_YET_IN_FORCE if published else Standing.NOT_YET_PUBLISHED
        if on < start_last:
            return Standing.UNKNOWN
        end = self.withdrawn or replaced
        if end is None:
            return Standing.UNKNOWN if self.status.ended else Standing.IN_FORCE
        if on < end.first:
            return Standing.IN_FORCE
        if on < end.last:
            return Standing.UNKNOWN
        if self.transition_end is not None and on < self.transition_end.first:
            return Standing.IN_TRANSITION
        return Standing.ENDED

    def _start(self) -> tuple[date | None, date | None]:
        """Return the earliest and the latest day on which the edition can have begun to apply.

        Where only the year in the code is known, it began in that year or the next: national
        standards are given up to a year between publication and entry into force.
        """
        start = self.effective or self.published
        if start is not None:
            return start.first, start.last
        if self.id.year is None:
            return None, None
        return date(self.id.year, 1, 1), date(self.id.year + 1, 12, 31)
