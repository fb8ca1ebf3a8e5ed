"""Our template as XLSX. Needs openpyxl, which comes with the registry, not with the catalogue."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from standards_catalog.editions import Edition
from standards_catalog.importers.report import ImportResult, Issue
from standards_catalog.importers.template import (
    COLUMNS,
    MAX_ROWS,
    column_names,
    read_rows,
    row_from_edition,
)

MAX_UNPACKED_BYTES: Final = 512 * 1024 * 1024
SHEET: Final = "editions"


def read_template_xlsx(data: bytes) -> ImportResult:
    """Read editions from the first sheet of an XLSX file of our template.

    A formula is an error: nobody can tell which value was meant. So is a number where a text
    belongs; a spreadsheet may have changed it ("GB 1.10" to 1.1).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            return _unreadable("file_too_large", f"{unpacked} bytes when unpacked")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        return _unreadable("xlsx_malformed", str(error))
    try:
        sheet = book.worksheets[0] if book.worksheets else None
        if sheet is None:
            return _unreadable("sheet_missing", "the file has no sheet")
        return _read_sheet(sheet)
    finally:
        book.close()


def write_template_xlsx(editions: Iterable[Edition] = (), *, language: str = "en") -> bytes:
    """Return an XLSX file of our template, labelled in English or Chinese."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None  # noqa: S101  (a new workbook has one sheet)
    sheet.title = SHEET
    sheet.append([zh if language == "zh" else en for _, en, zh in COLUMNS])
    for edition in editions:
        sheet.append(list(row_from_edition(edition).values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _read_sheet(sheet: Any) -> ImportResult:  # noqa: ANN401  (its stubs contradict themselves)
    """Read one sheet."""
    name = str(sheet.title)
    columns: list[str] = []
    rows: list[tuple[int, Sequence[str]]] = []
    issues: list[Issue] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=False), start=1):
        texts: list[str] = []
        for position, cell in enumerate(cells):
            text, problem = _cell_text(cell.value, getattr(cell, "data_type", "n"))
            if problem:
                column = columns[position] if position < len(columns) else f"{position + 1}"
                message = f"{cell.value!r}"[:80]
                issues.append(
                    Issue(row=number, column=column, sheet=name, code=problem, message=message)
                )
            texts.append(text)
        if number == 1:
            while texts and not texts[-1]:
                texts.pop()
            columns, problems = column_names(texts, sheet=name)
            issues += problems
        elif any(texts):
            rows.append((number, texts))
        if number > MAX_ROWS:
            issues.append(
                Issue(row=number, sheet=name, code="too_many_rows", message=f"over {MAX_ROWS}")
            )
            break
    if issues or not columns:
        return ImportResult(editions=(), issues=tuple(issues), rows=len(rows))
    return read_rows(columns, rows, sheet=name)


def _cell_text(value: Any, kind: str) -> tuple[str, str]:  # noqa: ANN401  (openpyxl's cell value)
    """Return the text of a cell and the code of what is wrong with it."""
    if value is None:
        return "", ""
    if kind == "f":
        return "", "formula"
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d"), ""
    if isinstance(value, str | int):  # a truth value is an int, too: "True"
        return str(value), ""
    return "", "number_not_text"


def _unreadable(code: str, message: str) -> ImportResult:
    """Return the result of a file that is no workbook."""
    issue = Issue(row=1, code=code, message=message)
    return ImportResult(editions=(), issues=(issue,), rows=0)
