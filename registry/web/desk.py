"""The laboratory's desk: what waits, lists, import, and the approval of many drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.domain import Action, allows
from registry.bodies.service import get_body
from registry.certificates import listing
from registry.certificates.domain import State
from registry.certificates.listing import Wanted
from registry.kit.errors import InvalidInputError
from registry.kit.import_problems import FileProblem, ImportRefusedError
from registry.kit.problem_words import in_language, place_words
from registry.laboratory import requests
from registry.laboratory.dependencies import LaboratoryDep
from registry.laboratory.service import parse_place, place_text, version_of
from registry.reviews import service as reviews
from registry.web.certificate_pages import REASONS, approve_and_sign
from registry.web.expiries import CERTIFICATE_NOTICE, bodies_within, expiries_of
from registry.web.pages import PagesDep, language_of
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, VisitorDep

router: Final = APIRouter(prefix="/desk", include_in_schema=False, route_class=PageRoute)

_ON_A_PAGE: Final = 50
_SHOWN_PROBLEMS: Final = 500
_ENDING_SHOWN: Final = 20  # certificates that end soon, on the overview
_FILTERS: Final[Mapping[str, Wanted]] = {
    "drafts": Wanted(state=State.DRAFT),
    "approved": Wanted(state=State.APPROVED),
    "signed": Wanted(state=State.SIGNED, revoked=False),
    "revoked": Wanted(revoked=True),
    "all": Wanted(),
}


@router.get("")
def show_desk(
    request: Request, pages: PagesDep, visitor: VisitorDep, laboratory: LaboratoryDep
) -> Response:
    """Show what waits for the visitor and what is about to end."""
    principal = visitor.principal
    waiting = {
        name: laboratory.page(principal, _FILTERS[name], after=None, limit=_ON_A_PAGE + 1)
        for name in ("drafts", "approved")
    }
    with laboratory.database.read() as session:
        looked_after = bodies_within(session, principal.reach(Action.BODIES_READ))
        now = laboratory.clock()
        expiries = expiries_of(session, looked_after, at=now)
        ending = listing.ending(
            session,
            principal.reach(Action.CERTIFICATES_READ),
            since=now,
            until=now + CERTIFICATE_NOTICE,
            limit=_ENDING_SHOWN + 1,
        )
        returned = reviews.returned(session, [each.row.id for each in waiting["drafts"]])
        may_decide = visitor.may(Action.STATUS_ORDER)
        asked = requests.listed(session, principal, waiting=True) if may_decide else []
    mine = [
        each
        for each in waiting["drafts"]
        if each.row.id in returned and each.row.maker_person == principal.person
    ]
    return pages.render(
        request,
        "desk.html",
        headers=NO_STORE,
        visitor=visitor,
        waiting=waiting,
        most=_ON_A_PAGE,
        returned=mine,
        expiries=expiries,
        ending=ending[:_ENDING_SHOWN],
        more_end=len(ending) > _ENDING_SHOWN,
        requests=asked,
        may_import=visitor.may(Action.CERTIFICATES_DRAFT),
    )


@router.get("/certificates")
def show_certificates(
    request: Request, pages: PagesDep, visitor: VisitorDep, laboratory: LaboratoryDep
) -> Response:
    """Show a page of certificates."""
    query = request.query_params
    name = query.get("show", "all") if query.get("show") in _FILTERS else "all"
    wanted = _FILTERS[name]
    number = query.get("number", "").strip()[:128]
    after = None
    if query.get("after"):
        try:
            after = parse_place(query["after"])
        except ValueError as error:
            raise InvalidInputError("the address of the page is damaged") from error
    found = laboratory.page(
        visitor.principal,
        Wanted(state=wanted.state, revoked=wanted.revoked, number=number or None),
        after=after,
        limit=_ON_A_PAGE + 1,
    )
    shown = found[:_ON_A_PAGE]
    with laboratory.database.read() as session:
        returned = set(reviews.returned(session, [each.row.id for each in shown]))
        names = {
            body: get_body(session, body).body.alias for body in {e.row.body_id for e in shown}
        }
    return pages.render(
        request,
        "certificates.html",
        headers=NO_STORE,
        visitor=visitor,
        show=name,
        filters=list(_FILTERS),
        number=number,
        certificates=shown,
        returned=returned,
        names=names,
        version_of=version_of,
        approvable={
            each.row.id
            for each in shown
            if each.row.state is State.DRAFT
            and each.row.id not in returned
            and each.row.maker_person != visitor.principal.person
            and allows(visitor.principal.grants, Action.CERTIFICATES_APPROVE, each.tenant)
        },
        orderable={
            each.row.id
            for each in shown
            if name == "signed"
            and allows(visitor.principal.grants, Action.STATUS_ORDER, each.tenant)
        },
        reasons=REASONS,
        next=place_text(shown[-1]) if len(found) > _ON_A_PAGE else None,
    )


@router.post("/certificates/approve")
def approve_several(
    visitor: VisitorDep, laboratory: LaboratoryDep, form: ProvedFormDep
) -> Response:
    """Approve the ticked drafts, all of them or none, and sign them where a signer is reached."""
    versions: dict[str, str | None] = {}
    for ticked in form.texts("draft"):
        identifier, _, version = ticked.partition("~")
        versions[identifier] = version
    if not versions:
        raise InvalidInputError("tick the drafts that are to be approved")
    approve_and_sign(laboratory, visitor, versions)
    return _to("/desk/certificates?show=signed")


@router.get("/import")
def show_import(request: Request, pages: PagesDep, visitor: VisitorDep) -> Response:
    """Show the form in which files of documents are handed in."""
    visitor.require(Action.CERTIFICATES_DRAFT)
    return pages.render(
        request, "import.html", headers=NO_STORE, visitor=visitor, problems=None, more=0
    )


@router.post("/import")
def take_files_in(
    request: Request,
    pages: PagesDep,
    visitor: VisitorDep,
    laboratory: LaboratoryDep,
    form: ProvedFormDep,
) -> Response:
    """Store the drafts of files, or show every problem; nothing in between."""
    visitor.require(Action.CERTIFICATES_DRAFT)
    files = [(file.name, file.content) for file in form.chosen_files("files")]
    if not files:
        raise InvalidInputError("choose at least one file")
    try:
        drafts = laboratory.check_files(visitor.principal, files)
        with laboratory.database.begin() as session:
            laboratory.store(session, visitor.principal, drafts)
    except ImportRefusedError as error:
        return pages.render(
            request,
            "import.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            headers=NO_STORE,
            visitor=visitor,
            problems=_told(error.problems[:_SHOWN_PROBLEMS], language_of(request)),
            more=max(0, len(error.problems) - _SHOWN_PROBLEMS),
        )
    return _to("/desk/certificates?show=drafts")


def _told(problems: Sequence[FileProblem], language: str) -> list[tuple[FileProblem, str]]:
    """Return problems in the language of the page, each with its place in words."""
    return [
        (in_language(problem, language), place_words(problem, language)) for problem in problems
    ]


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)
