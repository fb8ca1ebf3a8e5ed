"""ISO Open Data: metadata of ISO deliverables as JSON Lines or CSV.

The data are licensed under ODC-By 1.0: whoever shows them must name ISO. `ATTRIBUTION` therefore
travels with every result and stands in the provenance of every row. The file is brought by the
user; nothing is downloaded here.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from standards_catalog.editions import Edition, Kind, Status
from standards_catalog.errors import CatalogueDataError, CatalogueError
from standards_catalog.identifiers import parse_identifier
from standards_catalog.importers.report import (
    MAX_ISSUES,
    ImportResult,
    Issue,
    RowError,
    Severity,
)
from standards_catalog.provenance import Confidence, PartialDate, Provenance

ATTRIBUTION: Final = "Contains data from ISO Open Data, ODC-By 1.0"
LICENCE: Final = "ODC-By-1.0"
MAX_LINE_CHARS: Final = 1_000_000

_STAGE: Final = re.compile(r"(\d{2})\.?(\d{2})")
_STATUS_BY_STAGE: Final = {
    "60.00": Status.DRAFT,
    "60.60": Status.PUBLISHED,
    "90.20": Status.UNDER_REVIEW,
    "90.60": Status.UNDER_REVIEW,
    "90.92": Status.TO_BE_REVISED,
    "90.93": Status.CONFIRMED,
    "90.99": Status.WITHDRAWAL_PROPOSED,
    "95.20": Status.WITHDRAWAL_PROPOSED,
    "95.60": Status.WITHDRAWAL_PROPOSED,
    "95.92": Status.CONFIRMED,  # decision not to withdraw
    "95.99": Status.WITHDRAWN,
}
_FIRST_PUBLISHED_STAGE: Final = 60
_KINDS: Final = {"GUIDE": Kind.GUIDANCE, "IWA": Kind.GUIDANCE}


def read_iso_jsonl(lines: Iterable[str | bytes], *, read_on: date) -> ImportResult:
    """Read deliverables from JSON Lines.

    Args:
        lines: Lines of the file.
        read_on: Day on which the user obtained the file; it becomes the date of the source.
    """
    return _read(_json_records(lines), read_on)


def read_iso_csv(lines: Iterable[str], *, read_on: date) -> ImportResult:
    """Read deliverables from CSV with flattened names such as "title.en".

    Args:
        lines: Lines of the file, a byte order mark in front is fine.
        read_on: Day on which the user obtained the file; it becomes the date of the source.
    """
    return _read(_csv_records(lines), read_on)


_Record = tuple[int, Mapping[str, Any] | RowError]


def _json_records(lines: Iterable[str | bytes]) -> Iterator[_Record]:
    """Yield line number and record."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json_record(line)


def _json_record(line: str | bytes) -> Mapping[str, Any] | RowError:
    """Return the record of one line, or what is wrong with the line."""
    if len(line) > MAX_LINE_CHARS:
        return RowError("", "line_too_long", f"over {MAX_LINE_CHARS} characters")
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line
        record = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:  # includes bad UTF-8 and bad JSON
        return RowError("", "line_malformed", str(error))
    except RecursionError:
        return RowError("", "line_malformed", "nested too deeply")
    if not isinstance(record, dict):
        return RowError("", "line_not_object", "not a JSON object")
    return record


def _csv_records(lines: Iterable[str]) -> Iterator[_Record]:
    """Yield row number and record, with the nesting and lists of the JSON form."""
    reader = csv.DictReader(_without_mark(lines))
    if "reference" not in (reader.fieldnames or ()):
        yield 1, RowError("reference", "column_missing", "not a file of ISO deliverables")
        return
    try:
        for row in reader:
            yield (
                reader.line_num,
                {
                    "reference": row.get("reference"),
                    "deliverableType": row.get("deliverableType"),
                    "title": {"en": row.get("title.en"), "fr": row.get("title.fr")},
                    "publicationDate": row.get("publicationDate"),
                    "icsCode": _list(row.get("icsCode")),
                    "ownerCommittee": row.get("ownerCommittee"),
                    "currentStage": row.get("currentStage"),
                    "replaces": _list(row.get("replaces")),
                    "replacedBy": _list(row.get("replacedBy")),
                    "languages": _list(row.get("languages")),
                    "id": row.get("id"),
                },
            )
    except csv.Error as error:
        yield reader.line_num, RowError("", "csv_malformed", str(error))


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without the byte order mark in front of the first."""
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _list(value: object) -> list[str]:
    """Return a list given as one, as JSON text, or separated by commas, bars or semicolons."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [str(item).strip() for item in value if item is not None]
    text = str(value).strip().strip("[]")
    return [piece.strip(" '\"") for piece in re.split(r"[,;|]", text) if piece.strip(" '\"")]


