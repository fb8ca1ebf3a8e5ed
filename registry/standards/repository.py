"""The only place with SQL of the catalogue, apart from `searching`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

from sqlalchemy import (
    ColumnElement,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from registry.kit.chunks import chunks
from registry.standards.domain import (
    edition_order,
    filter_terms,
    force_interval,
    record_number,
)
from registry.standards.models import (
    FactKind,
    StandardCodeKeyRow,
    StandardEditionRow,
    StandardFactRow,
    StandardImportRow,
    StandardReleaseRow,
)
from standards_catalog.catalogue import standard_key
from standards_catalog.editions import Edition
from standards_catalog.releases import edition_record, record_line
from standards_catalog.search_terms import code_keys, cut, index_terms, tsvector

_CHUNK: Final = 5_000
_NAMED_AT_ONCE: Final = 500
_LONGEST_TERM: Final = 200  # longer than any query
# Inserted as tables: a hundred thousand rows are not worth a hundred thousand objects.
_EDITIONS: Final = cast("Table", StandardEditionRow.__table__)
_KEYS: Final = cast("Table", StandardCodeKeyRow.__table__)
_HIGHEST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class StoredEdition:
    """An edition as it is to be stored, or as the database knows it now."""

    number: int
    code: str
    content: str


@dataclass(frozen=True, slots=True)
class NewEdition:
    """An edition to be stored, with everything that finds it."""

    number: int
    code: str
    standard: str
    content: str
    interval: tuple[date, date]
    place: int
    keys: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation, requirement or recorded absence of a limit, as its line of a release."""

    kind: FactKind
    source: str
    target: str
    content: str


@dataclass(frozen=True, slots=True)
class EditionLine:
    """An edition as plain data and as its line of a release."""

    code: str
    record: Mapping[str, str]
    content: str


def line_of(edition: Edition) -> EditionLine:
    """Return the line of a release that says what an edition is."""
    record = edition_record(edition)
    return EditionLine(record["code"], record, record_line("edition", record).decode())


def prepare(edition: Edition, line: EditionLine, sequence: int) -> NewEdition:
    """Return an edition with its number, keys and terms.

    An edition is found under its undated code, too, so that "GB 175" finds every edition of it
    before "GB 1750" begins; its keys stand among its terms, for codes in the midst of words, and
    so do the pieces of its code without spaces ("GB/T17671" is read as gb and t17671).
    """
    index = index_terms(edition.id, (title for _, title in edition.titles))
    undated = standard_key(edition.id)
    keys = tuple(dict.fromkeys((*index.code_keys, *code_keys(undated))))
    written = cut(line.code.replace(" ", ""))
    words = (*index.terms, *(key.casefold() for key in keys), *written)
    terms = (*(t for t in words if len(t) <= _LONGEST_TERM), *filter_terms(line.record))
    return NewEdition(
        number=record_number(edition, len(index.terms), sequence),
        code=line.code,
        standard=str(undated),
        content=line.content,
        interval=force_interval(edition),
        place=edition_order(edition),
        keys=keys,
        terms=terms,
    )


def lock_catalogue(session: Session) -> None:
    """Let one import or release at a time write; on SQLite the transaction does so anyway."""
    if _is_postgresql(session):
        session.execute(text("LOCK TABLE standard_imports IN SHARE ROW EXCLUSIVE MODE"))


def last_sequence(session: Session) -> int:
    """Return the highest sequence number that a record was ever given."""
    found = session.scalar(select(func.max(StandardImportRow.last_sequence)))
    return found or 0


def last_import(session: Session) -> str | None:
    """Return the id of the newest import, by which a copy of the catalogue knows its age."""
    newest = select(StandardImportRow.id).order_by(
        StandardImportRow.recorded_at.desc(), StandardImportRow.last_sequence.desc()
    )
    return session.scalar(newest.limit(1))


