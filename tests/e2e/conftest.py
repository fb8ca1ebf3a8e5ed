from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, postgres_server
from tests.support.registry_database import ENGINES
from tests.support.served import Served, served


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server(durable=True) as server:
        yield server


@pytest.fixture(params=ENGINES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """An installation on each kind of database."""
    home = tmp_path / "a home"
    home.mkdir()
    url = f"sqlite:///{home / 'lancang.db'}"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(server.create())
    with served(home, url) as running:
        yield running
