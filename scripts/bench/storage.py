"""What a certificate takes in the database, and how that grows with their number.

One thousand varied certificates are really issued and anchored. For larger numbers their rows are
repeated under new random ids and leaves, which fills tables and indexes in the same way.
`BENCH_CERTIFICATES` names the largest number; 1 000 000 takes some minutes.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from registry.certificates.bulk import BulkIssue
from registry.kit.json_bytes import checked_bytes
from scripts.bench.bulk import OpenIssuer
from scripts.bench.figure import Figure
from tests.support.anchoring import Installation
from tests.support.registry_database import NOW, make_template
from tests.support.registry_world import LI, WANG, World, build_world
from tests.support.varied_documents import varied_documents

ISSUED: Final = 1000
LARGEST: Final = int(os.environ.get("BENCH_CERTIFICATES", "100000"))
GOAL_BYTES: Final = 1200.0
SEED: Final = 2  # not that of the documents that trained the dictionary
_LEVEL_BYTES: Final = 2 * 64  # tree levels in the object store, for certificate and offline code
_PORTION: Final = 10_000
# What proves a certificate and its offline code; the rest is about people and work.
_EVIDENCE: Final = ("disclosures", "issued_tokens", "leaves", "summaries")
_COPIED: Final = ("certificates", "approvals", "status_entries", "issued_tokens", "disclosures")


def measure() -> list[Figure]:
    """Return bytes a certificate at growing numbers, beside the limit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "world").mkdir()
        installation = Installation(folder / "world", make_template(folder), now=NOW)
        world = build_world(installation)
        issued = _issue(world)
        installation.database.dispose()
        path = folder / "world" / "lancang.db"
        figures = [_tokens(issued), *_figures(path, ISSUED)]
        number = ISSUED
        while number * 10 <= LARGEST:
            _repeat(path, number * 9)
            number *= 10
            figures += _figures(path, number)
    return figures


def _issue(world: World) -> int:
    """Issue and anchor varied certificates; return the bytes of their tokens with disclosures."""
    bulk = BulkIssue(
        database=world.database,
        open_issuer=lambda: OpenIssuer(world),
        maker=LI,
        approver=WANG,
        clock=world.clock,
    )
    documents = list(varied_documents(ISSUED, seed=SEED, prefix="DEMO-STORED"))
    outcome = bulk.run([("documents.json", checked_bytes(documents))])
    world.anchor()
    delivered = [world.deliver(each.certificate_id) for each in outcome.issued[:40]]
    return sum(len(each.compact) for each in delivered) // len(delivered)


def _tokens(delivered: int) -> Figure:
    return Figure(
        part="a certificate as it is delivered, without proofs",
        ours=delivered,
        peer=GOAL_BYTES,
        peer_name="limit of storage",
        unit="B",
    )


def _figures(path: Path, number: int) -> list[Figure]:
    """Return what evidence takes, and at the issued number what the whole database takes."""
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("VACUUM")
        tables = dict(
            database.execute(
                "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m"
                " ON m.name = s.name GROUP BY m.tbl_name"
            ).fetchall()
        )
    evidence = sum(tables.get(name, 0) for name in _EVIDENCE) / number + _LEVEL_BYTES
    work = sum(tables.get(name, 0) for name in ("certificates", "approvals", "status_entries"))
    figures = [
        Figure(part=f"evidence of one among {number:,}: record, token, leaves, tree levels",
               ours=evidence, peer=GOAL_BYTES, peer_name="limit", unit="B", goal=1.0),
        Figure(part=f"its place in the work, among {number:,}: draft, approval, status position",
               ours=work / number, peer=GOAL_BYTES, peer_name="limit of evidence", unit="B"),
    ]  # fmt: skip
    if number == ISSUED:
        trail = tables.get("audit_entries", 0) / number
        figures.append(
            Figure(part=f"its three entries in the audit trail, among {number:,}", ours=trail,
                   peer=GOAL_BYTES, peer_name="limit of evidence", unit="B")
        )  # fmt: skip
    return figures


def _repeat(path: Path, number: int) -> None:
    """Add copies of the issued certificates under new ids, numbers, positions and leaves."""
    with sqlite3.connect(path, isolation_level=None) as database:
        database.execute("PRAGMA synchronous = OFF")
        originals = _originals(database)
        done = 0
        while done < number:
            portion = min(_PORTION, number - done)
            database.execute("BEGIN")
            for table, statement, rows in _copies(originals, portion):
                database.executemany(statement.format(table=table), list(rows))
            database.execute("COMMIT")
            done += portion


_Originals = dict[str, tuple[list[str], list[tuple[object, ...]]]]


def _originals(database: sqlite3.Connection) -> _Originals:
    """Return columns and rows of one portion of certificates, every table in the same order."""
    found: _Originals = {}
    for table in (*_COPIED, "leaves"):
        own = "id" if table == "certificates" else "certificate_id"
        order = f"{own}, id" if table == "leaves" else own
        cursor = database.execute(
            f"SELECT * FROM {table} WHERE {own} IS NOT NULL ORDER BY {order} LIMIT "  # noqa: S608
            f"{2 * ISSUED if table == 'leaves' else ISSUED}"
        )
        found[table] = ([each[0] for each in cursor.description], cursor.fetchall())
    return found


def _copies(
    originals: _Originals, number: int
) -> Iterator[tuple[str, str, Iterator[tuple[object, ...]]]]:
    """Yield table, statement and rows; states go the way that the guards demand."""
    ids = [uuid.uuid4().hex for _ in range(number)]
    for table in _COPIED:
        columns, rows = originals[table]
        if table == "status_entries":
            yield (
                "certificates",
                _MOVE.format(table="{table}", state="approved"),
                ((i,) for i in ids),
            )
        yield table, _insert(columns), _renamed(columns, rows, ids)
    yield "certificates", _MOVE.format(table="{table}", state="signed"), ((i,) for i in ids)
    columns, rows = originals["leaves"]
    twice = [each for each in ids for _ in range(2)]  # certificate and offline code
    yield "leaves", _insert(columns[1:]), (row[1:] for row in _renamed(columns, rows, twice))


def _renamed(
    columns: list[str], rows: list[tuple[object, ...]], ids: list[str]
) -> Iterator[tuple[object, ...]]:
    """Yield rows in turn, one for each id, with what must be unique drawn anew."""
    for at, identifier in enumerate(ids):
        drawn: dict[str, object] = {
            "id": identifier,
            "certificate_id": identifier,
            "number": f"COPY-{identifier[:12]}",
            "state": "draft",
            "position": int.from_bytes(os.urandom(5)),
            "leaf": os.urandom(32),
        }
        row = rows[at % len(rows)]
        yield tuple(drawn.get(name, value) for name, value in zip(columns, row, strict=True))


_MOVE: Final = "UPDATE {table} SET state = '{state}' WHERE id = ?"


def _insert(columns: list[str]) -> str:
    places = ", ".join("?" * len(columns))
    return f"INSERT INTO {{table}} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
