"""Migrations with data in the tables: from nothing, from every revision, and back to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, MetaData, Table, inspect, select, text

from registry.certificates.cold_contents import ColdContents, attach_cold_contents
from registry.certificates.models import CertificateRow
from registry.certificates.signed_contents import document_of
from registry.kit import schema
from registry.kit.database import Base, Database
from tests.support.anchoring import Installation
from tests.support.full_registry import bring_back, contents_of, fill
from tests.support.registry_database import ENGINES, NOW, Databases
from tests.support.registry_world import open_world

Rows = Mapping[str, list[dict[str, Any]]]

REVISIONS = [
    script.revision
    for script in ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()
][::-1]
Full = tuple[Databases, str, Path]  # the last is the folder with its object store
_COLD = "20261121_0017_cold"
INTERNAL = {"alembic_version"}
# Columns whose text one revision keeps in another form; "summaries" then have rows of their own.
WRITTEN_ANEW = {
    "certificates": {"document"},
    "disclosures": {"disclosures"},
    "issued_tokens": {"jwt"},
    "summaries": set[str](),
}
# What the migrations make by hand, see `registry.migrations.env.include_name`.
INVERTED_INDEX = "standard_search"
_LEFT_BEHIND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE '%alembic_version%'",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relname NOT LIKE 'alembic_version%'"
    " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    " UNION SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"
    " AND typname NOT LIKE '%alembic_version'",
}


@pytest.fixture(scope="module", params=ENGINES)
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Full]:
    """A database at the newest revision in which every table has rows."""
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    template, keys = request.getfixturevalue(f"{request.param}_world")
    folder: Path = tmp_path_factory.mktemp("full")
    shutil.copytree(keys / "keys", folder / "keys")
    url = databases.create(folder, template)
    installation = Installation(folder, url, now=NOW)
    fill(open_world(installation))
    installation.database.dispose()
    yield databases, url, folder
    databases.drop(url)


@pytest.fixture
def filled(full: Full, tmp_path: Path) -> Iterator[Database]:
    databases, template, folder = full
    url = databases.create(tmp_path, template)
    database = Database(url)
    contents = contents_of(database, folder)
    attach_cold_contents(database, ColdContents(lambda: (contents.objects, contents.ring)))
    yield database
    database.dispose()
    databases.drop(url)


def downgrade(database: Database, revision: str) -> None:
    config = schema.alembic_config()
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def rows_of(database: Database) -> Rows:
    """Return the rows of every table, in an order of their own."""
    metadata = MetaData()
    metadata.reflect(database.engine, only=lambda name, _: not name.startswith(INVERTED_INDEX))
    with database.engine.connect() as connection:
        return {
            name: sorted(
                (dict(row) for row in connection.execute(select(table)).mappings()), key=repr
            )
            for name, table in metadata.tables.items()
            if name not in INTERNAL
        }


def common(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    return sorted(({name: row[name] for name in columns} for row in rows), key=repr)


def columns_of(rows: Rows, table: str) -> set[str]:
    return set(rows[table][0])


def documents_of(database: Database) -> dict[str, str]:
    """Return every document as the program reads it, by id of its certificate."""
    with database.read() as session:
        rows = session.scalars(select(CertificateRow)).all()
        return {row.id: str(document_of(session, row)) for row in rows}


def checks_of(table: Table) -> set[str]:
    return {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint)}


def test_from_nothing_and_back(databases: Databases, tmp_path: Path) -> None:
    url = databases.empty(tmp_path)
    database = Database(url)
    try:
        assert schema.current_revision(database) is None
        schema.upgrade(database)
        schema.check(database)
        assert schema.current_revision(database) == schema.head_revision() == REVISIONS[-1]
        downgrade(database, "base")
        with database.read() as session:
            left = session.scalars(text(_LEFT_BEHIND[database.engine.dialect.name])).all()
        assert left == []
        schema.upgrade(database)
        schema.check(database)
    finally:
        database.dispose()
        databases.drop(url)


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    schema.upgrade(database)
    assert schema.current_revision(database) == schema.head_revision()


def test_constraints_have_the_names_that_the_models_say(database: Database) -> None:
    """The comparison of Alembic passes over check constraints."""
    inspector = inspect(database.engine)
    for name, table in Base.metadata.tables.items():
        found = {str(check["name"]) for check in inspector.get_check_constraints(name)}
        assert found == checks_of(table), name


def test_every_table_has_rows(filled: Database) -> None:
    """Otherwise the tests below would show nothing; `tests.support.full_registry` fills them."""
    rows = rows_of(filled)
    assert set(rows) == set(Base.metadata.tables)
    assert [name for name, found in rows.items() if not found] == []


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_data_survives_the_way_back_and_forth(filled: Database, full: Full, revision: str) -> None:
    if REVISIONS.index(revision) < REVISIONS.index(_COLD):
        bring_back(contents_of(filled, full[2]), NOW.year)
    before, documents = rows_of(filled), documents_of(filled)
    downgrade(filled, revision)
    assert schema.current_revision(filled) == revision
    old = rows_of(filled)
    for name in old.keys() - WRITTEN_ANEW.keys():
        columns = columns_of(old, name) & columns_of(before, name)
        assert common(old[name], columns) == common(before[name], columns), name
    for name, anew in WRITTEN_ANEW.items():
        columns = (columns_of(old, name) & columns_of(before, name)) - anew
        kept = common(before[name], columns)
        assert [row for row in kept if row not in common(old[name], columns)] == [], name

    schema.upgrade(filled)

    schema.check(filled)
    after = rows_of(filled)
    assert set(after) == set(before)
    for name in old:
        columns = columns_of(old, name) & columns_of(before, name)
        assert common(after[name], columns) == common(before[name], columns), name
    assert documents_of(filled) == documents
