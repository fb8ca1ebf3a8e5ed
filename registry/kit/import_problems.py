"""What is wrong with imported files: all of it, each with its place, before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from registry.kit.errors import InvalidInputError
from verifier.core.shapes import Problem

_SHOWN_PROBLEMS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """One thing that is wrong with one file.

    Attributes:
        source: Name of the file.
        pointer: RFC 6901 JSON pointer to the value, or to where a missing one belongs.
        code: Stable name of what is wrong, listed in docs/error-codes.md.
        message: The same for people.
        number: Number of the document in question, None where it has none or concerns none.
        sheet: Sheet of a workbook, None in other files.
        row: Row of a table as spreadsheet programs count it, None in other files.
        column: Column of a table: its letters, then its header if it has one.
    """

    source: str
    pointer: str
    code: str
    message: str
    number: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None

    @property
    def field(self) -> str | None:
        """The field of a table that has no column for it, as headers name fields."""
        if self.row is None or self.column is not None:
            return None
        # In front of the field stands the number of the document; that of a result is its row.
        steps = [step for step in self.pointer.split("/")[2:] if not step.isdigit()]
        return ".".join(steps) or None

    @property
    def place(self) -> str:
        """Where in the file it is: sheet, row and column of a table, otherwise the pointer."""
        named = (
            ("sheet", self.sheet),
            ("row", self.row),
            ("column", self.column),
            ("field", self.field),
        )
        parts = [f"{word} {value}" for word, value in named if value is not None]
        return ", ".join(parts) or self.pointer

    def __str__(self) -> str:
        return f"{self.source}#{self.place} {self.message} [{self.code}]"


class ImportRefusedError(InvalidInputError):
    """Nothing was imported, because something is wrong with the files.

    Attributes:
        problems: All of them, in the order of the files.
    """

    code = "import_refused"

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN_PROBLEMS])
        rest = len(problems) - _SHOWN_PROBLEMS
        super().__init__(f"{shown}; and {rest} more" if rest > 0 else shown)
        self.problems = tuple(problems)


def in_file(source: str, problems: Iterable[Problem]) -> list[FileProblem]:
    """Return the problems of a value as problems of the file that holds it."""
    return [
        FileProblem(
            source=source, pointer=problem.pointer, code=problem.code, message=problem.message
        )
        for problem in problems
    ]
