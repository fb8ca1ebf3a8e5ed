"""Searches: hits by the start of a code first, then by words, page by page, with bounded work.

Both engines are asked the same: the next few entries after a position, in the order of the index.
What has to be looked at besides (a day, filters of codes, records superseded since) is looked at
here, in portions, until the page is full or `MAX_EXAMINED` entries were seen; then the page ends
early, says so, and its cursor goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from sqlalchemy import Date, TextClause, bindparam, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from registry.standards.domain import (
    MAX_COUNTED,
    MAX_EXAMINED,
    Facets,
    Filters,
    Hit,
    Page,
    Position,
    Query,
    count_values,
    make_hit,
    read_cursor,
    write_cursor,
)
from registry.standards.errors import SearchTooCostlyError
from standards_catalog.search_terms import query_terms

FACETS: Final = ("country", "status", "kind")
STATEMENT_SECONDS: Final = 2.0  # PostgreSQL gives up; in SQLite a search cannot leave its index
_LARGEST_PORTION: Final = 1_000
_GROWTH: Final = 4
_HIGHEST: Final = "\U0010ffff"

_COLUMNS: Final = "e.content AS content, e.starts AS starts, e.ends AS ends"
# A record has several keys; it is a hit under the first of those that begin as asked.
_BY_CODE: Final = f"""
SELECT k.key AS key, k.place AS place, k.edition_id AS number, {_COLUMNS}
FROM standard_code_keys AS k JOIN standard_editions AS e ON e.id = k.edition_id
WHERE k.key >= :low AND k.key < :high
  AND (k.key, k.place, k.edition_id) > (:key, :place, :number)
  AND NOT EXISTS (SELECT 1 FROM standard_code_keys AS s WHERE s.edition_id = k.edition_id
                  AND s.key >= :low AND s.key < k.key)
ORDER BY k.key, k.place, k.edition_id LIMIT :limit
"""  # noqa: S608  (constants only)
_NOT_BY_CODE: Final = """
  AND NOT EXISTS (SELECT 1 FROM standard_code_keys AS s WHERE s.edition_id = e.id
                  AND s.key >= :low AND s.key < :high)
"""
_BY_WORDS: Final = {
    # CROSS JOIN keeps the order: SQLite must walk the index and look records up.
    "sqlite": f"""
SELECT w.rowid AS number, {_COLUMNS}
FROM standard_search AS w CROSS JOIN standard_editions AS e ON e.id = w.rowid
WHERE w.terms MATCH :query AND w.rowid > :number AND e.superseded_at IS NULL %s
ORDER BY w.rowid LIMIT :limit
""",  # noqa: S608  (constants only)
    "postgresql": f"""
SELECT w.id AS number, {_COLUMNS}
FROM standard_search AS w JOIN standard_editions AS e ON e.id = w.id
WHERE w.terms @@ CAST(:query AS tsquery) AND w.id > :number %s
ORDER BY w.id LIMIT :limit
""",  # noqa: S608  (constants only)
}
_ALL: Final = f"""
SELECT e.id AS number, {_COLUMNS} FROM standard_editions AS e
WHERE e.id > :number AND e.superseded_at IS NULL ORDER BY e.id LIMIT :limit
"""  # noqa: S608  (constants only)


def _typed(statement: str) -> TextClause:
    found = text(statement).columns(starts=Date, ends=Date)
    return found.bindparams(bindparam("on", type_=Date)) if ":on" in statement else found  # type: ignore[return-value]


_STATEMENTS: Final = {
    "code": _typed(_BY_CODE),
    "all": _typed(_ALL),
    **{name: _typed(sql % "") for name, sql in _BY_WORDS.items()},
    **{f"{name} rest": _typed(sql % _NOT_BY_CODE) for name, sql in _BY_WORDS.items()},
}


_INNER: Final = {
    "sqlite": "SELECT w.rowid AS number FROM standard_search AS w"
    " WHERE w.terms MATCH :query AND w.rowid > :number ORDER BY w.rowid LIMIT :examined",
    "postgresql": "SELECT w.id AS number FROM standard_search AS w"
    " WHERE w.terms @@ CAST(:query AS tsquery) AND w.id > :number ORDER BY w.id LIMIT :examined",
    "all": "SELECT e.id AS number FROM standard_editions AS e"
    " WHERE e.id > :number AND e.superseded_at IS NULL ORDER BY e.id LIMIT :examined",
}
# Of so many entries those that may be in force on a day; the day is looked at by the database.
_ON_DAY: Final = {
    name + suffix: _typed(
        f"SELECT c.number AS number, {_COLUMNS} FROM ({inner}) AS c"  # noqa: S608  (constants only)
        f" {'CROSS ' if name == 'sqlite' else ''}JOIN standard_editions AS e"
        " ON e.id = c.number WHERE e.superseded_at IS NULL AND e.starts <= :on AND e.ends > :on"
        f" {besides} ORDER BY c.number LIMIT :limit"
    )
    for name, inner in _INNER.items()
    for suffix, besides in (("", ""), (" rest", _NOT_BY_CODE))
}
_REACH: Final = {
    name: text(f"SELECT MAX(c.number) AS number, COUNT(*) AS seen FROM ({inner}) AS c")  # noqa: S608
    for name, inner in _INNER.items()
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the index that was looked at; `record` is None where it is no hit."""

    position: Position
    record: Mapping[str, Any] | None
    exhausting: bool = False  # so much was looked at for it that the page ends here


def make_query(typed: str, filters: Filters) -> Query:
    """Return the search for what somebody typed."""
    return Query(typed.strip(), query_terms(typed), filters)


