"""`/v1/parties` and `/v1/bodies`: who is registered, with scopes and keys."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Body, Depends, Path, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from registry.access.dependencies import PrincipalDep
from registry.access.domain import Action
from registry.authority.schemas import (
    BodyDetail,
    BodyOut,
    KeyIn,
    KeyOut,
    PartyOut,
    ScopeIn,
    ScopeOut,
)
from registry.authority.service import Authority
from registry.bodies.service import get_body
from registry.idempotency.dependencies import RepeatableDep, response_of
from registry.idempotency.service import Answer, once
from registry.parties.service import get_party
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u

router: Final = APIRouter(prefix="/v1", tags=["parties and bodies"])

_BodyId = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_Description = Annotated[
    dict[str, Any], Body(description="As in the import file, docs/schemas/import.schema.json.")
]
_NOT_FOUND: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is none, or it is foreign."}
}
_CREATED: Final[dict[int | str, dict[str, Any]]] = {
    **_NOT_FOUND,
    400: {"description": "Something is wrong with the description; every problem is named."},
    409: {"description": "It is registered with another content."},
}


def get_authority(request: Request) -> Authority:
    """Provide the acts on parties and bodies."""
    return cast("Authority", request.app.state.authority)


AuthorityDep = Annotated[Authority, Depends(get_authority)]


@router.get("/parties", summary="List parties")
def list_parties(principal: PrincipalDep, authority: AuthorityDep) -> list[PartyOut]:
    """Return the parties that the caller may see."""
    with authority.database.read() as session:
        return [PartyOut.of(entry) for entry in authority.parties(session, principal)]


@router.post(
    "/parties",
    status_code=201,
    summary="Register a party",
    response_model=PartyOut,
    responses=_CREATED,
)
def create_party(
    principal: PrincipalDep,
    authority: AuthorityDep,
    description: _Description,
    asked: RepeatableDep,
) -> Response:
    """Record a party; the governance brings it to the chain."""

    def work(session: Session) -> Answer:
        party = authority.register_party(session, principal, description)
        return _created(PartyOut.of(get_party(session, party.id)), "/v1/parties")

    return response_of(once(authority.database, asked, work, clock=authority.clock))


@router.get("/bodies", summary="List bodies")
def list_bodies(principal: PrincipalDep, authority: AuthorityDep) -> list[BodyOut]:
    """Return the bodies that the caller may see."""
    with authority.database.read() as session:
        return [BodyOut.of(entry) for entry in authority.bodies(session, principal)]


@router.post(
    "/bodies",
    status_code=201,
    summary="Register a body",
    response_model=BodyOut,
    responses=_CREATED,
)
def create_body(
    principal: PrincipalDep,
    authority: AuthorityDep,
    description: _Description,
    asked: RepeatableDep,
) -> Response:
    """Record a body with its first scope; the governance brings both to the chain."""

    def work(session: Session) -> Answer:
        body = authority.register_body(session, principal, description)
        return _created(BodyOut.of(get_body(session, body.id)), f"/v1/bodies/{body.id.hex()}")

    return response_of(once(authority.database, asked, work, clock=authority.clock))


@router.get("/bodies/{body_id}", summary="Show a body", responses=_NOT_FOUND)
def read_body(body_id: _BodyId, principal: PrincipalDep, authority: AuthorityDep) -> BodyDetail:
    """Return a body with its keys and scopes."""
    with authority.database.read() as session:
        found = authority.dossier(session, principal, body_id, Action.BODIES_READ)
    return BodyDetail.of_dossier(found)


@router.post(
    "/bodies/{body_id}/keys",
    status_code=201,
    summary="Register the public part of a key",
    response_model=KeyOut,
    responses=_CREATED,
)
def create_key(
    body_id: _BodyId,
    principal: PrincipalDep,
    authority: AuthorityDep,
    key: KeyIn,
    asked: RepeatableDep,
) -> Response:
    """Record a public key; private keys never leave their signer."""

    def work(session: Session) -> Answer:
        public_key = authority.add_key(
            session,
            principal,
            body_id,
            purpose=KeyPurpose[key.purpose.upper()],
            jwk={**key.jwk},
        )
        found = authority.dossier(session, principal, body_id, Action.KEYS_REGISTER)
        thumbprint = b64u(public_key.thumbprint())
        shown = next(each for each in map(KeyOut.of, found.keys) if each.thumbprint == thumbprint)
        return _created(shown, f"/v1/bodies/{body_id}")

    return response_of(once(authority.database, asked, work, clock=authority.clock))


@router.post(
    "/bodies/{body_id}/scopes",
    status_code=201,
    summary="Publish a scope",
    response_model=ScopeOut,
    responses=_CREATED,
)
def create_scope(
    body_id: _BodyId,
    principal: PrincipalDep,
    authority: AuthorityDep,
    scope: ScopeIn,
    asked: RepeatableDep,
) -> Response:
    """Record a new scope of a body; it replaces the former one whole."""

    def work(session: Session) -> Answer:
        published = authority.publish_scope(session, principal, body_id, [*scope.rows])
        return _created(ScopeOut.of(published), f"/v1/bodies/{body_id}")

    return response_of(once(authority.database, asked, work, clock=authority.clock))


def _created(shown: BaseModel, location: str) -> Answer:
    return Answer(HTTPStatus.CREATED, shown.model_dump_json().encode(), location)
