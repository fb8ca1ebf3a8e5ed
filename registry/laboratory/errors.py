"""Errors of the laboratory's desk."""

from __future__ import annotations

from registry.kit.errors import ConflictError, NotFoundError, UnavailableError


class SignerNotConfiguredError(UnavailableError):
    """This process reaches no signer; approved certificates wait for one."""

    code = "signer_not_configured"


class NoPromiseError(ConflictError):
    """No deadline can be promised for the anchor of this certificate."""

    code = "no_promise"


class ViewNotFoundError(NotFoundError):
    """There is no such view of the certificate."""

    code = "view_not_found"