def _read(records: Iterable[_Record], read_on: date) -> ImportResult:
    """Turn records into editions and resolve what they replace."""
    editions: dict[str, Edition] = {}
    links: dict[str, tuple[str, list[str], list[str]]] = {}
    issues: list[Issue] = []
    rows = 0
    for number, record in records:
        rows += 1
        edition = record if isinstance(record, RowError) else _try_edition(record, read_on)
        if isinstance(edition, Edition) and edition.code in editions:
            edition = RowError("reference", "code_twice", edition.code)
        if isinstance(edition, RowError) or isinstance(record, RowError):
            if len(issues) < MAX_ISSUES and isinstance(edition, RowError):
                issues.append(_issue(number, edition))
            continue
        editions[edition.code] = edition
        links[str(record.get("id") or edition.code)] = (
            edition.code,
            _list(record.get("replaces")),
            _list(record.get("replacedBy")),
        )
    return ImportResult(
        editions=tuple(_linked(editions, links)),
        issues=tuple(issues),
        rows=rows,
        attribution=ATTRIBUTION,
        licence=LICENCE,
    )


def _issue(number: int, error: RowError) -> Issue:
    """Return the report of one record; a file of another kind is an error, a record is skipped."""
    fatal = error.code in {"column_missing", "csv_malformed"}
    return Issue(
        row=number,
        column=error.column,
        code=error.code,
        message=str(error)[:200],
        severity=Severity.ERROR if fatal else Severity.SKIPPED,
    )


def _try_edition(record: Mapping[str, Any], read_on: date) -> Edition | RowError:
    """Return the edition that a record describes, or why it describes none."""
    try:
        return _edition(record, read_on)
    except RowError as error:
        return error


def _edition(record: Mapping[str, Any], read_on: date) -> Edition:
    """Return the edition that a record describes."""
    reference = record.get("reference")
    if not isinstance(reference, str) or not reference.strip():
        raise RowError("reference", "value_missing", "a deliverable without a reference")
    try:
        standard = parse_identifier(reference)
    except CatalogueError as error:
        raise RowError("reference", error.code, str(error)) from error
    stage, status = _stage(record.get("currentStage"))
    titles = record.get("title")
    edition = Edition(
        id=standard,
        publisher=standard.series.partition(" ")[0].removesuffix("/TS").removesuffix("/TR"),
        country="INT",
        kind=_KINDS.get(str(record.get("deliverableType") or "").upper(), Kind.STANDARD),
        mandatory=False,
        titles=_titles(titles if isinstance(titles, Mapping) else {}),
        status=status,
        stage=stage,
        published=_published(record.get("publicationDate")),
        ics=tuple(_list(record.get("icsCode"))),
        languages=tuple(_list(record.get("languages"))),
        provenance=Provenance(
            source=f"ISO Open Data, deliverable {record.get('id') or reference}",
            source_date=read_on,
            confidence=Confidence.HIGH,
            licence=LICENCE,
            note=ATTRIBUTION,
        ),
    )
    try:
        edition.check()
    except CatalogueDataError as error:
        raise RowError("", error.problem, str(error)) from error
    return edition


def _titles(titles: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the titles that there are."""
    return tuple(
        (language, str(titles[language]).strip())
        for language in ("en", "fr")
        if titles.get(language)
    )


def _stage(value: object) -> tuple[str, Status]:
    """Return the stage code with its dot, and the status that it means."""
    match = _STAGE.fullmatch(str(value or "").strip())
    if match is None:
        raise RowError("currentStage", "stage_malformed", f"{value!r}")
    code = f"{match[1]}.{match[2]}"
    if int(match[1]) < _FIRST_PUBLISHED_STAGE:
        return code, Status.DRAFT
    return code, _STATUS_BY_STAGE.get(code, Status.PUBLISHED)


def _published(value: object) -> PartialDate | None:
    """Return the date of publication."""
    if value is None or value == "":
        return None
    try:
        return PartialDate.parse(str(value)[:10])
    except ValueError as error:
        raise RowError("publicationDate", "date_malformed", str(error)) from error


def _linked(
    editions: Mapping[str, Edition], links: Mapping[str, tuple[str, list[str], list[str]]]
) -> Iterator[Edition]:
    """Yield the editions with the codes of what they replace.

    Links are record ids or references; one that leads outside the file is left out.
    """
    codes = {identity: code for identity, (code, _, _) in links.items()}
    by_code = {code: (old, new) for code, old, new in links.values()}

    def known(targets: list[str]) -> tuple[str, ...]:
        found = (codes.get(target) or _canonical(target) for target in targets)
        return tuple(code for code in found if code in editions)

    for code, edition in editions.items():
        old, new = by_code[code]
        if old or new:
            yield _with_links(edition, known(old), known(new))
        else:
            yield edition


def _canonical(reference: str) -> str:
    """Return the canonical form of a reference, "" for anything else."""
    try:
        return str(parse_identifier(reference))
    except CatalogueError:
        return ""


def _with_links(
    edition: Edition, replaces: tuple[str, ...], replaced_by: tuple[str, ...]
) -> Edition:
    """Return the edition with its neighbours, never itself."""
    own = edition.code
    return replace(
        edition,
        replaces=tuple(code for code in replaces if code != own),
        replaced_by=tuple(code for code in replaced_by if code != own),
    )
