"""Search over one million made records on SQLite and PostgreSQL, and imports into the database.

The SQLite file is made once and kept under out/bench; PostgreSQL is filled from it. The figure
beside ours is the bare query: one statement over the same index, written here by hand, sent by the
driver, its rows fetched and thrown away.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import text

from registry.kit import schema
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.standards.domain import Filters, Query, filter_terms
from registry.standards.importing import ReadFile, read_file
from registry.standards.models import ImportFormat
from registry.standards.repository import refresh_statistics
from registry.standards.searching import make_query, search
from registry.standards.service import import_file
from scripts.bench.figure import Figure
from standards_catalog.editions import Edition, Kind, Status
from standards_catalog.identifiers import parse_identifier
from standards_catalog.importers.template_csv import write_template_csv
from standards_catalog.provenance import Confidence, PartialDate, Provenance
from standards_catalog.search_terms import index_terms, tsvector
from tests.support.postgres import postgres_server

RECORDS: Final = 1_000_000
PORTION: Final = 100_000
LIMIT: Final = 20  # as in the bare statements below
GOAL: Final = 2.0
GOAL_IMPORT_SECONDS: Final = 60.0
FOLDER: Final = Path("out/bench")
_ROUNDS: Final = 3
_PATIENCE: Final = 60.0  # seconds for the queries of one engine
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SOURCE: Final = Provenance(
    source="made for measurement", source_date=_AT.date(), confidence=Confidence.LOW
)


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split("|"))


# Names of things, then what a standard says of them; separated by bars.
_ZH: Final = _words(
    "水泥|混凝土|钢材|木材|玻璃|陶瓷|橡胶|塑料|涂料|肥料|食品|饲料|水果|榴莲|咖啡|茶叶|大米|锡锭|铅锌|铜矿|煤炭|石油|"
    "电池|电缆|轮胎|纺织|服装|玩具|家具|纸张|饮用水|土壤|大气|辐射|重金属|农药|兽药|微生物|添加剂|包装"
)
_ZH_ENDS: Final = _words(
    "取样方法|化学分析方法|强度检验|术语|分类|技术条件|通用要求|限量|测定|检疫规程|标志|贮存|安全规范|性能试验|"
    "放射性核素|残留量|实验室|能力|评定|指南"
)
_EN: Final = _words(
    "cement|concrete|steel|timber|glass|ceramic|rubber|plastic|coating|fertilizer|food|feed|"
    "fruit|durian|coffee|tea|rice|tin|lead|copper|coal|petroleum|battery|cable|tyre|textile|"
    "garment|toy|furniture|paper|water|soil|air|radiation|metal|pesticide|drug|microbe|"
    "additive|package"
)
_EN_ENDS: Final = _words(
    "sampling|chemical analysis|determination of strength|vocabulary|classification|"
    "specification|general requirements|limits|test methods|quarantine|marking|storage|"
    "safety|performance tests|radionuclides|residues|laboratories|competence|assessment|"
    "guidelines"
)
_SERIES: Final = (("GB/T", "CN", "-"), ("GB", "CN", "-"), ("ISO", "INT", ":"), ("TCVN", "VN", ":"))


def measure() -> list[Figure]:
    """Return search times on both engines beside bare queries, and the cost of an import."""
    path = FOLDER / "standards.db"
    if not path.exists():
        _make(path)
    queries = _queries()
    figures = [_import_figure(), _sqlite_figure(path, queries)]
    with postgres_server() as server:
        url = server.url(server.create())
        figures.append(_postgres_figure(path, url, queries))
    return figures


def made_editions(start: int, stop: int) -> Iterator[Edition]:
    """Yield made editions; words are drawn unevenly, as in real titles."""
    chance = random.Random(start)  # noqa: S311  (no secret)
    kinds, states = list(Kind), [Status.PUBLISHED] * 6 + [Status.SUPERSEDED] * 3 + [Status.DRAFT]
    weights = [1 / rank for rank in range(1, len(_ZH) + 1)]
    for number in range(start, stop):
        series, country, mark = _SERIES[number % len(_SERIES)]
        year = 1980 + number // 7 % 46
        thing, end = chance.choices(range(len(_ZH)), weights)[0], chance.randrange(len(_ZH_ENDS))
        yield Edition(
            id=parse_identifier(
                f"{series} {number // 4 + 1}.{number % 9 + 1}{mark}{year}"
                if country == "CN"
                else f"{series} {number // 4 + 1}{mark}{year}"
            ),
            publisher=series,
            country=country,
            kind=kinds[number % len(kinds)],
            status=states[number % len(states)],
            titles=(
                ("en", f"{_EN[thing].capitalize()} part {number % 1000}: {_EN_ENDS[end]}"),
                ("zh", f"{_ZH[thing]}第{number % 1000}部分{_ZH_ENDS[end]}"),
            ),
            published=PartialDate(year, 5, 1),
            ics=(f"{number % 97 + 1:02d}.{number % 90:03d}",),
            hs_hint=(f"{number % 96 + 1:02d}{number % 20 + 1:02d}",),
            provenance=_SOURCE,
        )


def _make(path: Path) -> None:
    """Make the million records; a file that is not complete never gets the name."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".making")
    for old in FOLDER.glob("standards.making*"):
        old.unlink()
    database = Database(f"sqlite:///{unfinished}")
    schema.upgrade(database)
    for start in range(0, RECORDS, PORTION):
        _import(database, _file(tuple(made_editions(start, start + PORTION))))
    database.dispose()  # the last connection writes the log back into the file
    shutil.move(unfinished, path)


