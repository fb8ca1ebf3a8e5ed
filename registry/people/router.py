"""`/v1/people`, `/v1/grants` and `/v1/tokens`.

What creates something can be sent again under an idempotency key. The secret of a token is no part
of the answer that is remembered: whoever repeats the request learns that the token exists, not its
secret, which was shown once.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from registry.access import repository, service, tokens
from registry.access.dependencies import GateDep, PrincipalDep, TenantsDep
from registry.access.domain import INSTALLATION, Action
from registry.access.errors import TenantNotFoundError
from registry.access.models import GrantRow, PersonRow
from registry.access.principal import Principal, require
from registry.access.schemas import (
    GrantIn,
    GrantOut,
    NewTokenOut,
    PeoplePage,
    PersonIn,
    PersonOut,
    TokenIn,
    TokenOut,
)
from registry.access.service import By, GrantRequest
from registry.access.tenancy import TenantDirectory
from registry.audit.service import MAX_PAGE
from registry.idempotency.dependencies import RepeatableDep, response_of
from registry.idempotency.service import Answer, once

router: Final = APIRouter(prefix="/v1", tags=["access"])

_Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_After = Annotated[str | None, Query(max_length=36, description="`next` of the page before.")]
_Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]


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


@router.post(
    "/people",
    status_code=201,
    summary="Add a person or machine client",
    response_model=PersonOut,
)
def add_person(
    body: PersonIn,
    principal: PrincipalDep,
    gate: GateDep,
    tenants: TenantsDep,
    asked: RepeatableDep,
) -> Response:
    """Add somebody with a first role, and optionally a local account."""
    account = body.sign_in
    local = None
    if account is not None:  # hashing takes its time, so outside the transaction
        local = (account.name, gate.passwords.hash(account.password.get_secret_value()))
    by, now = By.of(principal), gate.clock()

    def work(session: Session) -> Answer:
        wanted = _grant_request(session, body.grant, principal, tenants)
        responsible = principal.person if body.machine else None
        row = service.add_person(session, body.name, by=by, at=now, responsible=responsible)
        if local is not None:
            service.add_login(session, row, by=by, at=now, local=local)
        first = service.grant(session, row.id, wanted, by=by, at=now)
        return _created(PersonOut.of(row, [first]), f"/v1/people/{row.id}")

    return response_of(once(gate.database, asked, work, clock=gate.clock))


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


@router.post(
    "/people/{person}/grants", status_code=201, summary="Give a role", response_model=GrantOut
)
def add_grant(
    person: _Id,
    body: GrantIn,
    *,
    principal: PrincipalDep,
    gate: GateDep,
    tenants: TenantsDep,
    asked: RepeatableDep,
) -> Response:
    """Give a person one more role."""

    def work(session: Session) -> Answer:
        row = service.get_person(session, person, principal=principal)
        wanted = _grant_request(session, body, principal, tenants)
        made = service.grant(session, row.id, wanted, by=By.of(principal), at=gate.clock())
        return _created(GrantOut.of(made), f"/v1/people/{row.id}")

    return response_of(once(gate.database, asked, work, clock=gate.clock))


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


@router.post("/tokens", status_code=201, summary="Make a token", response_model=NewTokenOut)
def create_token(
    body: TokenIn, principal: PrincipalDep, gate: GateDep, asked: RepeatableDep
) -> Response:
    """Make a token and show its secret, this once: a repeated request gets `null` in its place."""
    secrets: list[str] = []

    def work(session: Session) -> Answer:
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
        secrets.append(made.secret)
        shown = NewTokenOut(**TokenOut.of(made.row).model_dump(), secret=None)
        return _created(shown, "/v1/tokens")

    answer = once(gate.database, asked, work, clock=gate.clock)
    if secrets and not answer.repeated:
        shown = NewTokenOut.model_validate_json(answer.content)
        content = shown.model_copy(update={"secret": secrets[-1]}).model_dump_json()
        answer = replace(answer, content=content.encode())
    response = response_of(answer)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.delete("/tokens/{token}", status_code=204, summary="Revoke a token")
def revoke_token(token: _Id, principal: PrincipalDep, gate: GateDep) -> None:
    """Revoke a token at once."""
    with gate.database.begin() as session:
        tokens.revoke_token(session, token, by=By.of(principal), at=gate.clock())


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


def _created(shown: BaseModel, location: str) -> Answer:
    return Answer(HTTPStatus.CREATED, shown.model_dump_json().encode(), location)
