"""From rows to documents, and from a place in a document back to the cell.

A row is one result. A row that names another number (or revision) begins the next document; below
its first row the columns of the document are empty or repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from registry.certificates.tables.cells import Raw, Unusable, result_type_of, value_of
from registry.certificates.tables.columns import ROWS, Column, column_at, columns_by_label
from registry.certificates.tables.rows import Row, Sheet, TableProblem
from verifier.core.field_policy import DocumentKind
from verifier.core.strict_json import JsonValue

MAX_PROBLEMS: Final = 5000  # of one sheet; whoever has more has one cause for most of them
_NUMBER: Final = "number"
_REVISION: Final = "revision"
_KIND: Final = "kind"
_UNRECOGNISED_CHARS: Final = 60
_REMEMBERED: Final = 100_000  # conversions of texts kept at hand


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a sheet.

    Attributes:
        row: Its number.
        kind: What its columns describe.
        columns: The columns by place, counted from 0.
        texts: What the header cells say, by place.
    """

    row: int
    kind: DocumentKind
    columns: Mapping[int, Column]
    texts: Mapping[int, str]

    def place_of(self, path: Sequence[str]) -> int | None:
        """Return the column of a path, else the first below it, else the one above it."""
        wanted = tuple(path)
        near: int | None = None
        for at, column in self.columns.items():
            if column.path == wanted:
                return at
            if (near is None and column.path[: len(wanted)] == wanted) or (
                near is None and wanted[: len(column.path)] == column.path
            ):
                near = at
        return near


@dataclass(slots=True)
class TableDocument:
    """A document as its rows give it, not yet checked.

    Attributes:
        sheet: Name of the sheet, None for CSV.
        header: The header of the sheet.
        value: The document.
        first_row: Number of the row in which it begins.
        stated: The values of that row that belong to the whole document, by column.
        rows: Number of the row of each result.
    """

    sheet: str | None
    header: Header
    value: dict[str, Any]
    first_row: int
    stated: Mapping[int, JsonValue]
    rows: list[int] = field(default_factory=list)

    def place_of(self, pointer: str) -> tuple[int, int | None]:
        """Return row and column of a JSON pointer into `value`; column None where there is none.

        Args:
            pointer: RFC 6901; indexes of results choose the row, other indexes become numbers.
        """
        steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
        row = self.first_row
        rows = ROWS[self.header.kind]
        if len(steps) > 1 and steps[0] == rows and steps[1].isdigit():
            at = int(steps[1])
            row = self.rows[at] if at < len(self.rows) else row
            steps = [rows, *steps[2:]]
        path = [str(int(step) + 1) if step.isdigit() else step for step in steps]
        return row, self.header.place_of(path) if path else None


@dataclass(slots=True)
class Assembly:
    """What a sheet holds.

    Attributes:
        documents: Its documents in order.
        problems: What is wrong with rows and cells.
        texts: What the header cells say, by column counted from 0.
    """

    documents: list[TableDocument] = field(default_factory=list)
    problems: list[TableProblem] = field(default_factory=list)
    texts: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """Whether so much is wrong that reading on helps nobody."""
        return len(self.problems) >= MAX_PROBLEMS


def assemble(sheet: Sheet) -> Assembly:
    """Return the documents of a sheet and every problem of its cells.

    Raises:
        UnreadableTableError: The sheet cannot be read to its end.
    """
    assembly = Assembly()
    rows = sheet.rows()
    first = next(rows, None)
    if first is not None:
        assembly.texts = _header_texts(first)
        header = read_header(first, assembly.problems)
        if header is not None:
            _read_rows(rows, sheet.name, header, assembly)
        else:
            for _ in rows:  # a hidden sheet, merged cells: told even where the header is wrong
                pass
    assembly.problems[:0] = sheet.problems()
    return assembly


def is_header(text: str) -> bool:
    """Tell whether a text is the name or label of a column of any kind of document."""
    return any(_find(kind, text) is not None for kind in DocumentKind)


