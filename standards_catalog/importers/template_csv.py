"""Our template as CSV (RFC 4180, UTF-8 with or without a byte order mark)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from standards_catalog.editions import Edition
from standards_catalog.errors import LimitExceededError
from standards_catalog.importers.report import ImportResult, Issue
from standards_catalog.importers.template import (
    COLUMNS,
    MAX_ROWS,
    column_names,
    read_rows,
    row_from_edition,
)


def read_template_csv(data: bytes | str) -> ImportResult:
    """Read editions from a CSV file of our template.

    Raises:
        LimitExceededError: The file has more than a million rows.
    """
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return _unreadable("encoding_not_utf8", str(error))
    try:
        lines = list(csv.reader(io.StringIO(data, newline=""), strict=True))
    except csv.Error as error:
        return _unreadable("csv_malformed", str(error))
    if len(lines) > MAX_ROWS:
        raise LimitExceededError("rows of a CSV file", actual=len(lines), limit=MAX_ROWS)
    columns, issues = column_names(lines[0] if lines else [])
    rows = [(number, cells) for number, cells in enumerate(lines[1:], start=2) if any(cells)]
    if issues:
        return ImportResult(editions=(), issues=tuple(issues), rows=len(rows))
    return read_rows(columns, rows)


def write_template_csv(editions: Iterable[Edition] = ()) -> str:
    """Return a CSV file of our template, with the given editions or as an empty form."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [name for name, _, _ in COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row_from_edition(edition) for edition in editions)
    return out.getvalue()


def _unreadable(code: str, message: str) -> ImportResult:
    """Return the result of a file that is no CSV at all."""
    issue = Issue(row=1, code=code, message=message)
    return ImportResult(editions=(), issues=(issue,), rows=0)
