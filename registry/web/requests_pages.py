"""Requests to revoke, suspend or resume many certificates: who asks, and who else decides."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.domain import Action
from registry.certificates import listing
from registry.certificates.domain import StatusAct
from registry.kit.errors import InvalidInputError, NotFoundError
from registry.laboratory import requests
from registry.laboratory.dependencies import LaboratoryDep
from registry.web.pages import PagesDep
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, VisitorDep
from verifier.checks.facts import RevocationReason

router: Final = APIRouter(prefix="/desk/requests", include_in_schema=False, route_class=PageRoute)

_MOST_NUMBERS: Final = 30  # of one request; the rest is counted


@router.get("")
def show_requests(
    request: Request, pages: PagesDep, visitor: VisitorDep, laboratory: LaboratoryDep
) -> Response:
    """Show what waits for a second person, then what was decided."""
    visitor.require(Action.STATUS_ORDER)
    with laboratory.database.read() as session:
        found = requests.listed(session, visitor.principal, waiting=True)
        decided = [
            each
            for each in requests.listed(session, visitor.principal, waiting=False)
            if each.decided_by is not None
        ]
        numbers = {
            each.id: [
                listed.row for listed in listing.find(session, each.certificates[:_MOST_NUMBERS])
            ]
            for each in (*found, *decided)
        }
    return pages.render(
        request,
        "requests.html",
        headers=NO_STORE,
        visitor=visitor,
        waiting=found,
        decided=decided,
        numbers=numbers,
    )


@router.post("")
def ask(visitor: VisitorDep, laboratory: LaboratoryDep, form: ProvedFormDep) -> Response:
    """Ask for one change of the status of the ticked certificates."""
    ticked = form.texts("certificate")
    if not ticked:
        raise InvalidInputError("tick the certificates")
    try:
        act = StatusAct(form.text("act"))
        reason = RevocationReason[form.text("reason").upper()]
    except (KeyError, ValueError) as error:
        raise InvalidInputError("choose what is to be done, and a reason") from error
    with laboratory.database.begin() as session:
        requests.ask(
            session,
            visitor.principal,
            list(dict.fromkeys(ticked)),
            act,
            reason=reason,
            remark=form.text("remark").strip(),
            clock=laboratory.clock,
        )
    return _to_list()


@router.post("/{identifier}/{decision}")
def decide(
    identifier: str,
    decision: str,
    visitor: VisitorDep,
    laboratory: LaboratoryDep,
    form: ProvedFormDep,
) -> Response:
    """Approve or refuse a request; one's own is taken back."""
    with laboratory.database.begin() as session:
        if decision == "approve":
            requests.approve(session, visitor.principal, identifier, clock=laboratory.clock)
        elif decision == "refuse":
            requests.refuse(
                session,
                visitor.principal,
                identifier,
                remark=form.text("remark").strip(),
                clock=laboratory.clock,
            )
        else:
            raise NotFoundError("there is no such decision")
    return _to_list()


def _to_list() -> Response:
    return RedirectResponse("/desk/requests", HTTPStatus.SEE_OTHER)
