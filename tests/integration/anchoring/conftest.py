from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.registry_database import Databases, url_of


@pytest.fixture
def install(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Installation]]:
    """Make as many fresh installations as a test asks for."""
    made: list[Installation] = []

    def make() -> Installation:
        folder = tmp_path_factory.mktemp("home")
        made.append(Installation(folder, databases.create(folder)))
        return made[-1]

    yield make
    for installation in made:
        installation.database.dispose()
        databases.drop(url_of(installation.database))


@pytest.fixture
def home(install: Callable[[], Installation]) -> Installation:
    return install()


@pytest.fixture
def restore(databases: Databases) -> Callable[[Installation, Installation], None]:
    """Put a copy of the first installation's database in the place of the second's."""

    def copy(source: Installation, target: Installation) -> None:
        for each in (source, target):
            each.database.dispose()
        databases.drop(url_of(target.database))
        target.database = Database(databases.create(target.folder, url_of(source.database)))

    return copy
