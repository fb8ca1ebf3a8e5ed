"""A registry on each kind of database: what needs one asks for these fixtures and runs on both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import (
    ENGINES,
    NOW,
    Databases,
    PostgresDatabases,
    SqliteDatabases,
    in_use,
)
from tests.support.registry_world import World, build_world, open_world

BuiltWorld = tuple[str, Path]  # URL of its database, folder of its keys


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this process."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return SqliteDatabases(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgresql_databases(postgres: PostgresServer) -> Databases:
    return PostgresDatabases(postgres)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of database on which the test runs."""
    name: str = request.param
    return name


@pytest.fixture
def databases(engine: str, request: pytest.FixtureRequest) -> Databases:
    found: Databases = request.getfixturevalue(f"{engine}_databases")
    return found


@pytest.fixture
def url(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database, which settings name by default."""
    with in_use(databases, databases.create(tmp_path)) as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def sqlite_world(
    sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> BuiltWorld:
    return _built(sqlite_databases, tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def postgresql_world(
    postgresql_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> BuiltWorld:
    return _built(postgresql_databases, tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(
    engine: str, databases: Databases, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[World]:
    """The sample registry, whose database settings name by default."""
    template, folder = request.getfixturevalue(f"{engine}_world")
    shutil.copytree(folder / "keys", tmp_path / "keys")
    with in_use(databases, databases.create(tmp_path, template)) as url:
        installation = Installation(tmp_path, url, now=NOW)
        yield open_world(installation)
        installation.database.dispose()


def _built(databases: Databases, folder: Path) -> BuiltWorld:
    url = databases.create(folder)
    installation = Installation(folder, url, now=NOW)
    build_world(installation)
    installation.database.dispose()
    return url, folder
