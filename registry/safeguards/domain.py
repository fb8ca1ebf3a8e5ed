"""Limits behind which a second person is needed. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

ALONE: Final = 10  # orders of one kind for one body that one person may give within a day
MAX_AT_ONCE: Final = 10_000  # certificates of one request
MAX_REMARK: Final = 2000


def end_of_retention(at: datetime, *, years: int) -> datetime:
    """Return the moment before which whatever was issued may be erased at `at`."""
    try:
        return at.replace(year=at.year - years)
    except ValueError:  # 29 February
        return at.replace(year=at.year - years, day=28)
