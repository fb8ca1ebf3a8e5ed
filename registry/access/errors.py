"""Errors of access control."""

from __future__ import annotations

from registry.kit.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    RuleViolationError,
    UnauthenticatedError,
    UnusableSettingsError,
)


class NotPermittedError(RuleViolationError):
    """The tenant is the caller's, but none of his roles there allows the act."""

    code = "not_permitted"


class NotAuthenticatedError(UnauthenticatedError):
    """No proof of identity was given."""

    code = "not_authenticated"


class TokenInvalidError(UnauthenticatedError):
    """The token is unknown, expired or revoked, or its owner was disabled."""

    code = "token_invalid"


class SignInRefusedError(UnauthenticatedError):
    """Name and password do not belong together, or the account is locked for now.

    It does not tell which, so that nobody learns which names exist.
    """

    code = "sign_in_refused"


class SessionRequiredError(RuleViolationError):
    """The act needs a session that a password began; a token is not enough."""

    code = "session_required"


class CsrfMismatchError(RuleViolationError):
    """A form was not sent from a page of this session."""

    code = "csrf_mismatch"


class PersonNotFoundError(NotFoundError):
    """There is no such person or machine client."""

    code = "person_not_found"


class TenantNotFoundError(NotFoundError):
    """There is no such body or party."""

    code = "tenant_not_found"


class GrantNotFoundError(NotFoundError):
    """There is no such grant."""

    code = "grant_not_found"


class TokenNotFoundError(NotFoundError):
    """There is no such token."""

    code = "token_not_found"


class LoginTakenError(ConflictError):
    """Somebody has this sign-in name or external subject already."""

    code = "login_taken"


class AmbiguousNameError(ConflictError):
    """Several people have this name; a sign-in name or id tells them apart."""

    code = "ambiguous_name"


class GrantExistsError(ConflictError):
    """The person has this role in this tenant already."""

    code = "grant_exists"


class UnusableGrantError(InvalidInputError):
    """The role makes no sense in this tenant or for a machine, or the interval is empty."""

    code = "unusable_grant"


class SelfGrantError(RuleViolationError):
    """Nobody gives himself a role."""

    code = "self_grant"


class WeakPasswordError(InvalidInputError):
    """The password is too short, too long or much used."""

    code = "weak_password"


class UnusableTokenRequestError(InvalidInputError):
    """A token may do nothing, more than its owner, or lives too long."""

    code = "unusable_token_request"


class AccessKeyError(UnusableSettingsError):
    """The key under which tokens are stored is missing, unreadable or malformed."""

    code = "access_key_unusable"
