"""Errors of bodies and their keys."""

from __future__ import annotations

from registry.kit.errors import ConflictError, InvalidInputError, NotFoundError


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
