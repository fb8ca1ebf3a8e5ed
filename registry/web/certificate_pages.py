"""One certificate on a page: what it says, what can be done with it, its history and files."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registry.access.domain import Action, allows
from registry.bodies.service import get_body
from registry.certificates import listing
from registry.certificates.amendments import changes_of, path_of
from registry.certificates.domain import StatusAct
from registry.certificates.listing import Listed
from registry.certificates.rendering.files import files_of
from registry.certificates.rendering.letterhead import load_letterhead
from registry.certificates.rendering.paper import font_directories
from registry.certificates.signed_contents import document_of
from registry.kit.errors import InvalidInputError, NotFoundError
from registry.laboratory.dependencies import LaboratoryDep
from registry.laboratory.history import full_history
from registry.laboratory.service import Laboratory, version_of
from registry.reviews import service as reviews
from registry.reviews.domain import ReviewAct
from registry.web.document_view import document_results, entries_of, json_text, path_text
from registry.web.pages import PagesDep, language_of
from registry.web.visitors import NO_STORE, PageRoute, ProvedFormDep, Visitor, VisitorDep
from verifier.checks.facts import RevocationReason
from verifier.core.strict_json import parse_json_object
from verifier.wording import wording

router: Final = APIRouter(
    prefix="/desk/certificates", include_in_schema=False, route_class=PageRoute
)

REASONS: Final = tuple(reason.name.lower() for reason in RevocationReason)
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


@router.get("/{identifier}")
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
        replaces = found.row.replaces_id
        replaced = [] if replaces is None else listing.find(session, [replaces])
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
        reasons=REASONS,
        has_signer=laboratory.signer is not None,
    )


@router.post("/{identifier}/{act}")
def act_on_certificate(
    identifier: str, act: str, visitor: VisitorDep, laboratory: LaboratoryDep, form: ProvedFormDep
) -> Response:
    """Do one thing with one certificate and show it again."""
    principal, version = visitor.principal, form.text("version")
    remarks = form.text("remarks")
    if act == "approve":
        approve_and_sign(laboratory, visitor, {identifier: version})
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


@router.get("/{identifier}/files/{kind}")
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


def approve_and_sign(
    laboratory: Laboratory, visitor: Visitor, versions: Mapping[str, str | None]
) -> None:
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