def read_header(row: Row, problems: list[TableProblem]) -> Header | None:
    """Return the meaning of the first row, None when no column of it is known."""
    texts = _header_texts(row)
    kind = max(
        DocumentKind, key=lambda each: sum(_find(each, text) is not None for text in texts.values())
    )
    columns: dict[int, Column] = {}
    seen: dict[tuple[str, ...], int] = {}
    for at, cell in row.cells.items():
        column = _find(kind, cell) if isinstance(cell, str) else None
        if column is None:
            shown = cell[:_UNRECOGNISED_CHARS] if isinstance(cell, str) else "its content"
            message = f"is no known column: {shown!r}; correct the header or delete the column"
            problems.append(
                TableProblem(code="unknown_column", message=message, row=row.number, column=at)
            )
        elif column.path in seen:
            message = f"repeats the column {column.name}"
            problems.append(
                TableProblem(code="column_repeated", message=message, row=row.number, column=at)
            )
        else:
            seen[column.path] = at
            columns[at] = column
    if not columns:
        return None
    if (_NUMBER,) not in seen:
        message = f"lacks the column {_NUMBER}, which tells where a document begins"
        problems.append(TableProblem(code="column_missing", message=message, row=row.number))
        return None
    return Header(row.number, kind, columns, texts)


def _header_texts(row: Row) -> dict[int, str]:
    return {at: cell for at, cell in row.cells.items() if isinstance(cell, str)}


def _find(kind: DocumentKind, text: str) -> Column | None:
    return columns_by_label(kind).get(text) or column_at(kind, text)


def _read_rows(rows: Iterator[Row], sheet: str | None, header: Header, assembly: Assembly) -> None:
    number_at = header.place_of((_NUMBER,))
    revision_at = header.place_of((_REVISION,))
    # Cells say the same again and again: units, methods, whole blocks of the certificate.
    converter = _Converter(header)
    current: TableDocument | None = None
    ended: dict[object, int] = {}
    for row in rows:
        if assembly.is_full:
            message = "more problems follow; correct these first"
            problem = TableProblem(code="too_many_problems", message=message, row=row.number)
            assembly.problems.append(problem)
            break
        values = converter.values(row, assembly.problems)
        if current is None or _begins(values, current, number_at, revision_at):
            if current is not None:
                ended[_key(current.stated, number_at, revision_at)] = current.rows[-1]
            current = _begin(sheet, header, row, values)
            assembly.documents.append(current)
            _check_beginning(current, ended, (number_at, revision_at), assembly.problems)
        else:
            _check_repeated(current, row, values, assembly.problems)
        _add_result(current, row, values, assembly.problems)


