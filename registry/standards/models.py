"""Tables of the standards catalogue.

Rows of editions and facts are never edited. One that changes is closed (`superseded_at`) and
followed by another, so what the catalogue said on any day can be told.

The inverted index of titles, `standard_search`, is no table of SQLAlchemy: on SQLite it is a
virtual table (FTS5), on PostgreSQL a table with a `tsvector`. The migration makes it.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.kit.actor import MAX_NAME_CHARS
from registry.kit.database import Base, Digest, RandomId

CODE_CHARS = 200
_CURRENT = text("superseded_at IS NULL")
# Keys are compared by code point, whatever the locale of the database.
_KEY = String(CODE_CHARS).with_variant(String(CODE_CHARS, collation="C"), "postgresql")


class FactKind(StrEnum):
    """What a row of facts says."""

    RELATION = "relation"
    REQUIREMENT = "requirement"
    NO_LIMIT = "no_limit"


class ImportFormat(StrEnum):
    """What an imported file was."""

    CSV = "csv"
    XLSX = "xlsx"
    ISO_JSONL = "iso-jsonl"
    ISO_CSV = "iso-csv"
    RELEASE = "release"


class StandardImportRow(Base):
    """One file that was imported, or found to say nothing new."""

    __tablename__ = "standard_imports"

    id: Mapped[RandomId] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(255))
    format: Mapped[ImportFormat]
    sha256: Mapped[Digest]
    licence: Mapped[str] = mapped_column(String(64))
    attribution: Mapped[str] = mapped_column(String(255))
    read_on: Mapped[date]
    rows: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    skipped: Mapped[int]
    last_sequence: Mapped[int]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))


class StandardEditionRow(Base):
    """One edition as it was recorded at one time; `content` is its line of a release."""

    __tablename__ = "standard_editions"
    __table_args__ = (
        CheckConstraint("starts <= ends", name="interval"),
        Index(
            "uq_standard_editions_current_code",
            "code",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
        Index(None, "standard"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(CODE_CHARS))
    standard: Mapped[str] = mapped_column(String(CODE_CHARS))
    content: Mapped[str] = mapped_column(Text)
    starts: Mapped[date]
    ends: Mapped[date]
    import_id: Mapped[RandomId] = mapped_column(ForeignKey("standard_imports.id"))
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class StandardCodeKeyRow(Base):
    """One key under which the beginning of a code is looked up; `place` orders equal keys."""

    __tablename__ = "standard_code_keys"
    __table_args__ = (Index(None, "edition_id", "key"),)

    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    edition_id: Mapped[int] = mapped_column(
        ForeignKey("standard_editions.id"), primary_key=True, autoincrement=False
    )


class StandardFactRow(Base):
    """A relation, a requirement or a recorded absence of a limit; `content` is its line."""

    __tablename__ = "standard_facts"
    __table_args__ = (Index(None, "source"), Index(None, "target"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[FactKind]
    source: Mapped[str] = mapped_column(String(CODE_CHARS))
    target: Mapped[str] = mapped_column(String(CODE_CHARS))
    content: Mapped[str] = mapped_column(Text)
    import_id: Mapped[RandomId] = mapped_column(ForeignKey("standard_imports.id"))
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class StandardReleaseRow(Base):
    """One published state of the catalogue."""

    __tablename__ = "standard_releases"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[Digest] = mapped_column(unique=True)
    records: Mapped[int]
    effective_on: Mapped[date]
    attributions: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(String(MAX_NAME_CHARS))
