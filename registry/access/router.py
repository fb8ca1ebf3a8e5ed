"""`/v1/sessions`, `/v1/people`, `/v1/grants`, `/v1/tokens` and `/v1/audit`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from fastapi.security import HTTPAuthorizationCredentials
from sqlalchemy.orm import Session

from registry.access import repository, service, tokens
from registry.access.dependencies import BearerDep, GateDep, PrincipalDep, TenantsDep
from registry.access.domain import INSTALLATION, Action
from registry.access.errors import NotAuthenticatedError, TenantNotFoundError
from registry.access.gate import SESSION_LIFE
from registry.access.models import GrantRow, PersonRow
from registry.access.principal import Principal, require
from registry.access.schemas import (
    AuditEntryOut,
    AuditPage,
    GrantIn,
    GrantOut,
    MeOut,
    NewTokenOut,
    PasswordChange,
    PeoplePage,
    PersonIn,
    PersonOut,
    SessionOut,
    SignIn,
    TokenIn,
    TokenOut,
)
from registry.access.service import By, GrantRequest
from registry.access.tenancy import TenantDirectory
from registry.audit.repository import Filter
from registry.audit.service import MAX_PAGE, entries

router: Final = APIRouter(prefix="/v1", tags=["access"])

_Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_After = Annotated[str | None, Query(max_length=36, description="`next` of the page before.")]
_Before = Annotated[int | None, Query(ge=1, le=2**53, description="`next` of the page before.")]
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


@router.get("/people", summary="People with a role where the caller looks after people")
def list_people(
    principal: PrincipalDep, gate: GateDep, after: _After = None, limit: _Limit = 50
) -> PeoplePage:
    """Return a page of people in the order of their ids."""
    reach = principal.reach(Action.PEOPLE_READ)
    with gate.database.read() as session:
        rows = repository.people_after(session, reach, after=after, limit=limit + 1)
        items = [_shown(session, row, principal) for row in rows[:limit]]
    return PeoplePage(items=items, next=items[-1].id if len(rows) > limit else None)


@router.post("/people", status_code=201, summary="Add a person or machine client")
def add_person(
    body: PersonIn, principal: PrincipalDep, gate: GateDep, tenants: TenantsDep
) -> PersonOut:
    """Add somebody with a first role, and optionally a local account."""
    account = body.sign_in
    local = None
    if account is not None:  # hashing takes its time, so outside the transaction
        local = (account.name, gate.passwords.hash(account.password.get_secret_value()))
    by, now = By.of(principal), gate.clock()
    with gate.database.begin() as session:
        asked = _grant_request(session, body.grant, principal, tenants)
        responsible = principal.person if body.machine else None
        row = service.add_person(session, body.name, by=by, at=now, responsible=responsible)
        if local is not None:
            service.add_login(session, row, by=by, at=now, local=local)
        first = service.grant(session, row.id, asked, by=by, at=now)
        return PersonOut.of(row, [first])


@router.get("/people/{person}", summary="One person")
def read_person(person: _Id, principal: PrincipalDep, gate: GateDep) -> PersonOut:
    """Return a person with the roles that the caller may see."""
    with gate.database.read() as session:
        row = service.get_person(session, person, principal=principal)
        return _shown(session, row, principal)


@router.post("/people/{person}/disable", status_code=204, summary="Shut somebody out for good")
def disable_person(person: _Id, principal: PrincipalDep, gate: GateDep) -> None:
    """Disable a person (an operator) or a machine client (who answers for it)."""
    with gate.database.begin() as session:
        row = service.get_person(session, person, principal=principal)
        if row.responsible_id != principal.id:
            require(principal, Action.PEOPLE_MANAGE, INSTALLATION)
        service.disable_person(session, row, by=By.of(principal), at=gate.clock())


@router.post("/people/{person}/grants", status_code=201, summary="Give a role")
def add_grant(
    person: _Id, body: GrantIn, principal: PrincipalDep, gate: GateDep, tenants: TenantsDep
) -> GrantOut:
    """Give a person one more role."""
    with gate.database.begin() as session:
        row = service.get_person(session, person, principal=principal)
        asked = _grant_request(session, body, principal, tenants)
        by = By.of(principal)
        return GrantOut.of(service.grant(session, row.id, asked, by=by, at=gate.clock()))


@router.delete("/grants/{grant}", status_code=204, summary="Take a role away")
def revoke_grant(grant: _Id, principal: PrincipalDep, gate: GateDep) -> None:
    """End a grant now."""
    with gate.database.begin() as session:
        service.revoke_grant(session, grant, by=By.of(principal), at=gate.clock())


@router.get("/tokens", summary="The caller's tokens and those of his machine clients")
def list_tokens(principal: PrincipalDep, gate: GateDep) -> list[TokenOut]:
    """Return the tokens, the newest first; secrets are never shown again."""
    with gate.database.read() as session:
        machines = repository.machines_of(session, principal.id)
        owners = [principal.id, *(row.id for row in machines)]
        return [TokenOut.of(row) for row in repository.tokens_of(session, owners)]


@router.post("/tokens", status_code=201, summary="Make a token")
def create_token(
    body: TokenIn, principal: PrincipalDep, gate: GateDep, response: Response
) -> NewTokenOut:
    """Make a token and show its secret, this once."""
    with gate.database.begin() as session:
        owner = service.get_person(session, body.owner or principal.id, principal=principal)
        made = tokens.create_token(
            session,
            gate.key,
            owner,
            label=body.label,
            grants=body.grants,
            expires_at=body.expires_at,
            by=By.of(principal),
            at=gate.clock(),
        )
    response.headers["Cache-Control"] = "no-store"
    return NewTokenOut(**TokenOut.of(made.row).model_dump(), secret=made.secret)


@router.delete("/tokens/{token}", status_code=204, summary="Revoke a token")
def revoke_token(token: _Id, principal: PrincipalDep, gate: GateDep) -> None:
    """Revoke a token at once."""
    with gate.database.begin() as session:
        tokens.revoke_token(session, token, by=By.of(principal), at=gate.clock())


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


def _grant_request(
    session: Session, body: GrantIn, principal: Principal, tenants: TenantDirectory
) -> GrantRequest:
    tenant = tenants.resolve(session, body.tenant)
    missing = TenantNotFoundError("there is no such body or party")
    require(principal, Action.PEOPLE_MANAGE, tenant, missing=missing)
    return GrantRequest(
        role=body.role,
        tenant=tenant,
        valid_from=body.valid_from,
        valid_until=body.valid_until,
    )


def _shown(session: Session, row: PersonRow, principal: Principal) -> PersonOut:
    return PersonOut.of(row, _seen_grants(session, row, principal))


def _seen_grants(session: Session, row: PersonRow, principal: Principal) -> list[GrantRow]:
    """Return the roles of a person in the caller's tenants; all of them for himself."""
    found = repository.grants_of(session, row.id)
    if principal.id in (row.id, row.responsible_id):
        return found
    reach = principal.reach(Action.PEOPLE_READ)
    return [each for each in found if reach.has(each.tenant)]


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
