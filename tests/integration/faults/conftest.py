from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_ground import Founded, Ground, Grounds


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    """The chain of this process and what was founded on it; all but stopping it is allowed."""
    made = Founded(tmp_path_factory.mktemp("founded"))
    yield made
    made.end()


@pytest.fixture
def grounds(founded: Founded, tmp_path: Path) -> Iterator[Grounds]:
    """Make registries on the shared chain, or on another one."""
    made: list[Ground] = []

    def make(on: Founded = founded, **options: object) -> Ground:
        folder = tmp_path / f"registry-{len(made)}"
        folder.mkdir()
        url = options.pop("url", None)
        if url is None:
            shutil.copyfile(on.folder / "founded.db", folder / "lancang.db")
            url = f"sqlite:///{folder / 'lancang.db'}"
        made.append(Ground(on, folder, url, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for ground in made:
        ground.database.dispose()


@pytest.fixture
def ground(grounds: Grounds) -> Ground:
    return grounds()
