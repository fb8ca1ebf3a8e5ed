"""Reading files for the catalogue: which format it is, and every objection with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath
from typing import Final

from registry.standards.models import FactKind, ImportFormat
from registry.standards.repository import Fact
from standards_catalog.catalogue import NoLimit
from standards_catalog.editions import Edition
from standards_catalog.errors import CatalogueDataError, LimitExceededError
from standards_catalog.importers.iso_open_data import read_iso_csv, read_iso_jsonl
from standards_catalog.importers.report import MAX_ISSUES, ImportResult, Issue, Severity
from standards_catalog.importers.template_csv import read_template_csv
from standards_catalog.importers.template_xlsx import read_template_xlsx
from standards_catalog.loading import seed_catalogue
from standards_catalog.record_reading import Record, read_record
from standards_catalog.relations import Relation
from standards_catalog.releases import (
    canonical_lines,
    no_limit_record,
    record_line,
    relation_record,
    requirement_record,
)
from standards_catalog.requirements import Requirement

MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
SEED_NAME: Final = "catalogue of the distribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """What a file says.

    Attributes:
        source: Its name.
        format: What it is.
        sha256: Digest of its bytes.
        read_on: Day on which it was obtained.
        editions: The editions in it.
        facts: The relations, requirements and absences of a limit in it.
        issues: Every objection.
        rows: How many records it has.
        attribution: Words that must be shown with the data.
        licence: SPDX identifier of their licence.
    """

    source: str
    format: ImportFormat
    sha256: bytes
    read_on: date
    editions: tuple[Edition, ...]
    facts: tuple[Fact, ...] = ()
    issues: tuple[Issue, ...] = ()
    rows: int = 0
    attribution: str = ""
    licence: str = ""

    @property
    def acceptable(self) -> bool:
        """Tell whether it may be imported."""
        return not any(issue.severity is Severity.ERROR for issue in self.issues)


def read_file(
    data: bytes, *, source: str, read_on: date, stated: ImportFormat | None = None
) -> ReadFile:
    """Read a file for the catalogue.

    Args:
        data: Its bytes.
        source: Its name; the ending helps to tell the format.
        read_on: Day on which it was obtained.
        stated: Its format, None to tell it from name and content.
    """
    found = stated or detect_format(data, source)
    sha256 = hashlib.sha256(data).digest()
    if found is ImportFormat.RELEASE:
        lines = data.splitlines()
        return _read_release(lines, source=source, sha256=sha256, read_on=read_on)
    try:
        result = _read_editions(data, found, read_on)
    except LimitExceededError as error:
        result = _unreadable(error.code, str(error))
    return ReadFile(
        source=source,
        format=found,
        sha256=sha256,
        read_on=read_on,
        editions=result.editions,
        issues=result.issues,
        rows=result.rows,
        attribution=result.attribution,
        licence=result.licence,
    )


def read_seed(*, read_on: date) -> ReadFile:
    """Return the catalogue that comes with the distribution, as the release that it is."""
    lines = list(canonical_lines(seed_catalogue()))
    sha256 = hashlib.sha256(b"".join(line + b"\n" for line in lines)).digest()
    return _read_release(lines, source=SEED_NAME, sha256=sha256, read_on=read_on)


def detect_format(data: bytes, source: str) -> ImportFormat:
    """Tell the format of a file by its first bytes and the ending of its name."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"PK\x03\x04"):
        return ImportFormat.XLSX
    if start.startswith(b"{"):
        release = b'"record":"' in start.partition(b"\n")[0]
        return ImportFormat.RELEASE if release else ImportFormat.ISO_JSONL
    header = start.partition(b"\n")[0]
    if b"reference" in header and b"deliverableType" in header:
        return ImportFormat.ISO_CSV
    return ImportFormat.XLSX if PurePath(source).suffix.lower() == ".xlsx" else ImportFormat.CSV


def _read_editions(data: bytes, found: ImportFormat, read_on: date) -> ImportResult:
    """Read a file that holds editions only."""
    if found is ImportFormat.XLSX:
        return read_template_xlsx(data)
    if found is ImportFormat.ISO_JSONL:
        return read_iso_jsonl(data.splitlines(), read_on=read_on)
    if found is ImportFormat.ISO_CSV:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            return _unreadable("encoding_not_utf8", str(error))
        return read_iso_csv(text.splitlines(keepends=True), read_on=read_on)
    return read_template_csv(data)


def _unreadable(code: str, message: str) -> ImportResult:
    issue = Issue(row=1, code=code, message=message)
    return ImportResult(editions=(), issues=(issue,), rows=0)


def _read_release(lines: Iterable[bytes], *, source: str, sha256: bytes, read_on: date) -> ReadFile:
    """Read the lines of a release."""
    editions: dict[str, Edition] = {}
    facts: list[Fact] = []
    issues: list[Issue] = []
    rows = 0
    for rows, line in enumerate(lines, start=1):
        if len(issues) >= MAX_ISSUES:
            break
        try:
            record = read_record(line)
        except CatalogueDataError as error:
            issues.append(
                Issue(row=rows, column=error.where, code=error.problem, message=str(error))
            )
            continue
        if not isinstance(record, Edition):
            facts.append(_fact(record))
        elif record.code in editions:
            issues.append(Issue(row=rows, column="code", code="code_twice", message=record.code))
        else:
            editions[record.code] = record
    return ReadFile(
        source=source,
        format=ImportFormat.RELEASE,
        sha256=sha256,
        read_on=read_on,
        editions=tuple(editions.values()),
        facts=tuple(facts),
        issues=tuple(issues),
        rows=rows,
        attribution=_attribution(editions.values()),
    )


def _fact(record: Record) -> Fact:
    """Return a fact in its canonical form, whatever the spacing of the line it came from."""
    match record:
        case Relation():
            line = record_line("relation", relation_record(record))
            return Fact(FactKind.RELATION, record.source, record.target, line.decode())
        case Requirement():
            line = record_line("requirement", requirement_record(record))
            return Fact(FactKind.REQUIREMENT, record.standard, "", line.decode())
        case NoLimit():
            line = record_line("no_limit", no_limit_record(record))
            return Fact(FactKind.NO_LIMIT, record.standard, "", line.decode())
        case _:
            raise TypeError(f"{type(record).__name__} is no fact")


def _attribution(editions: Iterable[Edition]) -> str:
    """Return the words that licensed rows ask for."""
    notes = {e.provenance.note for e in editions if e.provenance.licence and e.provenance.note}
    return "; ".join(sorted(notes))[:255]
