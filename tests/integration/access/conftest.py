from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit import schema
from registry.kit.database import Database
from tests.support.access_world import AccessWorld, Api, access_world, api_of
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import make_template


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    name = postgres.create()
    database = Database(postgres.url(name))
    schema.upgrade(database)
    schema.check(database)
    database.dispose()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield an empty migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "registry.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(template=request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[AccessWorld]:
    with access_world(url, tmp_path) as built:
        yield built


@pytest.fixture
def api(world: AccessWorld) -> Iterator[Api]:
    built = api_of(world)
    yield built
    built.app.state.database.dispose()
