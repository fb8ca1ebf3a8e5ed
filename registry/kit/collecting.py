"""Fewer runs of the garbage collector while many objects without cycles come and go."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 200_000  # new containers before a run: some tens of megabytes


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector run rarely for as long as a large piece of work lasts.

    Documents, tokens and rows hold no cycles, so reference counts free them at once; by default
    the collector would look at all of them again and again. Nothing depends on when it runs.
    """
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
