"""Results as people have them in files: a certificate or a list in JSON, or a table in CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Any, Final

from registry.standards.errors import EvaluationRequestError
from registry.standards.evaluating import MAX_RESULTS, read_strict_json

MAX_FILE_BYTES: Final = 1_000_000
_COLUMNS: Final = {
    "parameter": ("parameter", "code", "项目", "参数"),
    "value": ("value", "result", "结果", "检测结果"),
    "unit": ("unit", "单位"),
    "U": ("u", "uncertainty", "不确定度", "扩展不确定度"),
    "k": ("k", "coverage factor", "包含因子"),
    "loq": ("loq", "定量限"),
    "lod": ("lod", "检出限"),
    "method": ("method", "方法", "检测方法"),
    "basis": ("basis", "基准"),
}
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_NOT_DETECTED: Final = frozenset({"nd", "n.d.", "not detected", "未检出"})
_BELOW: Final = re.compile(r"[<＜]\s*([0-9]+(?:\.[0-9]+)?)")


def read_results(data: bytes) -> dict[str, Any]:
    """Return what a file states as members of a case: `results`, and what stands beside them.

    JSON may be one result, a list of results, a case, or a certificate's document. CSV has one row
    per result; "<0.02" and "ND" are understood.

    Raises:
        EvaluationRequestError: It is neither, or too large.
    """
    if len(data) > MAX_FILE_BYTES:
        raise EvaluationRequestError(f"a results file has at most {MAX_FILE_BYTES} bytes")
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not start:
        raise EvaluationRequestError("there are no results")
    if start in {b"{", b"["}:
        return _from_json(read_strict_json(data))
    return {"results": _from_csv(data)}


def _from_json(document: object) -> dict[str, Any]:
    if isinstance(document, Mapping) and isinstance(document.get("documents"), list):
        if len(document["documents"]) != 1:
            raise EvaluationRequestError("the file holds several certificates; give one of them")
        document = document["documents"][0]
    if isinstance(document, list):
        _refuse_many(len(document))
        return {"results": document}
    if not isinstance(document, Mapping):
        raise EvaluationRequestError("neither an object nor a list")
    found = document.get("results")
    if isinstance(found, list | Mapping):
        _refuse_many(len(found))
        return dict(document)
    if isinstance(document.get("certificate"), Mapping):
        return _from_json(document["certificate"]) | {
            name: value for name, value in document.items() if name != "certificate"
        }
    return {"results": [document]}


def _from_csv(data: bytes) -> list[dict[str, str]]:
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header, *rows = [row for row in reader if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise EvaluationRequestError(f"not a CSV table in UTF-8: {error}") from error
    _refuse_many(len(rows))
    known = {label: name for name, labels in _COLUMNS.items() for label in labels}
    columns = [known.get(cell.strip().casefold(), "") for cell in header]
    unknown = [cell for cell, name in zip(header, columns, strict=True) if not name]
    if unknown or not {"parameter", "value"} <= set(columns) or len(set(columns)) < len(columns):
        raise EvaluationRequestError(
            "the first row names the columns, each once: parameter and value, and where known "
            f"unit, U, k, loq, lod, method, basis; not known: {', '.join(unknown)[:80] or '-'}"
        )
    results = []
    for number, row in enumerate(rows, start=2):
        if len(row) > len(columns):
            raise EvaluationRequestError(f"row {number} has more cells than the first row")
        cells = {name: cell.strip() for name, cell in zip(columns, row, strict=False)}
        results.append(_result({name: cell for name, cell in cells.items() if cell}))
    return results


def _result(cells: dict[str, str]) -> dict[str, str]:
    """Return a result in the shape of cases."""
    value = cells.pop("value", "")
    below = _BELOW.fullmatch(value)
    if below is not None:
        return {"type": "below_loq", "loq": below[1], **cells}
    if value.casefold() in _NOT_DETECTED:
        return {"type": "not_detected", **cells}
    if _NUMBER.fullmatch(value):
        return {"type": "quantity", "value": value, **cells}
    return {"type": "text", "value": value, **cells} if value else {"type": "missing", **cells}


def _refuse_many(results: int) -> None:
    if results > MAX_RESULTS:
        raise EvaluationRequestError(f"more than {MAX_RESULTS} results")
