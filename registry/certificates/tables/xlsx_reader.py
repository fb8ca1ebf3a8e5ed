"""XLSX files: every visible sheet row by row, with what hides or computes values refused.

Source: ECMA-376 part 1, chapter 18 (SpreadsheetML).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from registry.certificates.tables.cells import MAX_CELL_CHARS, Day, Number, Raw, Unusable
from registry.certificates.tables.number_formats import (
    GENERAL,
    NumberFormat,
    built_in,
    parse_format,
)
from registry.certificates.tables.rows import (
    MAX_COLUMNS,
    MAX_ROWS,
    Row,
    TableProblem,
    UnreadableTableError,
    refuse,
)
from registry.certificates.tables.xlsx_package import Package, Relationships, XmlHandlers

NOTES_SHEETS: Final = ("字段说明", "Fields")  # what a template says about its columns
_WORKBOOK: Final = "xl/workbook.xml"
_MAX_SHEETS: Final = 100
_MAX_RANGES: Final = 20  # merged ranges that are reported one by one
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_EPOCHS: Final = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}  # noqa: DTZ001  (a calendar, no moment)
_FIRST_SAFE_SERIAL: Final = 61.0  # before it the 1900 calendar holds a 29 February that never was
_LAST_SERIAL: Final = 2_958_465.0  # 31 December 9999
_DAY_SECONDS: Final = 86_400


class Workbook:
    """The sheets of an XLSX file.

    Raises:
        UnreadableTableError: It is none, is unsafe to unpack, or hides something.
    """

    def __init__(self, data: bytes) -> None:
        self._package = Package(data)
        if _WORKBOOK not in self._package:
            refuse("xlsx_damaged", "is a ZIP file but no XLSX workbook")
        index, targets = _Index(), Relationships("xl")
        self._read(_WORKBOOK, index)
        self._read("xl/_rels/workbook.xml.rels", targets)
        if len(index.sheets) > _MAX_SHEETS:
            refuse("too_many_sheets", f"has more than {_MAX_SHEETS} sheets")
        kinds = {kind: part for part, kind in targets.targets.values()}
        styles, strings = _Styles(), _Strings()
        if "styles" in kinds:
            self._read(kinds["styles"], styles)
        if "sharedStrings" in kinds:
            self._read(kinds["sharedStrings"], strings)
        self._epoch = _EPOCHS[index.counts_from_1904]
        self._formats, self._strings = styles.formats(), strings.texts
        self.sheets = [
            XlsxSheet(self, name, targets.targets[relation][0], is_hidden=hidden)
            for name, relation, hidden in index.sheets
            if targets.targets.get(relation, ("", ""))[1] == "worksheet"
            and name not in NOTES_SHEETS
        ]

    def rows_of(self, part: str, problems: list[TableProblem]) -> Iterator[Row]:
        """Yield the rows of a sheet and note its problems."""
        reader = _SheetReader(self._formats, self._strings, self._epoch, problems)
        for _ in self._package.parse(part, reader):
            while reader.finished:
                yield reader.finished.popleft()

    def _read(self, part: str, handlers: XmlHandlers) -> None:
        for _ in self._package.parse(part, handlers):
            pass


class XlsxSheet:
    """One sheet of a workbook; hidden ones may hold nothing."""

    def __init__(self, workbook: Workbook, name: str, part: str, *, is_hidden: bool) -> None:
        self.name = name
        self._workbook = workbook
        self._part = part
        self._is_hidden = is_hidden
        self._problems: list[TableProblem] = []

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty. See `Sheet.rows`."""
        try:
            for row in self._workbook.rows_of(self._part, self._problems):
                if self._is_hidden:
                    refuse("hidden_sheet", "is hidden but not empty; show it or delete it")
                yield row
        except UnreadableTableError as error:
            raise UnreadableTableError(error.problem, sheet=self.name) from error

    def problems(self) -> list[TableProblem]:
        """Return merged cells and hidden columns. See `Sheet.problems`."""
        return self._problems


class _Index(XmlHandlers):
    """Names, relations and visibility of the sheets."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.counts_from_1904 = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), relation, hidden))
        elif name == "workbookPr":
            self.counts_from_1904 = attributes.get("date1904") in ("1", "true")


class _Styles(XmlHandlers):
    """Number formats by the style number of a cell."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._numbers: list[str] = []
        self._inside = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self._numbers.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False

    def formats(self) -> list[NumberFormat]:
        return [
            parse_format(self._codes[number]) if number in self._codes else built_in(_int(number))
            for number in self._numbers
        ]


