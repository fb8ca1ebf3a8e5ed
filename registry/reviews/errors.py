"""Errors of reviews."""

from __future__ import annotations

from registry.kit.errors import ConflictError, InvalidInputError, RuleViolationError


class DraftReturnedError(ConflictError):
    """The draft was returned to its maker and not handed in again."""

    code = "draft_returned"


class RemarksMissingError(InvalidInputError):
    """A return says what is wrong, in 1 to 2000 characters."""

    code = "remarks_missing"


class NotTheMakerError(RuleViolationError):
    """Only its maker hands a draft in again or discards it."""

    code = "not_the_maker"
