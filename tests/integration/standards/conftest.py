from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry.kit import schema
from registry.kit.database import Database
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import copy_of, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_template(server: PostgresServer) -> str:
    name = server.create()
    database = Database(server.url(name))
    schema.upgrade(database)
    database.dispose()
    return name


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@contextmanager
def migrated(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """Yield a migrated database of the engine that a fixture asks for."""
    if request.param == "sqlite":
        with copy_of(request.getfixturevalue("template"), folder) as database:
            yield database
        return
    server: PostgresServer = request.getfixturevalue("server")
    name = server.create(template=request.getfixturevalue("postgres_template"))
    database = Database(server.url(name))
    try:
        yield database
    finally:
        database.dispose()
        server.drop(name)


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with migrated(request, tmp_path) as database:
        yield database


@pytest.fixture(scope="module", params=ENGINES)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database for the tests of a module that only read it."""
    with migrated(request, tmp_path_factory.mktemp("shared")) as database:
        yield database
