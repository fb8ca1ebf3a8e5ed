"""Limits behind which a second person is needed. Pure."""

from __future__ import annotations

from typing import Final

ALONE: Final = 10  # orders of one kind for one body that one person may give within a day
MAX_AT_ONCE: Final = 10_000  # certificates of one request
MAX_REMARK: Final = 2000
