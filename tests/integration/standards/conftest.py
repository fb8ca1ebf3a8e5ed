from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.kit.database import Database
from tests.support.registry_database import ENGINES, Databases, in_use


@pytest.fixture(scope="module", params=ENGINES)
def shared_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database for the tests of a module that only read it."""
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    with in_use(databases, databases.create(tmp_path_factory.mktemp("shared"))) as url:
        database = Database(url)
        yield database
        database.dispose()
