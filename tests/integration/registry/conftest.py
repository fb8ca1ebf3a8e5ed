from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.registry_database import NOW, copy_of, make_template
from tests.support.registry_world import World, build_world, open_world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[Database]:
    with copy_of(template, tmp_path) as database:
        yield database


@pytest.fixture(scope="session")
def world_template(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    installation = Installation(folder, template, now=NOW)
    build_world(installation)
    installation.database.dispose()
    return folder


@pytest.fixture
def world(world_template: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copytree(world_template / "keys", tmp_path / "keys")
    installation = Installation(tmp_path, world_template / "lancang.db", now=NOW)
    yield open_world(installation)
    installation.database.dispose()