class _Converter:
    """Converts the cells of rows, remembering what it saw."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._seen: dict[tuple[int, str], JsonValue | Unusable] = {}

    def values(self, row: Row, problems: list[TableProblem]) -> dict[int, JsonValue]:
        """Return the values of a row by column; what is unusable becomes a problem."""
        values: dict[int, JsonValue] = {}
        columns = self._header.columns
        for at, raw in row.cells.items():
            column = columns.get(at)
            if column is None:
                if at not in self._header.texts:
                    message = "has a value without a header above it"
                    problems.append(
                        TableProblem(
                            code="unknown_column", message=message, row=row.number, column=at
                        )
                    )
                continue
            value = self._value(at, raw, column)
            if isinstance(value, Unusable):
                problems.append(
                    TableProblem(code=value.code, message=value.message, row=row.number, column=at)
                )
            else:
                values[at] = value
        return values

    def _value(self, at: int, raw: Raw, column: Column) -> JsonValue | Unusable:
        if not isinstance(raw, str):
            return value_of(raw, column)
        known = self._seen.get((at, raw))
        if known is None:
            known = value_of(raw, column)
            if len(self._seen) < _REMEMBERED and not isinstance(known, list):
                self._seen[at, raw] = known
        return known


def _key(
    values: Mapping[int, JsonValue], number_at: int | None, revision_at: int | None
) -> tuple[object, object]:
    number = values.get(number_at) if number_at is not None else None
    revision = values.get(revision_at) if revision_at is not None else None
    return number, revision


def _begins(
    values: Mapping[int, JsonValue],
    current: TableDocument,
    number_at: int | None,
    revision_at: int | None,
) -> bool:
    number, revision = _key(values, number_at, revision_at)
    if number is None:
        return False
    own = _key(current.stated, number_at, revision_at)
    return number != own[0] or (revision is not None and revision != own[1])


def _begin(
    sheet: str | None, header: Header, row: Row, values: Mapping[int, JsonValue]
) -> TableDocument:
    document: dict[str, Any] = {_KIND: header.kind.value, ROWS[header.kind]: []}
    stated = {at: value for at, value in values.items() if not header.columns[at].of_row}
    for at, value in stated.items():
        _put(document, header.columns[at].path, value)
    return TableDocument(sheet, header, _listed(document), row.number, stated)


def _check_beginning(
    document: TableDocument,
    ended: Mapping[object, int],
    places: tuple[int | None, int | None],
    problems: list[TableProblem],
) -> None:
    key = _key(document.stated, *places)
    header = document.header
    if key in ended:
        message = f"continues a document that ended in row {ended[key]}; keep its rows together"
        problems.append(_row_problem("rows_apart", message, document, places[0]))
    kind_at = header.place_of((_KIND,))
    if document.value[_KIND] != header.kind.value:
        message = f"must be {header.kind.value}, as the columns of this table are"
        problems.append(_row_problem("not_allowed", message, document, kind_at))
        document.value[_KIND] = header.kind.value


def _row_problem(
    code: str, message: str, document: TableDocument, column: int | None
) -> TableProblem:
    return TableProblem(code=code, message=message, row=document.first_row, column=column)


def _check_repeated(
    current: TableDocument,
    row: Row,
    values: Mapping[int, JsonValue],
    problems: list[TableProblem],
) -> None:
    columns = current.header.columns
    for at, value in values.items():
        if columns[at].of_row or (at in current.stated and current.stated[at] == value):
            continue
        message = (
            f"differs from row {current.first_row}, where this document begins; repeat or empty it"
        )
        problems.append(
            TableProblem(code="rows_contradict", message=message, row=row.number, column=at)
        )


def _add_result(
    current: TableDocument,
    row: Row,
    values: Mapping[int, JsonValue],
    problems: list[TableProblem],
) -> None:
    header = current.header
    result: dict[str, Any] = {}
    for at, value in values.items():
        if header.columns[at].of_row:
            _put(result, header.columns[at].path[1:], value)
    if header.kind is DocumentKind.TEST_CERTIFICATE:
        _understand(result, row, header, problems)
    current.value[ROWS[header.kind]].append(_listed(result))
    current.rows.append(row.number)


def _understand(
    result: dict[str, Any], row: Row, header: Header, problems: list[TableProblem]
) -> None:
    """Fill in what "<0.02" or "ND" says, where the row does not say it itself."""
    reported = result.get("result")
    if not isinstance(reported, dict) or not isinstance(text := reported.get("reported"), str):
        return
    meant = result_type_of(text, loq=result.get("loq"), lod=result.get("lod"))
    kind = reported.get("type")
    if meant is None:
        if kind is None:
            message = f"{text[:40]!r} names another limit than the stated LOQ or LOD"
            at = header.place_of(("results", "result", "reported"))
            problems.append(
                TableProblem(code="limit_contradicts", message=message, row=row.number, column=at)
            )
        return
    if kind is None:
        reported["type"] = kind = meant["type"]
    if kind == meant["type"]:
        if "value" in meant:
            reported.setdefault("value", meant["value"])
        if "loq" in meant:
            result.setdefault("loq", meant["loq"])
    elif kind == "text":
        reported.setdefault("value", text)


def _put(holder: dict[str, Any], path: Sequence[str], value: JsonValue) -> None:
    for step in path[:-1]:
        holder = holder.setdefault(step, {})
    holder[path[-1]] = value


def _listed(value: Any) -> Any:  # noqa: ANN401  (a JSON value in the making)
    """Turn objects whose members are numbers into lists, in the order of the numbers.

    A gap becomes a null, which the check of the document finds at its place.
    """
    if not isinstance(value, dict):
        return value
    if value and all(name.isdigit() for name in value):
        last = max(map(int, value))
        return [_listed(value.get(str(number))) for number in range(1, last + 1)]
    return {name: _listed(member) for name, member in value.items()}
