from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.access_world import AccessWorld, Api, access_world, api_of


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[AccessWorld]:
    with access_world(url, tmp_path) as built:
        yield built


@pytest.fixture
def api(world: AccessWorld) -> Api:
    return api_of(world)
