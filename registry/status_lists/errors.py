"""Errors of published status lists."""

from __future__ import annotations

from registry.kit.errors import NotFoundError, UnavailableError


class StatusListNotFoundError(NotFoundError):
    """No certificate of this registry has its status in this list."""

    code = "status_list_not_found"


class StatusListUnavailableError(UnavailableError):
    """The list exists, but cannot be read from the chain or signed at the moment."""

    code = "status_list_unavailable"
