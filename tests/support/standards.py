"""Builders of editions and imports: a test names only what it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.standards.domain import Filters
from registry.standards.importing import ReadFile, read_seed
from registry.standards.models import ImportFormat
from registry.standards.searching import make_query, search
from registry.standards.service import ImportReport, import_file
from standards_catalog.editions import Edition, Kind, Status
from standards_catalog.identifiers import parse_identifier
from standards_catalog.provenance import Confidence, PartialDate, Provenance

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def edition(code: str, zh: str = "", en: str = "", **changes: Any) -> Edition:
    """Return a published edition of a Chinese standard unless told otherwise."""
    titles = tuple((lang, text) for lang, text in (("en", en), ("zh", zh)) if text)
    fields: dict[str, Any] = {
        "id": parse_identifier(code),
        "publisher": "SAC",
        "country": "CN",
        "kind": Kind.STANDARD,
        "status": Status.PUBLISHED,
        "titles": titles,
        "provenance": Provenance(source="test", source_date=TODAY, confidence=Confidence.HIGH),
    }
    return Edition(**(fields | changes))


def day(text: str) -> PartialDate:
    """Return a date known in full or in part."""
    return PartialDate.parse(text)


def file_of(*editions: Edition, **changes: Any) -> ReadFile:
    """Return a file that holds editions."""
    fields: dict[str, Any] = {
        "source": "test.csv",
        "format": ImportFormat.CSV,
        "sha256": bytes(32),
        "read_on": TODAY,
        "editions": editions,
        "rows": len(editions),
    }
    return ReadFile(**(fields | changes))


def store(database: Database, *editions: Edition, at: datetime = NOW) -> ImportReport:
    """Import editions."""
    return store_file(database, file_of(*editions), at=at)


def store_file(database: Database, file: ReadFile, *, at: datetime = NOW) -> ImportReport:
    """Import a file."""
    with database.begin() as session:
        return import_file(session, file, actor=Actor("tester"), at=at)


def store_seed(database: Database) -> ImportReport:
    """Import the catalogue of the distribution."""
    return store_file(database, read_seed(read_on=TODAY))


def found(database: Database, typed: str, *, limit: int = 50, **filters: str) -> list[str]:
    """Return the codes of the first page of hits."""
    with database.read() as session:
        query = make_query(typed, Filters.parse(filters))
        return [hit.code for hit in search(session, query, cursor=None, limit=limit).hits]
