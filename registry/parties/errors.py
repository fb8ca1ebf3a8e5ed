"""Errors of the parties."""

from __future__ import annotations

from registry.kit.errors import ConflictError, NotFoundError


class PartyNotFoundError(NotFoundError):
    """There is no party with this id."""

    code = "party_not_found"


class PartyDiffersError(ConflictError):
    """A party with this id is registered with another content."""

    code = "party_differs"
