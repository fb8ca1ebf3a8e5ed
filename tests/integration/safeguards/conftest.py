from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit import schema
from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import NOW, make_template
from tests.support.registry_world import World, build_world, open_world


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def sqlite_world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    installation = Installation(folder, sqlite_template, now=NOW)
    build_world(installation)
    installation.database.dispose()
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_world(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    name, folder = postgres.create(), tmp_path_factory.mktemp("postgres-world")
    database = Database(postgres.url(name))
    schema.upgrade(database)
    schema.check(database)
    database.dispose()
    installation = Installation(folder, postgres.url(name), now=NOW)
    build_world(installation)
    installation.database.dispose()
    return name, folder


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The sample registry on each kind of database."""
    if request.param == "sqlite":
        folder: Path = request.getfixturevalue("sqlite_world")
        installation = Installation(tmp_path, folder / "lancang.db", now=NOW)
        shutil.copytree(folder / "keys", tmp_path / "keys")
        yield open_world(installation)
        installation.database.dispose()
        return
    template, folder = request.getfixturevalue("postgres_world")
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(template=template)
    installation = Installation(tmp_path, server.url(name), now=NOW)
    shutil.copytree(folder / "keys", tmp_path / "keys")
    yield open_world(installation)
    installation.database.dispose()
    server.drop(name)
