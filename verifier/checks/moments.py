"""Unix seconds as people and reports write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that RFC 3339 can write


def rfc3339(seconds: int) -> str:
    """Return Unix seconds as RFC 3339 in UTC, such as "2026-11-21T03:10:00Z".

    Raises:
        ValueError: Outside the years 1970 to 9999.
    """
    if not 0 <= seconds <= LAST_SECOND:
        raise ValueError(f"{seconds} is outside the years 1970 to 9999")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