def _file(editions: tuple[Edition, ...]) -> ReadFile:
    return ReadFile(
        source="made", format=ImportFormat.CSV, sha256=bytes(32), read_on=_AT.date(),
        editions=editions, rows=len(editions),
    )  # fmt: skip


def _import(database: Database, file: ReadFile) -> None:
    with database.begin() as session:
        import_file(session, file, actor=Actor("bench"), at=_AT)


def _import_figure() -> Figure:
    """Return the CPU of reading and storing a CSV file of 100 000 records, from bytes to commit."""
    content = write_template_csv(made_editions(0, PORTION)).encode()
    path = FOLDER / "import.db"
    for old in FOLDER.glob("import.db*"):
        old.unlink()
    database = Database(f"sqlite:///{path}")
    schema.upgrade(database)
    begun = time.process_time()
    _import(database, read_file(content, source="made.csv", read_on=_AT.date()))
    spent = time.process_time() - begun
    database.dispose()
    path.unlink()
    return Figure(
        part="import of 100 000 records, CSV file to committed SQLite with its index",
        ours=spent, peer=GOAL_IMPORT_SECONDS, peer_name="goal", unit="s CPU", goal=1.0,
    )  # fmt: skip


def _queries() -> list[Query]:
    """Return what people and hostile programs ask: codes, words, both, filters."""
    chance = random.Random(7)  # noqa: S311  (no secret)
    codes = [f"{s} {chance.randrange(1, 250_000)}" for s, _, _ in islice(_SERIES * 15, 60)]
    spelled = ["gbt 17671", "GB/T　1767", "gb12", "ISO679", "tcvn-60", "17671", "１２３４", "gb"]
    zh = list(_ZH) + [word[0] for word in _ZH[:12]]
    pairs = [f"{a} {b}" for a, b in islice(product(_ZH[::3], _ZH_ENDS[::4]), 30)]
    en = [f"{a} {b}" for a, b in islice(product(_EN[::3], _EN_ENDS[::4]), 40)] + list(_EN[:10])
    typed = [word[:length] for word in _EN[:10] for length in (1, 2, 3)]
    hostile = ["a " * 100, "部分" * 60, '"*" OR NOT ("', "zzzzzz", "水泥 guidelines 第999", "%_%"]
    plain = Filters()
    found = [make_query(t, plain) for t in (*codes, *spelled, *zh, *pairs, *en, *typed, *hostile)]
    filtered = [
        make_query(word, replace(plain, **members))
        for word, members in product(
            ("水泥", "cement", ""),
            ({"country": "VN"}, {"ics": "91"}, {"hs": "2523"}, {"status": Status.DRAFT},
             {"on": date(2001, 5, 1)}, {"country": "INT", "kind": Kind.LIMIT}),
        )
    ]  # fmt: skip
    return found + filtered


def _sqlite_figure(path: Path, queries: Sequence[Query]) -> Figure:
    database = Database(f"sqlite:///{path}")
    bare = sqlite3.connect(path)

    def ask(query: Query) -> object:
        statement, values = _bare(query, sqlite=True)
        return bare.execute(statement, values).fetchall()

    try:
        return _figure("SQLite", database, queries, ask)
    finally:
        bare.close()
        database.dispose()


def _postgres_figure(path: Path, url: str, queries: Sequence[Query]) -> Figure:
    database = Database(url)
    schema.upgrade(database)
    conninfo = url.replace("+psycopg", "")
    with psycopg.connect(conninfo) as connection:
        _copy(path, connection)
    with database.begin() as session:
        refresh_statistics(session)
    with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    bare = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)

    def ask(query: Query) -> object:
        statement, values = _bare(query, sqlite=False)
        return bare.execute(statement, values).fetchall()

    try:
        return _figure("PostgreSQL", database, queries, ask)
    finally:
        bare.close()
        database.dispose()


