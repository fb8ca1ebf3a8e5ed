"""What routes ask for: `PrincipalDep` for who asks, `require` for whether he may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from registry.access.domain import INSTALLATION, Action, Reach, Tenant
from registry.access.errors import NotAuthenticatedError
from registry.access.gate import Gate
from registry.access.principal import Principal, RefusedError, require
from registry.access.tenancy import TenantDirectory
from registry.kit.errors import RegistryError

__all__ = [
    "INSTALLATION",
    "Action",
    "GateDep",
    "Principal",
    "PrincipalDep",
    "Reach",
    "Tenant",
    "TenantsDep",
    "require",
]

_bearer: Final = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="An API token (`lct_…`) or the secret of a session (`lcs_…`).",
)


def get_gate(request: Request) -> Gate:
    """Provide what proves identities."""
    return cast("Gate", request.app.state.gate)


def get_tenants(request: Request) -> TenantDirectory:
    """Provide the bodies and parties of the installation."""
    return cast("TenantDirectory", request.app.state.tenants)


GateDep = Annotated[Gate, Depends(get_gate)]
TenantsDep = Annotated[TenantDirectory, Depends(get_tenants)]


BearerDep = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def get_principal(gate: GateDep, credentials: BearerDep) -> Iterator[Principal]:
    """Yield who asks; what the route refuses him goes to the audit trail.

    Raises:
        NotAuthenticatedError: The request carries no bearer token.
        TokenInvalidError: It carries one that does not count.
    """
    if credentials is None:
        raise NotAuthenticatedError("send a bearer token")
    principal = gate.principal_of(credentials.credentials)
    try:
        yield principal
    except RegistryError as error:
        if isinstance(error.__cause__, RefusedError):
            gate.note_refused(error.__cause__, error)
        raise


PrincipalDep = Annotated[Principal, Depends(get_principal)]
"""Who asks. Only the header counts, never a cookie, so no page can act for somebody."""
