"""The id of the HTTP request that is being served, for logs and the audit trail."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final

MAX_REQUEST_ID_CHARS: Final = 64

current_request_id: Final[ContextVar[str | None]] = ContextVar("current_request_id", default=None)
"""Set by the HTTP application for each request; None inside commands and workers."""
