"""Limits behind which a second person is needed. Pure."""

from __future__ import annotations

from typing import Final

ALONE: Final = 10  # revocations of one body that one person may order within a day
MAX_AT_ONCE: Final = 10_000  # certificates of one request
MAX_REMARK: Final = 2000
