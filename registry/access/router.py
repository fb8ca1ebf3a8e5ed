"""`/v1/sessions`, `/v1/me` and `/v1/audit`; people and tokens are in `registry.people`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.orm import Session

from registry.access.dependencies import BearerDep, GateDep, PrincipalDep, TenantsDep
from registry.access.domain import Action
from registry.access.errors import NotAuthenticatedError, TenantNotFoundError
from registry.access.gate import SESSION_LIFE
from registry.access.principal import Principal, require
from registry.access.schemas import (
    AuditEntryOut,
    AuditPage,
    MeOut,
    PasswordChange,
    SessionOut,
    SignIn,
)
from registry.access.tenancy import TenantDirectory
from registry.audit.repository import Filter
from registry.audit.service import MAX_PAGE, entries

router: Final = APIRouter(prefix="/v1", tags=["access"])

_Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


@router.post("/sessions", status_code=201, summary="Sign in with a local account")
def sign_in(body: SignIn, gate: GateDep) -> SessionOut:
    """Begin a session; its secret goes into the Authorization header of later requests."""
    token = gate.sign_in(body.name, body.password.get_secret_value())
    return SessionOut(token=token, expires_in=int(SESSION_LIFE.total_seconds()))


@router.delete("/sessions/current", status_code=204, summary="Sign out")
def sign_out(gate: GateDep, credentials: BearerDep) -> None:
    """End the session whose secret is sent."""
    gate.sign_out(_secret(credentials))


@router.put("/sessions/current/password", status_code=204, summary="Change one's password")
def change_password(body: PasswordChange, gate: GateDep, credentials: BearerDep) -> None:
    """Change the password of the session's account; other sessions end."""
    gate.change_password(
        _secret(credentials),
        current=body.current.get_secret_value(),
        new=body.new.get_secret_value(),
    )


@router.get("/me", summary="Who asks")
def read_me(principal: PrincipalDep) -> MeOut:
    """Return the caller and the roles that count now."""
    return MeOut.of(principal)


@router.get("/audit", summary="The audit trail of the caller's tenants")
def list_audit(
    principal: PrincipalDep,
    gate: GateDep,
    tenants: TenantsDep,
    *,
    tenant: Annotated[str | None, Query(max_length=80)] = None,
    object_: Annotated[str | None, Query(alias="object", max_length=200)] = None,
    person: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=64)] = None,
    before: Annotated[
        int | None, Query(ge=1, le=2**53, description="`next` of the page before.")
    ] = None,
    limit: _Limit = 50,
) -> AuditPage:
    """Return a page of acts, the newest first."""
    with gate.database.read() as session:
        asked = Filter(
            tenants=_audited(session, principal, tenants, tenant),
            object=object_,
            person=person,
            action=action,
            before=before,
        )
        links = entries(session, asked, limit=limit)
    items = [AuditEntryOut.of(link) for link in links]
    return AuditPage(items=items, next=items[-1].sequence if len(items) == limit else None)


def _secret(credentials: HTTPAuthorizationCredentials | None) -> str:
    if credentials is None:
        raise NotAuthenticatedError("send a bearer token")
    return credentials.credentials


def _audited(
    session: Session, principal: Principal, tenants: TenantDirectory, name: str | None
) -> list[str] | None:
    """Return the names of the tenants whose acts are shown; None for all of them."""
    if name is not None:
        wanted = tenants.resolve(session, name)
        missing = TenantNotFoundError("there is no such body or party")
        require(principal, Action.AUDIT_READ, wanted, missing=missing)
        return [wanted.name]
    reach = principal.reach(Action.AUDIT_READ)
    if reach.everywhere:
        return None
    inside = tenants.bodies_of(session, reach.parties)
    return [
        *(f"party:{party}" for party in reach.parties),
        *(f"body:{body.hex()}" for body in reach.bodies),
        *(each.name for each in inside),
    ]
