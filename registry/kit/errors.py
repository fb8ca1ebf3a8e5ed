"""Errors of the registry.

RegistryError
├── InvalidInputError        what was sent breaks the format or the rules of its content
├── NotFoundError            there is no such thing, or it is not the asker's to see
├── ConflictError            the act does not fit the present state; nothing was changed
├── RuleViolationError       the act is forbidden to this person or in this form
├── PreconditionFailedError  the thing was changed since the asker saw it
├── PreconditionMissingError the asker must say which version he saw
├── ReplayMismatchError      an idempotency key comes again with another request
├── TooManyRequestsError     one client asks too often
├── UnauthenticatedError     nobody knows who asks
├── UnavailableError         something needed (signer, chain, database) gave no answer
└── UnusableSettingsError    the installation is configured wrongly

Each domain derives its own errors from these; `registry.kit.problems` alone knows HTTP.
"""

from __future__ import annotations

from typing import ClassVar


class RegistryError(Exception):
    """Base of every error raised on purpose by `registry`.

    Attributes:
        code: Stable machine-readable name, part of the public API; never reused or renamed.
    """

    code: ClassVar[str] = "registry_error"


class InvalidInputError(RegistryError):
    """What was sent cannot be accepted as it is."""

    code = "invalid_input"


class NotFoundError(RegistryError):
    """There is no such thing."""

    code = "not_found"


class ConflictError(RegistryError):
    """The act does not fit the present state."""

    code = "conflict"


class RuleViolationError(RegistryError):
    """The act is forbidden to this person or in this form."""

    code = "rule_violation"


class UnauthenticatedError(RegistryError):
    """Who asks is not proved."""

    code = "unauthenticated"


class PreconditionFailedError(RegistryError):
    """The thing was changed since the asker saw it."""

    code = "precondition_failed"


class PreconditionMissingError(RegistryError):
    """The asker must say which version he saw (`If-Match`)."""

    code = "precondition_required"


class ReplayMismatchError(RegistryError):
    """An idempotency key comes again with another request; nothing was done."""

    code = "idempotency_key_reused"


class TooManyRequestsError(RegistryError):
    """One client asks too often; waiting helps."""

    code = "too_many_requests"


class UnavailableError(RegistryError):
    """Something that the act needs gave no answer; trying again may help."""

    code = "unavailable"


class UnusableSettingsError(RegistryError):
    """The installation is configured wrongly."""

    code = "unusable_settings"
