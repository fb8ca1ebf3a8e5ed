from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.anchoring import Installation
from tests.support.registry_database import make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def install(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Installation]]:
    """Make as many fresh installations as a test asks for."""
    made: list[Installation] = []

    def make() -> Installation:
        made.append(Installation(tmp_path_factory.mktemp("home"), template))
        return made[-1]

    yield make
    for installation in made:
        installation.database.dispose()


@pytest.fixture
def home(install: Callable[[], Installation]) -> Installation:
    return install()
