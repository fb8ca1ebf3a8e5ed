"""Tables made for tests: sample documents as rows, and XLSX packages written part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from registry.certificates.importers import ImportFile
from registry.certificates.tables.reading import read_table
from registry.certificates.tables.rows import letters
from registry.certificates.tables.writing import rows_of, used_columns, write_table
from tests.support.certificates import sample_documents
from verifier.core.field_policy import DocumentKind

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def certificates() -> list[dict[str, Any]]:
    """Return the sample test certificates."""
    return [each for each in sample_documents() if each["kind"] == "TestCertificate"]


def grid(documents: list[dict[str, Any]] | None = None) -> list[list[str]]:
    """Return documents as a header of paths and rows of texts; the durian sample by default."""
    rows = _sample_grid() if documents is None else _grid(documents)
    return [list(row) for row in rows]


@cache
def _sample_grid() -> list[list[str]]:
    return _grid(certificates()[:1])


def _grid(documents: list[dict[str, Any]]) -> list[list[str]]:
    columns = used_columns(DocumentKind.TEST_CERTIFICATE, documents)
    return [[column.name for column in columns], *rows_of(documents, columns)]


def put(rows: list[list[str]], row: int, column: str, text: str) -> None:
    """Write into a grid; `row` is counted from 1 as spreadsheet programs do."""
    rows[row - 1][rows[0].index(column)] = text


def csv_bytes(rows: list[list[str]], *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Return a grid as CSV, every cell quoted."""
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\r\n".join(lines).encode(encoding)


def read_csv(rows: list[list[str]]) -> ImportFile:
    """Read a grid as CSV."""
    return read_table(csv_bytes(rows), source="t.csv")


def found(content: ImportFile) -> list[tuple[int | None, str | None, str]]:
    """Return row, letters of the column and code of every problem of a file."""
    return [
        (problem.row, None if problem.column is None else problem.column.split()[0], problem.code)
        for problem in content.problems
    ]


def column_letters(rows: list[list[str]], name: str) -> str:
    """Return the letters of a column of a grid."""
    return letters(rows[0].index(name))


def samples_as(file_format: str, language: str | None) -> bytes:
    """Return the sample certificates as a table."""
    documents = certificates()
    columns = used_columns(DocumentKind.TEST_CERTIFICATE, documents)
    rows = rows_of(documents, columns)
    return write_table(columns, rows, file_format=file_format, language=language)


def sheet_xml(
    rows: list[list[str]],
    *,
    cells: Mapping[str, str] | None = None,
    head: str = "",
    tail: str = "",
    row_attributes: Mapping[int, str] | None = None,
) -> str:
    """Return a worksheet of inline texts.

    Args:
        rows: The texts.
        cells: Whole `c` elements by reference, in place of the text.
        head: XML before the rows.
        tail: XML after the rows.
        row_attributes: Attributes of `row` elements by row number.
    """
    written = []
    for number, row in enumerate(rows, start=1):
        inside = []
        for at, text in enumerate(row):
            reference = f"{letters(at)}{number}"
            if reference in (cells or {}):
                inside.append((cells or {})[reference])
            elif text:
                inside.append(
                    f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
                )
        more = (row_attributes or {}).get(number, "")
        written.append(f'<row r="{number}" {more}>{"".join(inside)}</row>')
    return (
        f'<worksheet xmlns="{_MAIN}">{head}<sheetData>{"".join(written)}</sheetData>'
        f"{tail}</worksheet>"
    )


def workbook(
    sheets: Mapping[str, str],
    *,
    hidden: frozenset[str] = frozenset(),
    formats: tuple[str, ...] = (),
    parts: Mapping[str, bytes] | None = None,
    properties: str = "",
) -> bytes:
    """Return an XLSX package.

    Args:
        sheets: XML of the sheets by name.
        hidden: Names of hidden sheets.
        formats: Number formats; the first is style 1.
        parts: Further or other parts.
        properties: XML before the list of sheets.
    """
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at}" r:id="rId{at}"'
        f"{' state=' + chr(34) + 'hidden' + chr(34) if name in hidden else ''}/>"
        for at, name in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/s{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    relations += f'<Relationship Id="rIdS" Type="{_RELATIONS}/styles" Target="styles.xml"/>'
    codes = "".join(
        f'<numFmt numFmtId="{164 + at}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for at, code in enumerate(formats)
    )
    styles = '<xf numFmtId="0"/>' + "".join(
        f'<xf numFmtId="{164 + at}"/>' for at in range(len(formats))
    )
    content = {
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}">{properties}'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{relations}'
        "</Relationships>",
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts>{codes}</numFmts>'
        f"<cellXfs>{styles}</cellXfs></styleSheet>",
        **{f"xl/worksheets/s{at}.xml": xml for at, xml in enumerate(sheets.values(), start=1)},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in {**content, **(parts or {})}.items():
            package.writestr(name, data)
    return stream.getvalue()


def read_xlsx(data: bytes) -> ImportFile:
    """Read an XLSX file."""
    return read_table(data, source="t.xlsx")
