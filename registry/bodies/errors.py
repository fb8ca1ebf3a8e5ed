"""Errors of bodies and their keys."""

from __future__ import annotations

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RuleViolationError,
)


class BodyNotFoundError(NotFoundError):
    """There is no body with this id or alias."""

    code = "body_not_found"


class BodyDiffersError(ConflictError):
    """The alias or id is taken by a body with another content."""

    code = "body_differs"


class UnusableScopeError(InvalidInputError):
    """A scope document is malformed, too large or speaks for no time at all."""

    code = "unusable_scope"


class NoSigningKeyError(ConflictError):
    """The body has no key that may sign this now."""

    code = "no_signing_key"


class KeyDiffersError(ConflictError):
    """The key is recorded for another body or purpose; keys are never shared."""

    code = "key_differs"


class KeyNotFoundError(NotFoundError):
    """There is no document key with this thumbprint."""

    code = "key_not_found"


class RotationOrderError(ConflictError):
    """A step of a key's rotation comes before another that is missing."""

    code = "rotation_order"


class KeyReportNotFoundError(NotFoundError):
    """There is no such report of a compromised key."""

    code = "key_report_not_found"


class KeyReportDecidedError(ConflictError):
    """The report was confirmed or declined already."""

    code = "key_report_decided"


class UnusableKeyReportError(InvalidInputError):
    """A report of a compromised key names a moment in the future, or says too much."""

    code = "unusable_key_report"


class ReporterDecidesError(RuleViolationError):
    """Who reports a key compromised does not decide about the report."""

    code = "reporter_decides"
