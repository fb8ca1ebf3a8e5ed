"""Tables of documents: the empty template, and documents as the rows that would import them.

Every cell is text, so that spreadsheet programs neither compute nor round what is entered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from registry.certificates.tables.columns import (
    ROWS,
    Column,
    label,
    template_columns,
    words_of_value,
)
from registry.certificates.tables.xlsx_reader import NOTES_SHEETS
from verifier.core.field_policy import DocumentKind
from verifier.core.moments import MomentText
from verifier.core.shapes import Choice, Flag, Integer, ListOf, Shape, Text

_PREPARED_ROWS: Final = 500  # rows of a template whose cells are text beforehand
_SHEETS: Final[Mapping[str, str]] = {"zh": "证书", "en": "Certificates"}
_NOTES: Final[Mapping[str, str]] = dict(zip(("zh", "en"), NOTES_SHEETS, strict=True))
_TEXT_FORMAT: Final = "@"
_REQUIRED_FILL: Final = PatternFill("solid", fgColor="FFF2CC")
_HEADER_FILL: Final = PatternFill("solid", fgColor="EEF3F5")
_WIDTH: Final = 18
_LONGEST_NOTE: Final = 400


def headers(columns: Sequence[Column], language: str | None) -> list[str]:
    """Return labels in `zh` or `en`, or paths for None."""
    return [column.name if language is None else label(column, language) for column in columns]


def template(kind: DocumentKind, *, file_format: str, language: str | None) -> bytes:
    """Return an empty table for documents of a kind.

    Args:
        kind: The kind.
        file_format: "xlsx" or "csv".
        language: Language of the labels, `zh` or `en`; None for the paths as headers.
    """
    columns = template_columns(kind)
    return write_table(columns, [], file_format=file_format, language=language)


def write_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    file_format: str,
    language: str | None,
) -> bytes:
    """Return a table.

    Args:
        columns: Its columns.
        rows: Texts in the order of the columns.
        file_format: "xlsx" or "csv".
        language: As for `template`.
    """
    if file_format == "xlsx":
        return _xlsx(columns, rows, language)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(headers(columns, language))
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8-sig")  # spreadsheet programs take it for UTF-8 then


def rows_of(documents: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[list[str]]:
    """Return documents as rows, one for each result; below the first row of each the rest is empty.

    Args:
        documents: Import documents of one kind, which hold nothing that the columns lack.
        columns: The columns.
    """
    return [list(row) for document in documents for row in _rows_of(document, columns)]


def used_columns(kind: DocumentKind, documents: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Return those columns of the template in which one of the documents has something."""
    columns = template_columns(kind)
    rows = rows_of(documents, columns)
    return tuple(column for at, column in enumerate(columns) if any(row[at] for row in rows))


def _rows_of(document: Mapping[str, Any], columns: Sequence[Column]) -> Iterator[list[str]]:
    results = document[ROWS[DocumentKind(document["kind"])]]
    for at, result in enumerate(results):
        yield [
            _text(_at(result, column.path[1:]))
            if column.of_row
            else ("" if at else _text(_at(document, column.path)))
            for column in columns
        ]


def _at(value: Any, path: Sequence[str]) -> Any:  # noqa: ANN401  (a JSON value)
    for step in path:
        if isinstance(value, list):
            number = int(step)
            value = value[number - 1] if number <= len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value)


def _xlsx(columns: Sequence[Column], rows: Sequence[Sequence[str]], language: str | None) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_SHEETS[language or "en"])
    sheet.freeze_panes = "B2"
    for at in range(1, len(columns) + 1):
        sheet.column_dimensions[get_column_letter(at)].width = _WIDTH
    sheet.append(
        [_cell(sheet, text, column) for text, column in
         zip(headers(columns, language), columns, strict=True)]
    )  # fmt: skip
    for row in rows or [[""] * len(columns)] * _PREPARED_ROWS:
        sheet.append([_cell(sheet, text) for text in row])
    notes = book.create_sheet(_NOTES[language or "en"])
    notes.column_dimensions["A"].width = notes.column_dimensions["B"].width = 36
    notes.column_dimensions["C"].width = 80
    for column in columns:
        names = [label(column, language or "en"), column.name, _note(column.shape, language)]
        notes.append([_cell(notes, text) for text in names])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(sheet: Any, text: str, header: Column | None = None) -> Any:  # noqa: ANN401  (untyped in openpyxl)
    cell = WriteOnlyCell(sheet, text or None)
    if text:
        cell.data_type = "s"  # text that begins like a formula stays text
    cell.number_format = _TEXT_FORMAT
    if header is not None:
        cell.font = Font(bold=True)
        cell.fill = _REQUIRED_FILL if header.required else _HEADER_FILL
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _note(shape: Shape, language: str | None) -> str:
    """Return what a column takes: fixed words with their translations, or the form of the value."""
    match shape:
        case Choice(words=words):
            told = [(word, words_of_value(language or "en").get(word, ())) for word in words]
            text = ", ".join(f"{word} ({names[0]})" if names else word for word, names in told)
        case Flag():
            text = "true, false"
        case Integer(least=least, most=most):
            text = f"{least}…{most}"
        case MomentText():
            text = "2026-02-11, 2026-02-11T18:05:00+08:00"
        case Text(wanted=wanted, longest=longest):
            text = wanted or f"≤ {longest}"
        case ListOf(item=Text(pattern=pattern)):
            text = "a; b" if pattern else "a | b"
        case _:
            text = ""
    return text[:_LONGEST_NOTE]
