"""The laboratory's desk: drafts, import, approval, signing, history and the holder's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.domain import Action, allows
from registry.bodies.service import get_body
from registry.certificates import listing
from registry.certificates.amendments import changes_of, path_of
from registry.certificates.domain import State, StatusAct
from registry.certificates.listing import Listed, Wanted
from registry.certificates.rendering.files import files_of
from registry.certificates.rendering.letterhead import load_letterhead
from registry.certificates.rendering.paper import font_directories
from registry.certificates.signed_contents import document_of
from registry.kit.errors import InvalidInputError, NotFoundError
from registry.kit.import_problems import FileProblem, ImportRefusedError
from registry.kit.problem_words import in_language, place_words
from registry.laboratory import requests
from registry.laboratory.dependencies import LaboratoryDep
from registry.laboratory.history import full_history
from registry.laboratory.service import Laboratory, parse_place, place_text, version_of
from registry.reviews import service as reviews
from registry.reviews.domain import ReviewAct
from registry.web.document_view import document_results, entries_of, json_text, path_text
from registry.web.expiries import CERTIFICATE_NOTICE, bodies_within, expiries_of
from registry.web.pages import PagesDep, language_of
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, Visitor, VisitorDep
from verifier.checks.facts import RevocationReason
from verifier.core.strict_json import parse_json_object
from verifier.wording import wording

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
_SAID_ELSEWHERE: Final = frozenset({"results", "checklist", "kind", "number", "revision"})
_FILE_TYPES: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "sdjwt": "application/vc+sd-jwt",
    "receipt.json": "application/json",
    "link.png": "image/png",
    "offline.png": "image/png",
    "link.svg": "image/svg+xml",
    "offline.svg": "image/svg+xml",
    "link.txt": "text/plain; charset=utf-8",
    "offline.txt": "text/plain; charset=utf-8",
}
_REASONS: Final = tuple(reason.name.lower() for reason in RevocationReason)


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
        reasons=_REASONS,
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
    _approve(laboratory, visitor, versions)
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


@router.get("/certificates/{identifier}")
def show_certificate(
    identifier: str,
    request: Request,
    pages: PagesDep,
    visitor: VisitorDep,
    laboratory: LaboratoryDep,
) -> Response:
    """Show one certificate: what it says, what can be done with it, what happened to it."""
    words = wording(language_of(request))
    with laboratory.database.read() as session:
        found = laboratory.find(session, visitor.principal, identifier, Action.CERTIFICATES_READ)
        content = document_of(session, found.row)
        history = full_history(session, found)
        changes = changes_of(session, found.row)
        replaced = listing.find(session, [found.row.replaces_id or ""])
        replaced_by = listing.amendments_of(session, identifier)
        said = reviews.reviews_of(session, identifier)
        releases = listing.releases_of(session, identifier)
        body = get_body(session, found.row.body_id).body
    document: Mapping[str, Any] = parse_json_object(content, what="stored document")
    rest = {
        path: value
        for name, each in document.items()
        if name not in _SAID_ELSEWHERE
        for path, value in _flat(name, each)
    }
    return pages.render(
        request,
        "certificate.html",
        headers=NO_STORE,
        visitor=visitor,
        found=found,
        body=body,
        erased=not document,
        kind=words.kind(found.row.kind.value),
        version=version_of(found),
        entries=list(entries_of(rest, words.language)),
        results=document_results(document, words),
        history=history,
        changes=[
            (
                path_text(path_of(each), words.language),
                json_text(each.before, words.language),
                json_text(each.after, words.language),
            )
            for each in changes
        ],
        replaced=replaced,
        replaced_by=replaced_by,
        said=said,
        returned=bool(said) and said[-1].act is ReviewAct.RETURN,
        releases=releases,
        files=list(_FILE_TYPES),
        may=_permitted(visitor, found),
        reasons=_REASONS,
        has_signer=laboratory.signer is not None,
    )


@router.post("/certificates/{identifier}/{act}")
def act_on_certificate(
    identifier: str, act: str, visitor: VisitorDep, laboratory: LaboratoryDep, form: ProvedFormDep
) -> Response:
    """Do one thing with one certificate and show it again."""
    principal, version = visitor.principal, form.text("version")
    remarks = form.text("remarks")
    if act == "approve":
        _approve(laboratory, visitor, {identifier: version})
    elif act == "sign":
        laboratory.sign(principal, [identifier])
    elif act in {"return", "submit", "discard", "withdraw"}:
        with laboratory.database.begin() as session:
            if act == "return":
                laboratory.return_draft(session, principal, identifier, version, remarks)
            elif act == "withdraw":
                laboratory.withdraw(session, principal, identifier, version, remarks)
            elif act == "submit":
                laboratory.submit_again(session, principal, identifier, version, remarks)
            else:
                laboratory.discard(session, principal, identifier, version)
                return _to("/desk/certificates?show=drafts")
    elif act in set(StatusAct):
        if form.text("confirm") != "yes":
            raise InvalidInputError("tick that you mean it")
        reason = _reason(form.text("reason"))
        with laboratory.database.begin() as session:
            laboratory.order(session, principal, identifier, StatusAct(act), reason)
    else:
        raise NotFoundError("there is no such act")
    return _to(f"/desk/certificates/{identifier}")


@router.get("/certificates/{identifier}/files/{kind}")
def read_file(
    identifier: str,
    kind: str,
    request: Request,
    visitor: VisitorDep,
    laboratory: LaboratoryDep,
) -> Response:
    """Hand out one of the holder's files, of the whole certificate or of a view (`?view=`)."""
    if kind not in _FILE_TYPES:
        raise NotFoundError("there is no such file")
    view = request.query_params.get("view")
    try:
        leaf = bytes.fromhex(view) if view else None
    except ValueError as error:
        raise NotFoundError("there is no such view") from error
    delivery = laboratory.deliver(visitor.principal, identifier, leaf)
    with laboratory.database.read() as session:
        body = get_body(session, delivery.certificate.parsed.credential.body).body
    settings = request.app.state.settings
    letterhead = load_letterhead(settings.home, body.alias)
    fonts = font_directories(settings.fonts)
    files = files_of(delivery, body, fonts=fonts, letterhead=letterhead)
    name = f"{delivery.stem}.{kind}"
    if name not in files:
        raise NotFoundError("codes and the page exist once the certificate is anchored")
    shown_name = name.encode("ascii", "replace").decode()
    return Response(
        files[name],
        media_type=_FILE_TYPES[kind],
        headers={
            **NO_STORE,
            "Content-Disposition": f'attachment; filename="{shown_name}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _told(problems: Sequence[FileProblem], language: str) -> list[tuple[FileProblem, str]]:
    """Return problems in the language of the page, each with its place in words."""
    return [
        (in_language(problem, language), place_words(problem, language)) for problem in problems
    ]


def _approve(laboratory: Laboratory, visitor: Visitor, versions: Mapping[str, str | None]) -> None:
    """Approve drafts, then have them signed if this process reaches a signer."""
    with laboratory.database.begin() as session:
        laboratory.approve(session, visitor.principal, versions)
    if laboratory.signer is not None:
        laboratory.sign(visitor.principal, list(versions))


def _permitted(visitor: Visitor, found: Listed) -> dict[str, bool]:
    """Return what the visitor's roles allow him with a certificate, whatever its state."""
    grants = visitor.principal.grants
    actions = {
        "draft": Action.CERTIFICATES_DRAFT,
        "approve": Action.CERTIFICATES_APPROVE,
        "sign": Action.CERTIFICATES_SIGN,
        "deliver": Action.CERTIFICATES_DELIVER,
        "order": Action.STATUS_ORDER,
    }
    allowed = {name: allows(grants, action, found.tenant) for name, action in actions.items()}
    return {**allowed, "own": found.row.maker_person == visitor.principal.person}


def _reason(name: str) -> RevocationReason:
    try:
        return RevocationReason[name.upper()]
    except KeyError as error:
        raise InvalidInputError("choose a reason") from error


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    """Return a member of a document by dotted paths, one level deep."""
    if isinstance(value, Mapping) and name != "title":
        return [(f"{name}.{inner}", each) for inner, each in value.items()]
    return [(name, value)]


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)
