"""What both readers hand on: rows of cells, and why a file or a cell cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

from registry.certificates.tables.cells import Raw

MAX_ROWS: Final = 200_000  # 20 000 certificates of ten results: some 100 MiB
MAX_COLUMNS: Final = 512  # five times the columns of a template


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty.

    Attributes:
        number: Counted from 1, as a spreadsheet program shows it.
        cells: What stands in it by column, counted from 0; empty cells are absent.
    """

    number: int
    cells: Mapping[int, Raw]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProblem:
    """One thing that is wrong with a table.

    Attributes:
        code: Stable name of what is wrong.
        message: The same for people.
        row: Row number, None when it concerns no single row.
        column: Column counted from 0, None when it concerns no single column.
    """

    code: str
    message: str
    row: int | None = None
    column: int | None = None


class UnreadableTableError(Exception):
    """A file or sheet cannot be read at all; never leaves this package.

    Attributes:
        problem: Why.
        sheet: Name of the sheet, None when it is about the file.
    """

    def __init__(self, problem: TableProblem, *, sheet: str | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.sheet = sheet


class Sheet(Protocol):
    """A table of rows, read once from the top."""

    @property
    def name(self) -> str | None:
        """Name of the sheet; None for a file that has but one table."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty.

        Raises:
            UnreadableTableError: The file breaks its format or a limit.
        """
        ...

    def problems(self) -> list[TableProblem]:
        """Return what is wrong with the sheet as such; complete once the rows are read."""
        ...


def refuse(
    code: str, message: str, *, row: int | None = None, sheet: str | None = None
) -> NoReturn:
    """Stop reading.

    Raises:
        UnreadableTableError: Always.
    """
    problem = TableProblem(code=code, message=message, row=row)
    raise UnreadableTableError(problem, sheet=sheet)


def letters(column: int) -> str:
    """Return the letters by which spreadsheet programs name a column counted from 0."""
    name = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
