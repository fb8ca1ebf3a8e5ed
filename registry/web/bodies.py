"""The authority's desk: bodies, their scopes and keys, and what is about to end."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.domain import Action, allows
from registry.authority.router import AuthorityDep
from registry.bodies.domain import ScopeDocument
from registry.kit.errors import InvalidInputError
from registry.web.expiries import expiries_of
from registry.web.pages import PagesDep
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, VisitorDep
from verifier.checks.facts import KeyPurpose
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.strict_json import JsonValue, parse_json

router: Final = APIRouter(prefix="/desk/bodies", include_in_schema=False, route_class=PageRoute)

_PURPOSES: Final = tuple(purpose.name.lower() for purpose in KeyPurpose)


@router.get("")
def show_bodies(
    request: Request,
    pages: PagesDep,
    visitor: VisitorDep,
    authority: AuthorityDep,
) -> Response:
    """Show the bodies that the visitor looks after or works for."""
    with authority.database.read() as session:
        found = authority.bodies(session, visitor.principal)
        expiries = expiries_of(session, [each.body for each in found], at=authority.clock())
    return pages.render(
        request,
        "bodies.html",
        headers=NO_STORE,
        visitor=visitor,
        bodies=found,
        expiries=expiries,
    )


@router.get("/{body_id}")
def show_body(
    body_id: str,
    request: Request,
    pages: PagesDep,
    visitor: VisitorDep,
    authority: AuthorityDep,
) -> Response:
    """Show one body with keys and scopes."""
    with authority.database.read() as session:
        found = authority.dossier(session, visitor.principal, body_id, Action.BODIES_READ)
        expiries = expiries_of(session, [found.entry.body], at=authority.clock())
    grants = visitor.principal.grants
    return pages.render(
        request,
        "body.html",
        headers=NO_STORE,
        visitor=visitor,
        body=found.entry.body,
        since=found.entry.on_chain_since,
        keys=found.keys,
        scopes=[{"document": scope, "rows": _rows(scope)} for scope in found.scopes],
        now=authority.clock(),
        expiries=expiries,
        purposes=_PURPOSES,
        may_keys=allows(grants, Action.KEYS_REGISTER, found.tenant),
        may_scopes=allows(grants, Action.SCOPES_PUBLISH, found.tenant),
    )


@router.post("/{body_id}/keys")
def add_key(
    body_id: str,
    visitor: VisitorDep,
    authority: AuthorityDep,
    form: ProvedFormDep,
) -> Response:
    """Record the public part of a key."""
    purpose = form.text("purpose")
    if purpose not in _PURPOSES:
        raise InvalidInputError("choose what the key is for")
    jwk = parse_json(form.text("jwk"), what="key")
    with authority.database.begin() as session:
        authority.add_key(
            session, visitor.principal, body_id, purpose=KeyPurpose[purpose.upper()], jwk=jwk
        )
    return _to(body_id)


@router.post("/{body_id}/scopes")
def publish_scope(
    body_id: str,
    visitor: VisitorDep,
    authority: AuthorityDep,
    form: ProvedFormDep,
) -> Response:
    """Record a scope from a file of rows."""
    files = form.chosen_files("file")
    if not files:
        raise InvalidInputError("choose a file")
    rows: JsonValue = parse_json(files[0].content, what=files[0].name, max_bytes=MAX_DOCUMENT_BYTES)
    with authority.database.begin() as session:
        authority.publish_scope(session, visitor.principal, body_id, rows)
    return _to(body_id)


def _rows(scope: ScopeDocument) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(scope.content)["rows"]
    return rows


def _to(body_id: str) -> Response:
    return RedirectResponse(f"/desk/bodies/{body_id}", HTTPStatus.SEE_OTHER)
