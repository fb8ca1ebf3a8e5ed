from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit.database import Database
from tests.support.registry_database import copy_of, make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[Database]:
    with copy_of(template, tmp_path) as database:
        yield database
