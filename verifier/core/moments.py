"""Dates and times as documents state them (docs/evidence-format.md, "Conventions")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from verifier.core.errors import MalformedEvidenceError
from verifier.core.shapes import Problem, Shape
from verifier.core.strict_json import JsonObject

DATE_PATTERN: Final = r"\d{4}-\d{2}-\d{2}"
TIME_PATTERN: Final = DATE_PATTERN + r"T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})"

_DATE: Final = re.compile(DATE_PATTERN, re.ASCII)
_DATE_TIME: Final = re.compile(TIME_PATTERN, re.ASCII)
_LONGEST: Final = len("2026-02-11T18:05:00+08:00")
_DAY_SECONDS: Final = 24 * 3600
# A calendar date without a zone begins first at UTC+14 (Line Islands) and ends last at UTC-12.
_EASTERNMOST: Final = 14 * 3600
_WESTERNMOST: Final = 12 * 3600
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.replace(tzinfo=None)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()
_SECOND: Final = timedelta(seconds=1)
_FIRST_YEAR: Final = 1971  # keeps every derived second positive
_FIRST_SECOND: Final = 365 * _DAY_SECONDS
_LAST_YEAR: Final = 9998  # and every derived date writable
LAST_SECOND: Final = 253_370_764_799  # end of the year 9998
_WANTED: Final = "a date (2026-02-11) or a time with its offset (2026-02-11T18:05:00+08:00)"


class Moment(NamedTuple):
    """A stated moment: one second when a time was given, a span when only a date was.

    A date says nothing about its zone, so it may mean any second of that date anywhere on Earth.
    Whoever compares takes the end of the span that accuses nobody wrongly.

    Attributes:
        earliest: First second that can be meant, Unix time.
        latest: First second that cannot be meant any more for a date; `earliest` for a time.
    """

    earliest: int
    latest: int


def parse_moment(text: str, *, what: str) -> Moment:
    """Parse an RFC 3339 date, or a date and time with offset and whole seconds.

    Raises:
        MalformedEvidenceError: It is written otherwise, does not exist in the calendar or lies
            outside the years 1971 to 9998 (`date`).
    """
    # Nothing long is kept in memory for being wrong.
    found = _moment_of(text) if len(text) <= _LONGEST else f"must be {_WANTED}"
    if isinstance(found, str):
        raise MalformedEvidenceError(what, found, reason="date")
    return found


# The same few dates stand in many documents, and several times in each.
@lru_cache(maxsize=4096)
def _moment_of(text: str) -> Moment | str:
    """Return a moment, or why the text is none."""
    is_date = _DATE.fullmatch(text) is not None
    if not is_date and (not _DATE_TIME.fullmatch(text) or text.endswith("-00:00")):
        return f"must be {_WANTED}"
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        return "is no day of the calendar"
    if not _FIRST_YEAR <= stated.year <= _LAST_YEAR:
        return f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}"
    if not is_date:
        seconds = (stated - _EPOCH) // _SECOND
        return Moment(seconds, seconds)
    start = (stated.toordinal() - _EPOCH_ORDINAL) * _DAY_SECONDS
    return Moment(start - _EASTERNMOST, start + _DAY_SECONDS + _WESTERNMOST)


def format_utc(seconds: int) -> str:
    """Return Unix seconds as RFC 3339 in UTC, `2026-02-11T10:05:00Z`."""
    moment = _EPOCH_DAY + timedelta(seconds=seconds)
    return f"{moment.isoformat()}Z"


def parse_utc(text: str, *, what: str) -> int:
    """Return the Unix seconds of a time written exactly as `format_utc` does.

    Raises:
        MalformedEvidenceError: It is written otherwise (`date`).
    """
    if not text.endswith("Z"):
        message = "must be a time in UTC like 2026-02-11T10:05:00Z"
        raise MalformedEvidenceError(what, message, reason="date")
    return parse_moment(text, what=what).earliest


def is_utc(text: str, seconds: int) -> bool:
    """Tell whether `parse_utc` would return these seconds for `text`; never raises.

    False also for seconds of the year 1970, which `parse_utc` refuses.
    """
    return seconds >= _FIRST_SECOND and text == format_utc(seconds)


@dataclass(frozen=True, slots=True)
class MomentText(Shape):
    """A date, or a date and time with offset, as the document states it."""

    def accepts(self, value: object) -> bool:
        """See `Shape.accepts`."""
        if not isinstance(value, str):
            return False
        try:
            parse_moment(value, what="")
        except MalformedEvidenceError:
            return False
        return True

    def _problems(self, value: object, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(pointer=pointer, code="type", message="must be text")
            return
        try:
            parse_moment(value, what="it")
        except MalformedEvidenceError as error:
            yield Problem(pointer=pointer, code="date", message=str(error).removeprefix("it: "))

    def _schema(self, nullable: bool) -> JsonObject:
        return {"type": "string", "pattern": f"^(?:{DATE_PATTERN}|{TIME_PATTERN})$"}
