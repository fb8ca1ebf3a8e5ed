"""`/v1/certificates/{id}/submission-receipt`: a signed promise that it will be anchored in time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.access.dependencies import PrincipalDep
from registry.access.domain import Action
from registry.anchoring.domain import Delay, WriteState
from registry.anchoring.models import LeafRow, LedgerWriteRow
from registry.anchoring.queue import queue_status
from registry.bodies.service import get_body, signing_key
from registry.certificates.models import CertificateRow, IssuedTokenRow
from registry.kit.identifiers import ID_PATTERN
from registry.laboratory.dependencies import LaboratoryDep
from registry.laboratory.errors import NoPromiseError, SignerNotConfiguredError
from registry.signing.client import SignerClient
from verifier.checks.facts import KeyPurpose
from verifier.core.encoding import b64u
from verifier.core.keys import PublicKey
from verifier.core.submission import (
    LONGEST_PROMISE,
    SubmissionClaims,
    SubmissionReceipt,
    issue_submission,
)

router: Final = APIRouter(prefix="/v1/certificates", tags=["certificates"])

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "There is none, or it is foreign."},
    409: {"description": "It is not signed, is anchored already, or cannot be promised now."},
    503: {"description": "This process reaches no signer."},
}


class SubmissionOut(BaseModel):
    """A submission receipt, beside what it says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    receipt: str
    leaf: str
    queued_at: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A leaf on its way to the chain, with the key that promises."""

    party: str
    body: bytes
    leaf: bytes
    queued_at: datetime
    key: PublicKey


@router.get(
    "/{identifier}/submission-receipt",
    summary="Signed promise of a deadline for the anchor",
    responses=_ANSWERS,
)
def read_submission_receipt(
    identifier: Annotated[str, Path(pattern=ID_PATTERN)],
    principal: PrincipalDep,
    laboratory: LaboratoryDep,
) -> SubmissionOut:
    """Return a receipt for what was signed and is not anchored yet.

    The deadline is four hours after the leaf was queued. Nothing is promised while the queue is
    later than that.
    """
    if laboratory.signer is None:
        raise SignerNotConfiguredError("this process reaches no signer")
    at = laboratory.clock()
    with laboratory.database.read() as session:
        laboratory.find(session, principal, identifier, Action.CERTIFICATES_DELIVER)
        submitted = find_submitted(session, identifier, at=at)
    receipt = promise(submitted, laboratory.signer, at=at)
    return SubmissionOut(
        receipt=receipt.jws.text,
        leaf=b64u(receipt.claims.leaf),
        queued_at=submitted.queued_at,
        deadline=datetime.fromtimestamp(receipt.claims.deadline, tz=at.tzinfo),
    )


def find_submitted(session: Session, identifier: str, *, at: datetime) -> Submitted:
    """Return the leaf of a certificate for which a promise can be made.

    Raises:
        NoPromiseError: It is not signed, it is anchored already, or the queue is too late.
        NoSigningKeyError: The body has no key for statements.
    """
    row = session.execute(
        select(CertificateRow.body_id, IssuedTokenRow.leaf, LeafRow.queued_at, LedgerWriteRow.state)
        .join(IssuedTokenRow, IssuedTokenRow.certificate_id == CertificateRow.id)
        .join(LeafRow, LeafRow.leaf == IssuedTokenRow.leaf)
        .outerjoin(LedgerWriteRow, LedgerWriteRow.id == LeafRow.batch_id)
        .where(CertificateRow.id == identifier)
    ).first()
    if row is None:
        raise NoPromiseError("nothing was signed yet")
    if row.state in {WriteState.FINAL, WriteState.PUBLISHED}:
        raise NoPromiseError("it is anchored: ask for its receipt")
    late = queue_status(session, now=at).delay is Delay.NO_PROMISE
    if late or (at - row.queued_at).total_seconds() >= LONGEST_PROMISE:
        raise NoPromiseError("anchoring is over four hours late, nothing is promised now")
    body = get_body(session, row.body_id).body
    return Submitted(
        party=body.party,
        body=body.id,
        leaf=row.leaf,
        queued_at=row.queued_at,
        key=signing_key(session, body.id, KeyPurpose.STATEMENT, at=at).public_key,
    )


def promise(submitted: Submitted, signer: SignerClient, *, at: datetime) -> SubmissionReceipt:
    """Sign the promise; outside any transaction, since the signer is asked.

    Raises:
        SignerUnavailableError: The signer does not answer.
        SigningRefusedError: The signer refuses.
    """
    queued = int(submitted.queued_at.timestamp())
    claims = SubmissionClaims(
        issued_at=int(at.timestamp()),
        party=submitted.party,
        body=submitted.body,
        leaf=submitted.leaf,
        queued=queued,
        deadline=queued + LONGEST_PROMISE,
    )
    return issue_submission(claims, signer.signer(submitted.key))