class _Strings(XmlHandlers):
    """The shared strings, without what is only said for reading aloud."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._aloud = 0
        self._inside = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        del attributes
        if name == "si":
            self._pieces = []
        elif name == "rPh":
            self._aloud += 1
        elif name == "t":
            self._inside = not self._aloud

    def text(self, text: str) -> None:
        if self._inside:
            self._pieces.append(text)

    def end(self, name: str) -> None:
        if name == "si":
            self.texts.append(_unescaped("".join(self._pieces)))
        elif name == "rPh":
            self._aloud -= 1
        elif name == "t":
            self._inside = False


class _SheetReader(XmlHandlers):
    """Turns the elements of a sheet into rows."""

    def __init__(
        self,
        formats: Sequence[NumberFormat],
        strings: Sequence[str],
        epoch: datetime,
        problems: list[TableProblem],
    ) -> None:
        self.finished: deque[Row] = deque()
        self._formats, self._strings, self._epoch = formats, strings, epoch
        self._problems = problems
        self._hidden_columns: list[range] = []
        self._merged = 0
        self._row, self._row_hidden = 0, False
        self._cells: dict[int, Raw] = {}
        self._column = -1
        self._kind, self._style = "n", GENERAL
        self._has_formula = False
        self._inside = False
        self._aloud = 0
        self._pieces: list[str] = []
        self._length = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t"):
            self._inside = not self._aloud
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._aloud += 1
        elif name == "row":
            self._begin_row(attributes)
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = _int(attributes.get("min", "1")), _int(attributes.get("max", "1"))
            self._hidden_columns.append(range(first - 1, last))
        elif name == "mergeCell":
            self._note_merged(attributes.get("ref", ""))

    def text(self, text: str) -> None:
        if self._inside:
            self._length += len(text)
            if self._length <= 2 * MAX_CELL_CHARS:  # enough for the cell to be refused later
                self._pieces.append(text)

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._inside = False
        elif name == "rPh":
            self._aloud -= 1
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()

    def _begin_row(self, attributes: Mapping[str, str]) -> None:
        number = _int(attributes["r"]) if "r" in attributes else self._row + 1
        if number <= self._row:
            refuse("xlsx_damaged", "has rows out of order", row=number)
        self._row, self._column = number, -1
        self._row_hidden = attributes.get("hidden") in ("1", "true")
        self._cells = {}

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        if "r" in attributes:
            place = _REFERENCE.fullmatch(attributes["r"])
            if place is None or int(place[2]) != self._row:
                refuse("xlsx_damaged", "has a cell outside its row", row=self._row)
            self._column = _column(place[1])
        else:
            self._column += 1
        self._kind = attributes.get("t", "n")
        style = _int(attributes.get("s", "0"))
        self._style = self._formats[style] if style < len(self._formats) else GENERAL
        self._has_formula = False
        self._pieces, self._length = [], 0

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        if self._has_formula:
            message = "holds a formula; paste its value instead"
            self._cells[self._column] = Unusable("formula", message)
        elif text and (raw := self._raw(text)) != "":
            if self._column >= MAX_COLUMNS:
                refuse("too_many_columns", f"has more than {MAX_COLUMNS} columns", row=self._row)
            self._cells[self._column] = raw

    def _raw(self, text: str) -> Raw:
        match self._kind:
            case "s":
                at = _int(text)
                if at >= len(self._strings):
                    refuse("xlsx_damaged", "refers to a text that it lacks", row=self._row)
                return self._strings[at].strip()
            case "inlineStr" | "str":
                return _unescaped(text).strip()
            case "b":
                return text == "1"
            case "e":
                return Unusable("cell_error", f"shows the error {text[:20]}")
            case "n":
                return self._number(text.strip())
            case _:
                return Unusable("type", "holds a value of an unknown type; enter it as text")

    def _number(self, text: str) -> Raw:
        if self._style.is_date:
            return _day(text, self._epoch)
        sections = self._style.sections
        is_plain = self._style.is_plain and (
            sections == 1 or (sections == 2 and not text.startswith("-"))  # noqa: PLR2004  (positive; negative)
        )
        return Number(text, self._style.decimals, self._style.width, is_plain)

    def _end_row(self) -> None:
        if not self._cells:
            return
        if self._row > MAX_ROWS:
            refuse("too_many_rows", f"has more than {MAX_ROWS} rows; split the file", row=self._row)
        if self._row_hidden:
            message = "is hidden but not empty; show the row or delete it"
            self._problems.append(TableProblem(code="hidden_row", message=message, row=self._row))
        hidden = [at for at in self._cells if any(at in each for each in self._hidden_columns)]
        for at in hidden:
            message = "stands in a hidden column; show the column or delete it"
            self._problems.append(
                TableProblem(code="hidden_column", message=message, row=self._row, column=at)
            )
            self._hidden_columns = [each for each in self._hidden_columns if at not in each]
        self.finished.append(Row(self._row, self._cells))

    def _note_merged(self, reference: str) -> None:
        self._merged += 1
        place = _REFERENCE.match(reference)
        if self._merged <= _MAX_RANGES:
            message = f"belongs to the merged cells {reference[:20]}; split them"
            self._problems.append(
                TableProblem(
                    code="merged_cells",
                    message=message,
                    row=None if place is None else int(place[2]),
                    column=None if place is None else _column(place[1]),
                )
            )


def _day(text: str, epoch: datetime) -> Day | Unusable:
    try:
        serial = float(text)
    except ValueError:
        return Unusable("type", "is formatted as a date but holds none")
    if not _FIRST_SAFE_SERIAL <= serial <= _LAST_SERIAL:
        return Unusable("date", "is no date of our calendar")
    seconds = round(serial * _DAY_SECONDS)
    return Day(epoch + timedelta(seconds=seconds), has_time=seconds % _DAY_SECONDS != 0)


def _column(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _int(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):  # noqa: PLR2004  (below 2**31)
        refuse("xlsx_damaged", f"has {text[:20]!r} where a number belongs")
    return int(text)


def _unescaped(text: str) -> str:
    """Return text with the escapes of control characters resolved (ST_Xstring)."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
