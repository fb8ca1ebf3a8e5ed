"""Where a fact comes from and how far it can be trusted; dates that are known in part."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

_PARTIAL: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class Confidence(StrEnum):
    """How far a fact can be trusted. A placeholder is no fact: it marks a gap."""

    HIGH = "high"
    MEDIUM_HIGH = "medium-high"
    MEDIUM = "medium"
    LOW_MEDIUM = "low-medium"
    LOW = "low"
    PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a row comes from.

    Attributes:
        source: A page, file, document or person, in words that let someone else look it up.
        source_date: When it was read there.
        confidence: How far it can be trusted.
        licence: Terms under which the source gives it, "" where facts need none.
        note: What else a reader must know.
    """

    source: str
    source_date: date
    confidence: Confidence
    licence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date known to the year, the month or the day."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read "2023", "2023-11" or "2023-11-27".

        Raises:
            ValueError: The text has another form or names no day of the calendar.
        """
        match = _PARTIAL.fullmatch(text)
        if match is None:
            raise ValueError(f"not a date: {text!r}")
        year, month, day = (int(group) if group else None for group in match.groups())
        assert year is not None  # noqa: S101  (the first group always matches)
        found = cls(year, month, day)
        date(year, month or 1, day or 1)
        return found

    @property
    def first(self) -> date:
        """The earliest day that it can mean."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last(self) -> date:
        """The latest day that it can mean."""
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def __str__(self) -> str:
        text = f"{self.year:04d}"
        if self.month:
            text += f"-{self.month:02d}"
        return f"{text}-{self.day:02d}" if self.day else text