def current_editions(session: Session, codes: Sequence[str]) -> dict[str, StoredEdition]:
    """Return the editions with these codes as the catalogue says now."""
    table = StandardEditionRow
    found: dict[str, StoredEdition] = {}
    for part in chunks(codes, _NAMED_AT_ONCE):
        statement = select(table.id, table.code, table.content).where(
            table.code.in_(part), table.superseded_at.is_(None)
        )
        found |= {row.code: StoredEdition(*row) for row in session.execute(statement)}
    return found


def insert_editions(
    session: Session, editions: Sequence[NewEdition], *, import_id: str, at: datetime
) -> None:
    """Store editions; the index of SQLite wants ascending numbers."""
    for part in chunks(sorted(editions, key=lambda edition: edition.number), _CHUNK):
        session.execute(
            _EDITIONS.insert(),
            [
                {
                    "id": edition.number,
                    "code": edition.code,
                    "standard": edition.standard,
                    "content": edition.content,
                    "starts": edition.interval[0],
                    "ends": edition.interval[1],
                    "import_id": import_id,
                    "recorded_at": at,
                    "superseded_at": None,
                }
                for edition in part
            ],
        )
        session.execute(
            _KEYS.insert(),
            [
                {"key": key, "place": edition.place, "edition_id": edition.number}
                for edition in part
                for key in edition.keys
            ],
        )
        _insert_terms(session, part)


def _insert_terms(session: Session, editions: Iterable[NewEdition]) -> None:
    if _is_postgresql(session):
        statement = "INSERT INTO standard_search (id, terms) VALUES (:id, CAST(:terms AS tsvector))"
        rows = [{"id": each.number, "terms": tsvector(each.terms)} for each in editions]
    else:
        statement = "INSERT INTO standard_search (rowid, terms) VALUES (:id, :terms)"
        rows = [{"id": each.number, "terms": " ".join(each.terms)} for each in editions]
    session.execute(text(statement), rows)


def supersede_editions(session: Session, numbers: Sequence[int], *, at: datetime) -> None:
    """Close editions, and take them out of the search."""
    for part in chunks(numbers, _NAMED_AT_ONCE):
        row = StandardEditionRow
        session.execute(update(row).where(row.id.in_(part)).values(superseded_at=at))
        keys = delete(StandardCodeKeyRow).where(StandardCodeKeyRow.edition_id.in_(part))
        session.execute(keys)
        if _is_postgresql(session):
            gone = text("DELETE FROM standard_search WHERE id IN :ids")
            expanded = gone.bindparams(bindparam("ids", expanding=True))
            session.execute(expanded, {"ids": list(part)})


def refresh_statistics(session: Session) -> None:
    """Bring what the planner knows up to date after a large import."""
    if _is_postgresql(session):
        session.execute(text("SELECT gin_clean_pending_list('ix_standard_search_terms')"))
        for table in ("standard_editions", "standard_code_keys", "standard_search"):
            session.execute(text(f"ANALYZE {table}"))


def current_facts(session: Session) -> dict[tuple[FactKind, str], int]:
    """Return the number of every fact that stands, by its kind and line."""
    row = StandardFactRow
    statement = select(row.kind, row.content, row.id).where(row.superseded_at.is_(None))
    return {(kind, content): number for kind, content, number in session.execute(statement)}


def insert_facts(session: Session, facts: Iterable[Fact], *, import_id: str, at: datetime) -> None:
    """Store facts."""
    rows = [
        {
            "kind": fact.kind,
            "source": fact.source,
            "target": fact.target,
            "content": fact.content,
            "import_id": import_id,
            "recorded_at": at,
            "superseded_at": None,
        }
        for fact in facts
    ]
    if rows:
        session.execute(insert(StandardFactRow), rows)


def supersede_facts(session: Session, numbers: Sequence[int], *, at: datetime) -> None:
    """Close facts."""
    row = StandardFactRow
    for part in chunks(numbers, _NAMED_AT_ONCE):
        session.execute(update(row).where(row.id.in_(part)).values(superseded_at=at))


