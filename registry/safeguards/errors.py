"""Errors of acts that cannot be undone."""

from __future__ import annotations

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RuleViolationError,
)


class SecondApproverNeededError(RuleViolationError):
    """So many orders of one kind for one body within a day need a second person."""

    code = "second_approver_needed"


class StatusRequestNotFoundError(NotFoundError):
    """There is no such request to change the status of certificates."""

    code = "status_request_not_found"


class StatusRequestDecidedError(ConflictError):
    """The request was approved or refused already."""

    code = "status_request_decided"


class UnusableStatusRequestError(InvalidInputError):
    """A request names no certificate, too many, or says nothing of use."""

    code = "unusable_status_request"


class RetentionRunsError(RuleViolationError):
    """The certificate is younger than the period for which its content is kept."""

    code = "retention_runs"
