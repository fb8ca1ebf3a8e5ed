"""What an importer hands back: the editions that it read and everything that it objected to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from standards_catalog.editions import Edition

MAX_ISSUES: Final = 1000  # after that the file is not the right one


class Severity(StrEnum):
    """What an objection means for the file."""

    ERROR = "error"  # nothing of the file may be imported
    SKIPPED = "skipped"  # this record was left out, the others stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One objection.

    Attributes:
        row: Line or row as people count it; the header is row 1 where there is one.
        code: Stable name of the problem, e.g. "date_malformed".
        message: In words.
        severity: What it means for the file.
        column: Name of the column or field, "" if the whole row is meant.
        sheet: Name of the sheet, "" where there are none.
    """

    row: int
    code: str
    message: str
    severity: Severity = Severity.ERROR
    column: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What was read.

    Attributes:
        editions: The editions, in the order of the file.
        issues: Every objection, in the order of the file.
        rows: How many records the file has.
        attribution: Words that must be shown wherever these data are shown, "" if none.
        licence: Licence of the data, as an SPDX identifier, "" if none is claimed.
    """

    editions: tuple[Edition, ...]
    issues: tuple[Issue, ...]
    rows: int
    attribution: str = ""
    licence: str = ""

    @property
    def acceptable(self) -> bool:
        """Tell whether the editions may be imported."""
        return not any(issue.severity is Severity.ERROR for issue in self.issues)


class RowError(Exception):
    """A field of a row cannot be used.

    Attributes:
        column: Which one.
        code: Stable name of the problem.
    """

    def __init__(self, column: str, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
