"""Work in portions: statements and transactions stay small however much is asked for at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def chunks(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    """Yield consecutive parts of `items` with at most `size` elements each."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