def search(session: Session, query: Query, *, cursor: str | None, limit: int) -> Page:
    """Return one page of hits, best first.

    Raises:
        UnusableCursorError: The cursor is damaged or belongs to another search.
        SearchTooCostlyError: The database gave up.
    """
    start = read_cursor(cursor, query) if cursor else first_position(query)
    hits: list[Hit] = []
    before = start
    walk = _walk(session, query, start, want=limit + 1)
    for examined, entry in enumerate(walk, start=1):
        if entry.record is not None:
            if len(hits) == limit:
                return Page(hits=tuple(hits), next=write_cursor(before, query))
            by_code = entry.position.key is not None
            hits.append(make_hit(entry.record["code"], entry.record, query, by_code=by_code))
        before = entry.position
        if examined == MAX_EXAMINED or entry.exhausting:
            return Page(hits=tuple(hits), next=write_cursor(before, query), complete=False)
    return Page(hits=tuple(hits), next=None)


def count_facets(session: Session, query: Query) -> Facets:
    """Count how the first hits divide by country, status and kind.

    Raises:
        SearchTooCostlyError: The database gave up.
    """
    records: list[Mapping[str, Any]] = []
    complete = True
    walk = _walk(session, query, first_position(query), want=MAX_COUNTED + 1)
    for examined, entry in enumerate(walk):
        if len(records) == MAX_COUNTED or examined >= MAX_EXAMINED or entry.exhausting:
            complete = False
            break
        if entry.record is not None:
            records.append(entry.record)
    counts = count_values(records, FACETS)
    return Facets(counts=counts, counted=len(records), complete=complete)


def first_position(query: Query) -> Position:
    """Return where a search begins: among codes if it can be one."""
    return Position() if query.terms.code_prefix else Position(None)


def _walk(session: Session, query: Query, start: Position, *, want: int) -> Iterator[_Entry]:
    """Yield entries of the index after a position: by code, then by words."""
    bound_work(session)
    try:
        if start.key is not None:
            any_code = start != Position()
            for entry in _portions(session, query, start, want):
                any_code = True
                yield entry
            if any_code and not query.terms.code_prefix.isdigit():
                return  # the words of a code that was found say nothing new
            start = Position(None)
        if query.filters.on is not None:
            yield from _on_day(session, query, start, want)
        else:
            yield from _portions(session, query, start, want)
    except OperationalError as error:
        if "statement timeout" in str(error.orig):
            message = f"given up after {STATEMENT_SECONDS:g} s; name more or longer words"
            raise SearchTooCostlyError(message) from error
        raise


def _portions(session: Session, query: Query, start: Position, want: int) -> Iterator[_Entry]:
    """Yield the entries of one section, read in growing portions."""
    name, values = _statement_of(session, query, start)
    portion = want
    while True:
        rows = session.execute(
            _STATEMENTS[name],
            values
            | {"number": start.number, "limit": portion}
            | ({"key": start.key, "place": start.order} if name == "code" else {}),
        ).all()
        for row in rows:
            if name == "code":
                start = Position(row.key, row.place, row.number)
            else:
                start = replace(start, number=row.number)
            yield _Entry(start, _accepted(query.filters, row, check_all=name == "code"))
        if len(rows) < portion:
            return
        portion = min(portion * _GROWTH, _LARGEST_PORTION)


def _on_day(session: Session, query: Query, start: Position, want: int) -> Iterator[_Entry]:
    """Yield the entries of one section that may be in force on the day asked for."""
    dialect = session.get_bind().dialect.name
    asked = query.fts5() if dialect == "sqlite" else query.tsquery()
    name = dialect if asked else "all"
    values: dict[str, Any] = {"number": start.number, "examined": MAX_EXAMINED, "query": asked}
    if not asked:
        del values["query"]
    besides: dict[str, Any] = {"on": query.filters.on, "limit": want}
    suffix = ""
    if prefix := query.terms.code_prefix:
        suffix = " rest"
        besides |= {"low": prefix, "high": prefix + _HIGHEST}
    rows = session.execute(_ON_DAY[name + suffix], values | besides).all()
    for row in rows:
        yield _Entry(replace(start, number=row.number), orjson.loads(row.content))
    if len(rows) < want:
        reach = session.execute(_REACH[name], values).one()
        if reach.seen == MAX_EXAMINED:
            yield _Entry(replace(start, number=reach.number), None, exhausting=True)


def _statement_of(session: Session, query: Query, start: Position) -> tuple[str, dict[str, Any]]:
    """Return the name of the statement that reads a section, and its values."""
    prefix = query.terms.code_prefix
    bounds = {"low": prefix, "high": prefix + _HIGHEST}
    if start.key is not None:
        return "code", bounds
    dialect = session.get_bind().dialect.name
    asked = query.fts5() if dialect == "sqlite" else query.tsquery()
    if not asked:
        return "all", {}
    if prefix:
        return f"{dialect} rest", {"query": asked, **bounds}
    return dialect, {"query": asked}


def _accepted(filters: Filters, row: Any, *, check_all: bool) -> Mapping[str, Any] | None:  # noqa: ANN401
    """Return the record of a row if it passes; terms of the index have checked all but the day."""
    if filters.on is not None and not row.starts <= filters.on < row.ends:
        return None
    record: Mapping[str, Any] = orjson.loads(row.content)
    return record if not check_all or filters.accepts(record) else None


def bound_work(session: Session) -> None:
    """Bound the time of the statements of this transaction, and plan them for their values."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text(
                "SELECT set_config('statement_timeout', :ms, true),"
                " set_config('plan_cache_mode', 'force_custom_plan', true)"
            ),
            {"ms": str(int(STATEMENT_SECONDS * 1000))},
        )
