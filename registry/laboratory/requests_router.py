"""`/v1/status-requests`: revoke, suspend or resume many certificates with a second person."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from registry.access.dependencies import PrincipalDep
from registry.access.domain import Action
from registry.certificates.domain import StatusAct
from registry.idempotency.dependencies import RepeatableDep, response_of
from registry.idempotency.service import Answer, once
from registry.kit.identifiers import ID_PATTERN
from registry.laboratory import requests
from registry.laboratory.dependencies import LaboratoryDep
from registry.safeguards.domain import MAX_AT_ONCE, MAX_REMARK
from registry.safeguards.orders import Decision, StatusRequest, get_request
from verifier.checks.facts import RevocationReason

router: Final = APIRouter(prefix="/v1/status-requests", tags=["certificates"])

_Id = Annotated[str, Path(pattern=ID_PATTERN)]
_CertificateId = Annotated[str, Field(pattern=ID_PATTERN)]
_Remark = Annotated[str, Field(max_length=MAX_REMARK)]
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is no such request or certificate, or it is foreign."},
    409: {"description": "It was decided already, or does not fit the state of a certificate."},
}


class StatusRequestIn(BaseModel):
    """What is to be done with which certificates, and why."""

    model_config = ConfigDict(extra="forbid")

    act: StatusAct
    reason: Annotated[
        str, Field(pattern=f"^({'|'.join(each.name.lower() for each in RevocationReason)})$")
    ]
    remark: _Remark = ""
    certificates: Annotated[list[_CertificateId], Field(min_length=1, max_length=MAX_AT_ONCE)]


class StatusRequestOut(BaseModel):
    """A request and what became of it."""

    id: str
    act: StatusAct
    reason: str
    remark: str
    requester: str
    requested_at: datetime
    certificates: list[str]
    decision: Decision
    decided_by: str | None
    decided_at: datetime | None
    answer: str

    @classmethod
    def of(cls, request: StatusRequest) -> StatusRequestOut:
        """Return what is shown of a request."""
        return cls(
            id=request.id,
            act=request.act,
            reason=request.reason.name.lower(),
            remark=request.remark,
            requester=request.requester,
            requested_at=request.requested_at,
            certificates=list(request.certificates),
            decision=request.decision,
            decided_by=request.decided_by,
            decided_at=request.decided_at,
            answer=request.answer,
        )


class RefusalIn(BaseModel):
    """What is said with a refusal."""

    model_config = ConfigDict(extra="forbid")

    remark: _Remark = ""


@router.get("", summary="List requests")
def list_requests(
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
    *,
    waiting: Annotated[bool, Query(description="Only those that wait for a decision.")] = True,
) -> list[StatusRequestOut]:
    """Return the requests of which the caller may read every certificate."""
    with laboratory.database.read() as session:
        found = requests.listed(session, principal, waiting=waiting)
    return [StatusRequestOut.of(each) for each in found]


@router.post(
    "",
    status_code=201,
    summary="Ask for a change of status",
    response_model=StatusRequestOut,
    responses=_RESPONSES,
)
def create_request(
    principal: PrincipalDep, laboratory: LaboratoryDep, body: StatusRequestIn, asked: RepeatableDep
) -> Response:
    """Ask for revocations, suspensions or their end; another person decides."""

    def work(session: Session) -> Answer:
        made = requests.ask(
            session,
            principal,
            list(dict.fromkeys(body.certificates)),
            body.act,
            reason=RevocationReason[body.reason.upper()],
            remark=body.remark.strip(),
            clock=laboratory.clock,
        )
        shown = StatusRequestOut.of(get_request(session, made))
        location = f"{router.prefix}/{made}"
        return Answer(HTTPStatus.CREATED, shown.model_dump_json().encode(), location)

    return response_of(once(laboratory.database, asked, work, clock=laboratory.clock))


@router.get("/{identifier}", summary="Show a request", responses={404: _RESPONSES[404]})
def read_request(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep
) -> StatusRequestOut:
    """Return one request."""
    with laboratory.database.read() as session:
        found = requests.found(session, principal, identifier, Action.CERTIFICATES_READ)
    return StatusRequestOut.of(found)


@router.post(
    "/{identifier}/approval",
    status_code=202,
    summary="Approve a request",
    response_model=StatusRequestOut,
    responses=_RESPONSES,
)
def approve_request(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep, asked: RepeatableDep
) -> Response:
    """Approve what another person asked for; the ledger carries it out in its own time."""

    def work(session: Session) -> Answer:
        requests.approve(session, principal, identifier, clock=laboratory.clock)
        shown = StatusRequestOut.of(get_request(session, identifier))
        return Answer(HTTPStatus.ACCEPTED, shown.model_dump_json().encode())

    return response_of(once(laboratory.database, asked, work, clock=laboratory.clock))


@router.post(
    "/{identifier}/refusal", status_code=204, summary="Refuse a request", responses=_RESPONSES
)
def refuse_request(
    identifier: _Id, principal: PrincipalDep, laboratory: LaboratoryDep, body: RefusalIn
) -> None:
    """Refuse what another person asked for, or take one's own request back."""
    with laboratory.database.begin() as session:
        requests.refuse(
            session, principal, identifier, remark=body.remark.strip(), clock=laboratory.clock
        )