def fact_lines(session: Session, *, at: datetime | None = None) -> list[tuple[FactKind, str]]:
    """Return kind and line of every fact that stands, or stood at a moment."""
    row = StandardFactRow
    statement = select(row.kind, row.content).order_by(row.id)
    return [(k, c) for k, c in session.execute(statement.where(*_standing(row, at)))]


def facts_about(session: Session, codes: Sequence[str]) -> list[tuple[FactKind, str]]:
    """Return kind and line of the facts that name one of these codes."""
    row = StandardFactRow
    statement = (
        select(row.kind, row.content)
        .where(or_(row.source.in_(codes), row.target.in_(codes)), row.superseded_at.is_(None))
        .order_by(row.id)
    )
    return [(k, c) for k, c in session.execute(statement)]


def named_standards(session: Session) -> set[str]:
    """Return every code that a fact names."""
    row = StandardFactRow
    statement = select(row.source, row.target).where(row.superseded_at.is_(None))
    return {code for pair in session.execute(statement) for code in pair if code}


def editions_of(session: Session, standards: Sequence[str]) -> list[StandardEditionRow]:
    """Return the editions of standards, by their undated codes, as the catalogue says now."""
    row = StandardEditionRow
    found: list[StandardEditionRow] = []
    for part in chunks(standards, _NAMED_AT_ONCE):
        statement = select(row).where(row.standard.in_(part), row.superseded_at.is_(None))
        found += session.scalars(statement.order_by(row.code))
    return found


def find_edition(session: Session, code: str) -> StandardEditionRow | None:
    """Return an edition by its canonical code as the catalogue says now."""
    row = StandardEditionRow
    return session.scalar(select(row).where(row.code == code, row.superseded_at.is_(None)))


def versions_of(session: Session, code: str) -> list[StandardEditionRow]:
    """Return everything that was ever recorded about an edition, the newest record first."""
    row = StandardEditionRow
    return list(
        session.scalars(select(row).where(row.code == code).order_by(row.recorded_at.desc()))
    )


def codes_with_prefix(session: Session, prefix: str, *, limit: int) -> list[str]:
    """Return codes of which a key begins with `prefix`, in the order of keys."""
    key, row = StandardCodeKeyRow, StandardEditionRow
    statement = (
        select(row.code)
        .join(key, key.edition_id == row.id)
        .where(key.key >= prefix, key.key < prefix + _HIGHEST, row.superseded_at.is_(None))
        .order_by(key.key, key.place)
        .limit(2 * limit)
    )
    return list(dict.fromkeys(session.scalars(statement)))[:limit]


def codes_standing(session: Session, at: datetime | None = None) -> list[tuple[int, str]]:
    """Return number and code of every edition that stands, or stood at a moment."""
    row = StandardEditionRow
    return [(n, c) for n, c in session.execute(select(row.id, row.code).where(*_standing(row, at)))]


def contents(session: Session, numbers: Sequence[int]) -> Iterator[str]:
    """Yield the lines of editions in the order of their given numbers."""
    row = StandardEditionRow
    for part in chunks(numbers, _NAMED_AT_ONCE):
        statement = select(row.id, row.content).where(row.id.in_(part))
        found = {each.id: each.content for each in session.execute(statement)}
        yield from (found[number] for number in part)


def imports(session: Session, ids: Iterable[str]) -> dict[str, StandardImportRow]:
    """Return imports by id."""
    row = StandardImportRow
    return {each.id: each for each in session.scalars(select(row).where(row.id.in_(list(ids))))}


def releases(session: Session) -> list[StandardReleaseRow]:
    """Return every release, the newest first."""
    row = StandardReleaseRow
    return list(session.scalars(select(row).order_by(row.number.desc())))


def _standing(
    row: type[StandardEditionRow | StandardFactRow], at: datetime | None
) -> list[ColumnElement[bool]]:
    """Return the conditions of what stands now, or stood at a moment."""
    if at is None:
        return [row.superseded_at.is_(None)]
    return [row.recorded_at <= at, or_(row.superseded_at.is_(None), row.superseded_at > at)]


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
