"""Our own template: one edition per row, the same columns in CSV, XLSX and the packaged data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from standards_catalog.editions import Edition, Kind, Status
from standards_catalog.errors import CatalogueDataError, CatalogueError
from standards_catalog.identifiers import parse_identifier
from standards_catalog.importers.report import (
    MAX_ISSUES,
    ImportResult,
    Issue,
    RowError,
)
from standards_catalog.provenance import Confidence, PartialDate, Provenance

MAX_ROWS: Final = 1_000_000
MAX_CELL_CHARS: Final = 4000

# Column, label in English, label in Chinese. A header may use any of the three.
COLUMNS: Final[tuple[tuple[str, str, str], ...]] = (
    ("code", "Code", "标准号"),
    ("publisher", "Publisher", "发布机构"),
    ("country", "Country", "国家"),
    ("kind", "Kind", "标准类别"),
    ("mandatory", "Mandatory", "强制性"),
    ("title_en", "Title (English)", "英文名称"),
    ("title_zh", "Title (Chinese)", "中文名称"),
    ("status", "Status", "标准状态"),
    ("stage", "Stage", "阶段代码"),
    ("published", "Published", "发布日期"),
    ("effective", "Effective", "实施日期"),
    ("withdrawn", "Withdrawn", "废止日期"),
    ("transition_end", "End of transition", "过渡期结束日期"),
    ("ics", "ICS", "ICS分类号"),
    ("ccs", "CCS", "CCS分类号"),
    ("hs_hint", "HS hint", "HS提示"),
    ("languages", "Languages", "语种"),
    ("replaces", "Replaces", "代替标准"),
    ("replaced_by", "Replaced by", "被代替标准"),
    ("amendments", "Amendments", "修改单"),
    ("legal_base", "Legal base", "法律依据"),
    ("source", "Source", "来源"),
    ("source_date", "Source date", "来源日期"),
    ("licence", "Licence", "许可"),
    ("confidence", "Confidence", "可信度"),
    ("note", "Note", "备注"),
)
REQUIRED: Final = (
    "code",
    "publisher",
    "country",
    "kind",
    "status",
    "source",
    "source_date",
    "confidence",
)
_TRUTH: Final = {
    "": None,
    "true": True,
    "yes": True,
    "是": True,
    "false": False,
    "no": False,
    "否": False,
}
_LIST_SEPARATORS: Final = str.maketrans({"；": ";", "、": ";", "\n": ";"})

_E = TypeVar("_E", bound=StrEnum)


def column_names(header: Sequence[str], *, sheet: str = "") -> tuple[list[str], list[Issue]]:
    """Return the column behind each header cell, and what is wrong with the header."""
    known = {label.casefold(): names[0] for names in COLUMNS for label in names}
    found: list[str] = []
    issues: list[Issue] = []
    for cell in header:
        name = known.get(cell.strip().casefold(), "")
        if not name:
            issues.append(_header_issue(cell, "column_unknown", "no such column", sheet))
        elif name in found:
            issues.append(_header_issue(cell, "column_twice", "appears twice", sheet))
        found.append(name)
    issues += [
        _header_issue(name, "column_missing", "a required column is missing", sheet)
        for name in REQUIRED
        if name not in found
    ]
    return found, issues


def read_rows(
    columns: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]], *, sheet: str = ""
) -> ImportResult:
    """Turn rows of cells into editions.

    Args:
        columns: Column behind each cell.
        rows: Row number and cells.
        sheet: Name of the sheet for the report.
    """
    editions: dict[str, Edition] = {}
    issues: list[Issue] = []
    for number, cells in rows:
        if len(issues) >= MAX_ISSUES:
            break
        try:
            edition = _edition_from_cells(columns, cells, editions)
        except RowError as error:
            issues.append(
                Issue(
                    row=number,
                    column=error.column,
                    sheet=sheet,
                    code=error.code,
                    message=str(error),
                )
            )
        else:
            editions[edition.code] = edition
    return ImportResult(editions=tuple(editions.values()), issues=tuple(issues), rows=len(rows))


def _edition_from_cells(
    columns: Sequence[str], cells: Sequence[str], earlier: Mapping[str, Edition]
) -> Edition:
    """Return the edition of one row that has not appeared before."""
    if any(cells[len(columns) :]):
        raise RowError("", "too_many_cells", "more cells than the header has")
    edition = edition_from_row(dict(zip(columns, cells, strict=False)))
    if edition.code in earlier:
        raise RowError("code", "code_twice", f"{edition.code} appears twice")
    return edition


def edition_from_row(row: Mapping[str, str]) -> Edition:
    """Return the edition that one row of the template describes.

    Raises:
        RowError: A column is missing or has a value that it cannot have.
    """
    for name in REQUIRED:
        if not row.get(name, "").strip():
            raise RowError(name, "value_missing", "must not be empty")
    for name, value in row.items():
        if len(value) > MAX_CELL_CHARS:
            raise RowError(name, "value_too_long", f"longer than {MAX_CELL_CHARS} characters")
    try:
        standard = parse_identifier(row["code"])
    except CatalogueError as error:
        raise RowError("code", error.code, str(error)) from error
    edition = Edition(
        id=standard,
        publisher=row["publisher"].strip(),
        country=row["country"].strip(),
        kind=_member(Kind, row, "kind"),
        mandatory=_truth(row, "mandatory"),
        titles=tuple(
            (language, row[name].strip())
            for language, name in (("en", "title_en"), ("zh", "title_zh"))
            if row.get(name, "").strip()
        ),
        status=_member(Status, row, "status"),
        stage=row.get("stage", "").strip(),
        published=_day(row, "published"),
        effective=_day(row, "effective"),
        withdrawn=_day(row, "withdrawn"),
        transition_end=_day(row, "transition_end"),
        ics=_list(row, "ics"),
        ccs=_list(row, "ccs"),
        hs_hint=_list(row, "hs_hint"),
        languages=_list(row, "languages"),
        replaces=_codes(row, "replaces"),
        replaced_by=_codes(row, "replaced_by"),
        amendments=_codes(row, "amendments"),
        legal_base=row.get("legal_base", "").strip(),
        provenance=provenance_from_row(row),
    )
    try:
        edition.check()
    except CatalogueDataError as error:
        raise RowError("", error.problem, str(error)) from error
    return edition


def provenance_from_row(row: Mapping[str, str]) -> Provenance:
    """Return where a row comes from.

    Raises:
        RowError: The date is no day, or the confidence no word of ours.
    """
    try:
        source_date = date.fromisoformat(row["source_date"].strip())
    except ValueError as error:
        raise RowError("source_date", "date_malformed", str(error)) from error
    return Provenance(
        source=row["source"].strip(),
        source_date=source_date,
        confidence=_member(Confidence, row, "confidence"),
        licence=row.get("licence", "").strip(),
        note=row.get("note", "").strip(),
    )


def row_from_edition(edition: Edition) -> dict[str, str]:
    """Return the row of the template that describes an edition; the inverse of reading one."""
    titles = dict(edition.titles)
    provenance = edition.provenance
    truth = {None: "", True: "true", False: "false"}[edition.mandatory]
    single: dict[str, object] = {
        "code": edition.code,
        "publisher": edition.publisher,
        "country": edition.country,
        "kind": edition.kind,
        "mandatory": truth,
        "title_en": titles.get("en", ""),
        "title_zh": titles.get("zh", ""),
        "status": edition.status,
        "stage": edition.stage,
        "published": edition.published or "",
        "effective": edition.effective or "",
        "withdrawn": edition.withdrawn or "",
        "transition_end": edition.transition_end or "",
        "legal_base": edition.legal_base,
        "source": provenance.source,
        "source_date": provenance.source_date.isoformat(),
        "licence": provenance.licence,
        "confidence": provenance.confidence,
        "note": provenance.note,
    }
    lists = {
        "ics": edition.ics,
        "ccs": edition.ccs,
        "hs_hint": edition.hs_hint,
        "languages": edition.languages,
        "replaces": edition.replaces,
        "replaced_by": edition.replaced_by,
        "amendments": edition.amendments,
    }
    row = {name: str(value) for name, value in single.items()}
    row |= {name: ";".join(values) for name, values in lists.items()}
    return {name: row[name] for name, _, _ in COLUMNS}


def _header_issue(cell: str, code: str, message: str, sheet: str) -> Issue:
    """Return an objection to the header."""
    return Issue(row=1, column=cell, sheet=sheet, code=code, message=message)


def _member(kind: type[_E], row: Mapping[str, str], name: str) -> _E:
    """Return the member of an enumeration that a cell names."""
    try:
        return kind(row.get(name, "").strip())
    except ValueError as error:
        raise RowError(name, "value_unknown", str(error)) from error


def _truth(row: Mapping[str, str], name: str) -> bool | None:
    """Return yes, no or not recorded."""
    text = row.get(name, "").strip().casefold()
    if text not in _TRUTH:
        raise RowError(name, "value_unknown", f"neither yes nor no: {text!r}")
    return _TRUTH[text]


def _day(row: Mapping[str, str], name: str) -> PartialDate | None:
    """Return a date known to the year, month or day."""
    text = row.get(name, "").strip()
    if not text:
        return None
    try:
        return PartialDate.parse(text)
    except ValueError as error:
        raise RowError(name, "date_malformed", str(error)) from error


def _list(row: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the entries of a cell separated by semicolons."""
    text = row.get(name, "").translate(_LIST_SEPARATORS)
    return tuple(piece.strip() for piece in text.split(";") if piece.strip())


def _codes(row: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the canonical codes in a cell."""
    found = []
    for text in _list(row, name):
        try:
            found.append(str(parse_identifier(text)))
        except CatalogueError as error:
            raise RowError(name, error.code, str(error)) from error
    return tuple(found)