# One statement for the same question: the section that answers it, and the day if one is asked for.
_BARE_CODE: Final = (
    "SELECT e.content FROM standard_code_keys k JOIN standard_editions e ON e.id = k.edition_id "
    "WHERE k.key >= %s AND k.key < %s ORDER BY k.key, k.place, k.edition_id LIMIT 20"
)
_BARE_SQLITE: Final = (
    "SELECT e.content FROM standard_search w CROSS JOIN standard_editions e ON e.id = w.rowid "
    "WHERE w.terms MATCH ? AND e.starts <= ? AND e.ends > ? ORDER BY w.rowid LIMIT 20"
)
_BARE_POSTGRES: Final = (
    "SELECT e.content FROM standard_search w JOIN standard_editions e ON e.id = w.id "
    "WHERE w.terms @@ CAST(%s AS tsquery) AND e.starts <= %s AND e.ends > %s "
    "ORDER BY w.id LIMIT 20"
)
_BARE_ALL: Final = (
    "SELECT content FROM standard_editions WHERE starts <= %s AND ends > %s ORDER BY id LIMIT 20"
)


def _bare(query: Query, *, sqlite: bool) -> tuple[str, tuple[object, ...]]:
    """Return the bare statement for a query, and its values."""
    key, asked = query.terms.code_prefix, query.fts5() if sqlite else query.tsquery()
    low = high = query.filters.on or _AT.date()
    if query.filters.on is None:
        low, high = date.max, date.min
    days: tuple[object, ...] = (low.isoformat(), high.isoformat()) if sqlite else (low, high)
    if key:
        statement, values = _BARE_CODE, (key, key + "\U0010ffff")
    elif asked:
        statement, values = (_BARE_SQLITE if sqlite else _BARE_POSTGRES), (asked, *days)
    else:
        statement, values = _BARE_ALL, days
    return (statement.replace("%s", "?") if sqlite else statement), values


def _figure(
    engine: str, database: Database, queries: Sequence[Query], bare: Callable[[Query], object]
) -> Figure:
    """Return the p99 of our search beside that of the bare query, both taken in turns.

    Of three times for each query the middle one counts: the machine's noise is not the search's.
    """
    # SQLite works in this process, so its CPU time says it all, however busy the machine is.
    clock = time.process_time if engine == "SQLite" else time.perf_counter
    ours, theirs = [], []
    ask = _asking(database)
    deadline = time.monotonic() + _PATIENCE
    for query in queries:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{engine}: {len(ours)} of {len(queries)} queries in {_PATIENCE} s")
        pairs = [
            (_seconds(bare, query, clock), _seconds(ask, query, clock)) for _ in range(_ROUNDS)
        ]
        theirs.append(statistics.median(pair[0] for pair in pairs))
        ours.append(statistics.median(pair[1] for pair in pairs))
    return Figure(
        part=f"search of one million records on {engine}, p99 of {len(queries)} queries",
        ours=_p99(ours) * 1e3,
        peer=_p99(theirs) * 1e3,
        peer_name="bare query",
        unit="ms CPU" if engine == "SQLite" else "ms",
        goal=GOAL,
    )


def _asking(database: Database) -> Callable[[Query], object]:
    def ask(query: Query) -> object:
        with database.read() as session:
            typed = make_query(query.text, query.filters)  # cutting the words is part of a search
            return search(session, typed, cursor=None, limit=LIMIT)

    return ask


def _seconds(work: Callable[[Query], object], query: Query, clock: Callable[[], float]) -> float:
    begun = clock()
    work(query)
    return clock() - begun


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _copy(path: Path, connection: psycopg.Connection[Any]) -> None:
    """Copy the records from SQLite; terms are cut again, since SQLite does not give them back."""
    source = sqlite3.connect(path)
    for table, columns in (
        ("standard_imports", "id, source, format, sha256, licence, attribution, read_on, rows, "
         "added, changed, unchanged, skipped, last_sequence, recorded_at, recorded_by"),
        ("standard_editions", "id, code, standard, content, starts, ends, import_id, recorded_at"),
        ("standard_code_keys", "key, place, edition_id"),
    ):  # fmt: skip
        with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in source.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608
                copy.write_row(row)
    with connection.cursor().copy("COPY standard_search (id, terms) FROM STDIN") as copy:
        for number, terms in _terms(source):
            copy.write_row((number, terms))
    source.close()


def _terms(source: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield number and terms of every record."""
    for number, content in source.execute("SELECT id, content FROM standard_editions"):
        record = json.loads(content)
        standard = parse_identifier(record["code"])
        index = index_terms(standard, (record["title_en"], record["title_zh"]))
        keys = (key.casefold() for key in index.code_keys)
        yield number, tsvector((*index.terms, *keys, *filter_terms(record)))
