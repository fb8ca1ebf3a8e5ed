"""Files of tables as import files: documents with their cells, problems a clerk can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from registry.certificates.importers import MAX_IMPORT_BYTES, ImportFile, Item
from registry.certificates.tables.assembling import (
    MAX_PROBLEMS,
    TableDocument,
    assemble,
    is_header,
)
from registry.certificates.tables.csv_reader import CsvSheet
from registry.certificates.tables.rows import Sheet, TableProblem, UnreadableTableError, letters
from registry.certificates.tables.xlsx_reader import Workbook
from registry.kit.import_problems import FileProblem

CSV: Final = ".csv"
XLSX: Final = ".xlsx"
_POINTER: Final = re.compile(r"/([0-9]{1,9})(/.*)?", re.DOTALL)


def is_table(source: str) -> bool:
    """Tell by its name whether a file is a table."""
    return source.lower().endswith((CSV, XLSX))


def read_table(data: bytes, *, source: str) -> ImportFile:
    """Read a CSV or XLSX file of certificates or inspection records.

    The pointer of its n-th document, counted from 0 over all sheets, is `/n`.

    Args:
        data: The bytes of the file.
        source: Its name, which tells the format.
    """
    found = _Found(source)
    if len(data) > MAX_IMPORT_BYTES:
        message = f"has {len(data)} bytes, more than {MAX_IMPORT_BYTES}"
        found.note(TableProblem(code="too_large", message=message), None)
        return found.content()
    try:
        for sheet in _sheets(data, source):
            found.add(sheet)
    except UnreadableTableError as error:
        found.note(error.problem, error.sheet)
    return found.content()


def _sheets(data: bytes, source: str) -> Sequence[Sheet]:
    if source.lower().endswith(XLSX):
        return Workbook(data).sheets
    return [CsvSheet(data, is_known=is_header)]


@dataclass(frozen=True, slots=True)
class _Locator:
    """Knows the cells behind the documents of a file."""

    documents: Sequence[TableDocument]

    def __call__(self, problem: FileProblem) -> FileProblem:
        found = _POINTER.fullmatch(problem.pointer)
        if problem.row is not None or found is None or int(found[1]) >= len(self.documents):
            return problem
        document = self.documents[int(found[1])]
        row, column = document.place_of(found[2] or "")
        return replace(
            problem, sheet=document.sheet, row=row, column=_named(column, document.header.texts)
        )


class _Found:
    """Collects what the sheets of a file hold."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._documents: list[TableDocument] = []
        self._problems: list[FileProblem] = []

    def add(self, sheet: Sheet) -> None:
        assembly = assemble(sheet)
        self._documents += assembly.documents
        for problem in assembly.problems:
            self.note(problem, sheet.name, assembly.texts)

    def note(
        self, problem: TableProblem, sheet: str | None, texts: Mapping[int, str] | None = None
    ) -> None:
        if len(self._problems) <= MAX_PROBLEMS:
            self._problems.append(
                FileProblem(
                    source=self._source,
                    pointer="",
                    code=problem.code,
                    message=problem.message,
                    sheet=sheet,
                    row=problem.row,
                    column=_named(problem.column, texts or {}),
                )
            )

    def content(self) -> ImportFile:
        items = tuple(
            Item(source=self._source, pointer=f"/{at}", value=document.value)
            for at, document in enumerate(self._documents)
        )
        return ImportFile(
            documents=items, problems=tuple(self._problems), locate=_Locator(self._documents)
        )


def _named(column: int | None, texts: Mapping[int, str]) -> str | None:
    if column is None:
        return None
    header = texts.get(column)
    return letters(column) if header is None else f"{letters(column)} ({header[:60]})"
