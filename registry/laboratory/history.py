"""Everything that happened to a certificate, by time: one answer for pages, API and command line.

Two reports of one act never appear: who approved a draft and whose approval was withdrawn are told
by the rows themselves; the audit trail adds what leaves no row, such as deliveries.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from registry.audit.repository import Filter
from registry.audit.service import entries
from registry.certificates.listing import Happening, Listed, amendments_of, history_of
from registry.reviews.service import reviews_of, withdrawals_of
from registry.safeguards.retention import erasure_of

_DELIVERED: Final = "certificate.deliver"
_MOST_DELIVERIES: Final = 200  # the newest; the audit trail lists them all


def full_history(session: Session, certificate: Listed) -> list[Happening]:
    """Return what happened to a certificate, the oldest first.

    Import, remarks, approvals with those withdrawn, signing, every state of anchoring, views,
    orders of status with their way to the chain, amendments, deliveries and erasure.
    """
    found = [
        *history_of(session, certificate),
        *_said(session, certificate),
        *_amended(session, certificate),
        *_delivered(session, certificate),
    ]
    return sorted(found, key=lambda each: each.at)


def _said(session: Session, certificate: Listed) -> list[Happening]:
    identifier = certificate.row.id
    withdrawals = withdrawals_of(session, identifier)
    taken_back = {each.withdrawn_at for each in withdrawals}
    found = [
        Happening(at=each.at, code=f"draft_{each.act}", by=each.person_name, detail=each.remarks)
        for each in reviews_of(session, identifier)
        if each.at not in taken_back
    ]
    for each in withdrawals:
        found += [
            Happening(at=each.approved_at, code="approved", by=each.approver),
            Happening(
                at=each.withdrawn_at,
                code="approval_withdrawn",
                by=each.withdrawn_by,
                detail=each.remarks,
            ),
        ]
    erasure = erasure_of(session, identifier)
    if erasure is not None:
        found.append(
            Happening(
                at=erasure.erased_at, code="erased", by=erasure.erased_by, detail=erasure.ground
            )
        )
    return found


def _amended(session: Session, certificate: Listed) -> list[Happening]:
    return [
        Happening(at=later.created_at, code="amended", by=later.maker, detail=later.id)
        for later in amendments_of(session, certificate.row.id)
    ]


def _delivered(session: Session, certificate: Listed) -> list[Happening]:
    asked = Filter(object=f"certificate:{certificate.row.id}", action=_DELIVERED)
    return [
        Happening(
            at=link.entry.at,
            code="delivered",
            by=link.entry.actor,
            detail=str(link.entry.details.get("destination") or ""),
        )
        for link in entries(session, asked, limit=_MOST_DELIVERIES)
    ]
