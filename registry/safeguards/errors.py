"""Errors of acts that cannot be undone."""

from __future__ import annotations

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RuleViolationError,
)


class SecondApproverNeededError(RuleViolationError):
    """So many revocations of one body within a day need a second person."""

    code = "second_approver_needed"


class RevocationRequestNotFoundError(NotFoundError):
    """There is no such request for revocations."""

    code = "revocation_request_not_found"


class RevocationRequestDecidedError(ConflictError):
    """The request was approved already."""

    code = "revocation_request_decided"


class UnusableRevocationRequestError(InvalidInputError):
    """A request names no certificate, too many, or says nothing of use."""

    code = "unusable_revocation_request"


class RetentionRunsError(RuleViolationError):
    """The certificate is younger than the period for which its content is kept."""

    code = "retention_runs"
