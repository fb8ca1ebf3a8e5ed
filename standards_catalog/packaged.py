"""The data files that ship with the package."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def read_text(name: str) -> str:
    """Return a packaged data file as text, without a byte order mark."""
    return resources.files("standards_catalog.data").joinpath(name).read_text("utf-8-sig")


def read_json(name: str) -> Any:  # noqa: ANN401  (any JSON; each caller checks its own file)
    """Return a packaged JSON file."""
    return json.loads(read_text(name))
