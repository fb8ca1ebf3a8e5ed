"""CSV files: which encoding and which delimiter, decided strictly, then row by row."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from registry.certificates.tables.rows import (
    MAX_COLUMNS,
    MAX_ROWS,
    Row,
    TableProblem,
    refuse,
)

_DELIMITERS: Final = ",;\t"
_HEADER_BYTES: Final = 256 * 1024
_UNASSIGNED: Final = frozenset({"Cn", "Co", "Cs"})
_CJK_IN_UTF8: Final = range(0xE3, 0xEA)  # first bytes of Chinese text and punctuation in UTF-8


class CsvSheet:
    """The one table of a CSV file.

    Args:
        data: The file.
        is_known: Tells whether a header means a column; the delimiter is the one that gives the
            most such headers.

    Raises:
        UnreadableTableError: The encoding or the delimiter is not certain.
    """

    name: None = None

    def __init__(self, data: bytes, *, is_known: Callable[[str], bool]) -> None:
        self._data = data
        self._encoding = _encoding_of(data)
        self._delimiter = self._find_delimiter(is_known)

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not empty. See `Sheet.rows`."""
        number = 0
        try:
            for number, fields in enumerate(self._records(self._delimiter), start=1):
                if number > MAX_ROWS:
                    refuse("too_many_rows", f"has more than {MAX_ROWS} rows; split the file")
                if len(fields) > MAX_COLUMNS:
                    refuse("too_many_columns", f"has more than {MAX_COLUMNS} columns", row=number)
                cells = {at: text for at, field in enumerate(fields) if (text := field.strip())}
                if cells:
                    yield Row(number, cells)
        except csv.Error as error:
            refuse("csv", f"is not CSV: {error}", row=number + 1)

    def problems(self) -> list[TableProblem]:
        """Return nothing: whatever is wrong with a CSV file stands in a row."""
        return []

    def _records(self, delimiter: str) -> Iterator[list[str]]:
        stream = io.TextIOWrapper(io.BytesIO(self._data), encoding=self._encoding, newline="")
        return csv.reader(stream, delimiter=delimiter, strict=True)

    def _find_delimiter(self, is_known: Callable[[str], bool]) -> str:
        found: dict[str, int] = {}
        for delimiter in _DELIMITERS:
            try:
                header = next(self._records(delimiter), [])
            except csv.Error:
                header = []
            found[delimiter] = sum(is_known(field.strip()) for field in header)
        most = max(found.values())
        if most == 0:
            message = "has no known column in its first row; `lancang template` writes a table"
            refuse("no_header", message, row=1)
        best = [delimiter for delimiter, count in found.items() if count == most]
        if len(best) > 1:
            # One column alone is the same with every delimiter.
            return _DELIMITERS[0]
        return best[0]


def _encoding_of(data: bytes) -> str:
    if data.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\x00" in data[:_HEADER_BYTES]:
        refuse("encoding", "is no text; save the table as CSV UTF-8")
    else:
        encoding = "utf-8"
    wrong = _undecodable(data, encoding)
    if wrong is None:
        return encoding
    if encoding != "utf-8":
        message = f"begins like {encoding} but line {wrong} is not; save it as CSV UTF-8"
        refuse("encoding", message)
    return _gb18030(data)


def _gb18030(data: bytes) -> str:
    """Return the Chinese encoding, if every single byte of the file bears it out.

    A file that was joined from parts in both encodings would be read as nonsense without a word;
    a line of Chinese in UTF-8 gives it away.
    """
    for number, line in enumerate(data.splitlines(), start=1):
        if any(byte in _CJK_IN_UTF8 for byte in line) and _is_chinese_utf8(line):
            message = f"has UTF-8 in line {number} and not elsewhere; save it as CSV UTF-8"
            refuse("mixed_encoding", message)
    wrong = _undecodable(data, "gb18030")
    if wrong is not None:
        message = f"is neither UTF-8 nor GB 18030 in line {wrong}; save it as CSV UTF-8"
        refuse("encoding", message)
    return "gb18030"


def _is_chinese_utf8(line: bytes) -> bool:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return any("\u3000" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef" for char in text)


def _undecodable(data: bytes, encoding: str) -> int | None:
    """Return the first line that the encoding does not explain, None when it explains all."""
    stream = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(stream, start=1):
            if encoding == "gb18030" and not line.isascii() and _has_unassigned(line):
                return number
    except UnicodeError:
        # Lines are decoded ahead in blocks, so the place is counted again byte by byte.
        return _line_of_error(data, encoding) or number + 1
    return None


def _line_of_error(data: bytes, encoding: str) -> int | None:
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return None


def _has_unassigned(line: str) -> bool:
    return any(unicodedata.category(char) in _UNASSIGNED for char in line)
