"""`/v1/certificates`: import, find, approve, sign, order, release and deliver."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from registry.access.dependencies import PrincipalDep
from registry.access.domain import Action
from registry.access.principal import Principal
from registry.certificates import listing
from registry.certificates.domain import StatusAct
from registry.certificates.listing import Wanted
from registry.certificates.releasing import Release
from registry.certificates.signed_contents import document_of
from registry.idempotency.dependencies import RepeatableDep, response_of
from registry.idempotency.service import Answer, once, recall
from registry.kit.body_limit import media_type
from registry.kit.errors import InvalidInputError, PreconditionMissingError
from registry.kit.forms import MULTIPART, parse_form
from registry.kit.identifiers import ID_PATTERN
from registry.laboratory.dependencies import LaboratoryDep
from registry.laboratory.history import full_history
from registry.laboratory.schemas import (
    CertificateDetail,
    CertificateOut,
    CertificatePage,
    DeliveryOut,
    HappeningOut,
    ImportOut,
    ImportRefusedOut,
    ListQuery,
    RemarksIn,
    StatusOrderIn,
    ViewIn,
    ViewOut,
    etag_of,
)
from registry.laboratory.service import Laboratory, parse_place, place_text
from registry.reviews import service as reviews
from verifier.checks.facts import RevocationReason
from verifier.core.encoding import unb64u
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.strict_json import parse_json_object

router: Final = APIRouter(prefix="/v1/certificates", tags=["certificates"])

_JSON: Final = "application/json"
_TABLES: Final[dict[str, str]] = {
    "text/csv": "import.csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "import.xlsx",
}
_IMPORT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {"schema": {}},
            **{name: {"schema": {"type": "string", "format": "binary"}} for name in _TABLES},
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                    "required": ["files"],
                }
            },
        },
    }
}
_Id = Annotated[str, Path(pattern=ID_PATTERN)]
_Leaf = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]
_IfMatch = Annotated[
    str | None, Header(max_length=200, description="ETag of the certificate as it was seen.")
]
_CHANGED: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is no such certificate, or it is foreign."},
    409: {"description": "The act does not fit the state of the certificate."},
    412: {"description": "The certificate was changed since it was seen."},
    428: {"description": "`If-Match` is missing."},
}


@router.post(
    "/imports",
    status_code=201,
    summary="Import documents as drafts, all of them or none",
    openapi_extra=_IMPORT_BODY,
    response_model=ImportOut,
    responses={
        400: {"description": "Something is wrong with the files.", "model": ImportRefusedOut}
    },
)
async def create_import(
    request: Request, principal: PrincipalDep, laboratory: LaboratoryDep, asked: RepeatableDep
) -> Response:
    """Take in one JSON, CSV or XLSX file, or several as the parts `files` of a form."""
    files = _files_of(request.headers.get("content-type", _JSON), await request.body())

    def work() -> Answer:
        if (known := recall(laboratory.database, asked)) is not None:
            return known
        # Checked outside the transaction: a large file takes long, and only storing must be once.
        drafts = laboratory.check_files(principal, files)

        def store(session: Session) -> Answer:
            outcome = laboratory.store(session, principal, drafts)
            shown = ImportOut(ids=list(outcome.ids), created=outcome.created)
            return Answer(HTTPStatus.CREATED, shown.model_dump_json().encode())

        return once(laboratory.database, asked, store, clock=laboratory.clock)

    return response_of(await run_in_threadpool(work))


@router.get("", summary="List certificates, the newest first")
def list_certificates(
    principal: PrincipalDep, laboratory: LaboratoryDep, query: Annotated[ListQuery, Query()]
) -> CertificatePage:
    """Return a page of the certificates that the caller may read."""
    try:
        after = None if query.after is None else parse_place(query.after)
    except ValueError as error:
        raise InvalidInputError("`after` is no cursor of ours") from error
    wanted = Wanted(
        state=query.state,
        body=None if query.body is None else bytes.fromhex(query.body),
        kind=query.kind,
        number=query.number,
        revoked=query.revoked,
    )
    found = laboratory.page(principal, wanted, after=after, limit=query.limit + 1)
    shown = found[: query.limit]
    return CertificatePage(
        items=[CertificateOut.of(each) for each in shown],
        next=place_text(shown[-1]) if len(found) > query.limit else None,
    )


@router.get(
    "/{identifier}",
    summary="Show a certificate with its document and history",
    response_model=CertificateDetail,
    responses={304: {"description": "It is as the caller saw it."}, 404: _CHANGED[404]},
)
def read_certificate(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep, request: Request
) -> Response:
    """Return a certificate; its `ETag` goes into `If-Match` of acts on it."""
    with laboratory.database.read() as session:
        shown, tag = _detail(session, laboratory, principal, identifier)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(shown.model_dump_json(), media_type=_JSON, headers=headers)


@router.post("/{identifier}/approval", status_code=204, summary="Approve", responses=_CHANGED)
def approve(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    if_match: _IfMatch = None,
) -> None:
    """Approve a draft exactly as it was seen; another person than its maker does this."""
    with laboratory.database.begin() as session:
        laboratory.approve(session, principal, {identifier: _version(if_match)})


@router.post("/{identifier}/return", status_code=204, summary="Return", responses=_CHANGED)
def return_draft(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    body: RemarksIn,
    if_match: _IfMatch = None,
) -> None:
    """Send a draft back to its maker with remarks."""
    with laboratory.database.begin() as session:
        laboratory.return_draft(
            session, principal, identifier, _version(if_match), body.remarks.strip()
        )


@router.post("/{identifier}/submission", status_code=204, summary="Submit", responses=_CHANGED)
def submit_again(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    body: RemarksIn,
    if_match: _IfMatch = None,
) -> None:
    """Hand a returned draft in again, as it is; an import hands its drafts in already."""
    with laboratory.database.begin() as session:
        laboratory.submit_again(
            session, principal, identifier, _version(if_match), body.remarks.strip()
        )


@router.post(
    "/{identifier}/withdrawal",
    status_code=204,
    summary="Withdraw an approval",
    responses=_CHANGED,
)
def withdraw(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    body: RemarksIn,
    if_match: _IfMatch = None,
) -> None:
    """Take back the approval of what is not signed yet; it returns to its maker with remarks."""
    with laboratory.database.begin() as session:
        laboratory.withdraw(
            session, principal, identifier, _version(if_match), body.remarks.strip()
        )


@router.delete("/{identifier}", status_code=204, summary="Discard a draft", responses=_CHANGED)
def discard(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    if_match: _IfMatch = None,
) -> None:
    """Delete a draft that the caller made; its number can be used again."""
    with laboratory.database.begin() as session:
        laboratory.discard(session, principal, identifier, _version(if_match))


@router.post(
    "/{identifier}/signature",
    status_code=204,
    summary="Sign an approved certificate",
    responses={404: _CHANGED[404], 409: _CHANGED[409], 503: {"description": "No signer."}},
)
def sign(identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep) -> None:
    """Have an approved certificate signed and its leaves queued for the next anchor."""
    laboratory.sign(principal, [identifier])


@router.post(
    "/{identifier}/status-orders",
    status_code=202,
    summary="Revoke, suspend or resume",
    response_class=Response,
    responses={404: _CHANGED[404], 409: _CHANGED[409]},
)
def create_status_order(
    identifier: _Id,
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    body: StatusOrderIn,
    asked: RepeatableDep,
) -> Response:
    """Order a change of status; the ledger carries it out in its own time."""
    reason = RevocationReason[body.reason.upper()]

    def work(session: Session) -> Answer:
        laboratory.order(session, principal, identifier, StatusAct(body.act), reason)
        return Answer(HTTPStatus.ACCEPTED, body.model_dump_json().encode())

    return response_of(once(laboratory.database, asked, work, clock=laboratory.clock))


@router.get("/{identifier}/views", summary="List the views", responses={404: _CHANGED[404]})
def list_views(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep
) -> list[ViewOut]:
    """Return the views that were made, the oldest first."""
    with laboratory.database.read() as session:
        laboratory.find(session, principal, identifier, Action.CERTIFICATES_READ)
        return [ViewOut.of(row) for row in listing.releases_of(session, identifier)]


@router.post(
    "/{identifier}/views",
    status_code=201,
    summary="Make a view for a destination",
    responses={404: _CHANGED[404], 409: _CHANGED[409]},
)
def create_view(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep, body: ViewIn
) -> ViewOut:
    """Withhold fields for a destination by a signed statement.

    The same decision made again returns the view that exists, with or without an idempotency key.
    """
    release = Release(
        certificate_id=identifier,
        destination=body.destination,
        withhold=tuple(body.withhold),
        grounds=tuple(body.grounds),
    )
    leaf = laboratory.release(principal, release)
    with laboratory.database.read() as session:
        rows = listing.releases_of(session, identifier)
    return next(ViewOut.of(row) for row in rows if row.leaf == leaf)


@router.get(
    "/{identifier}/delivery",
    summary="What the holder of the whole certificate receives",
    responses={404: _CHANGED[404], 409: _CHANGED[409]},
)
def read_delivery(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep
) -> DeliveryOut:
    """Return token, receipt and the texts of the codes; that they were fetched is recorded."""
    return _delivery(laboratory, principal, identifier, None)


@router.get(
    "/{identifier}/views/{leaf}/delivery",
    summary="What the holder of a view receives",
    responses={404: _CHANGED[404], 409: _CHANGED[409]},
)
def read_view_delivery(
    identifier: _Id, leaf: _Leaf, principal: PrincipalDep, laboratory: LaboratoryDep
) -> DeliveryOut:
    """Return token, receipt and the texts of the codes; that they were fetched is recorded."""
    return _delivery(
        laboratory, principal, identifier, unb64u(leaf, what="leaf", length=DIGEST_BYTES)
    )


def _delivery(
    laboratory: Laboratory, principal: Principal, identifier: str, leaf: bytes | None
) -> DeliveryOut:
    delivery = laboratory.deliver(principal, identifier, leaf)
    return DeliveryOut(
        stem=delivery.stem,
        destination=delivery.destination,
        sealed=delivery.sealed,
        sdjwt=delivery.compact,
        receipt=delivery.receipt.decode(),
        link_code=delivery.link_code,
        offline_code=delivery.offline_code,
    )


def _detail(
    session: Session, laboratory: Laboratory, principal: Principal, identifier: str
) -> tuple[CertificateDetail, str]:
    found = laboratory.find(session, principal, identifier, Action.CERTIFICATES_READ)
    shown = CertificateDetail(
        **CertificateOut.of(found).model_dump(),
        returned=identifier in reviews.returned(session, [identifier]),
        document=parse_json_object(document_of(session, found.row), what="stored document"),
        history=[HappeningOut.of(each) for each in full_history(session, found)],
    )
    return shown, etag_of(found)


def _version(if_match: str | None) -> str:
    """Return the version that the caller saw.

    Raises:
        PreconditionMissingError: He does not say which.
    """
    if if_match is None:
        raise PreconditionMissingError("send the ETag of the certificate in If-Match")
    return if_match.strip().strip('"')


def _files_of(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Return the files of an import with names that tell their format.

    Raises:
        MalformedFormError: The form is malformed.
        InvalidInputError: It holds no file.
    """
    kind = media_type(content_type)
    if kind != MULTIPART:
        return [(_TABLES.get(kind, "import.json"), body)]
    files = parse_form(content_type, body).chosen_files("files")
    if not files:
        raise InvalidInputError("the form holds no part `files`")
    return [(file.name, file.content) for file in files]
