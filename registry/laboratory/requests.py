"""Requests to change the status of many certificates: asked by one person, decided by another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from registry.access.domain import Action
from registry.access.principal import Principal, require
from registry.certificates import listing
from registry.certificates.domain import StatusAct
from registry.certificates.errors import CertificateNotFoundError
from registry.kit.clock import Clock
from registry.kit.identifiers import is_id
from registry.safeguards import orders
from registry.safeguards.errors import StatusRequestNotFoundError
from registry.safeguards.orders import StatusRequest
from verifier.checks.facts import RevocationReason

MAX_LISTED: Final = 100


def listed(session: Session, principal: Principal, *, waiting: bool) -> list[StatusRequest]:
    """Return requests of which the principal may read every certificate.

    Args:
        session: A transaction.
        principal: Who asks.
        waiting: Those that wait, the oldest first; otherwise the newest of all.
    """
    reach = principal.reach(Action.CERTIFICATES_READ)
    if not (reach.everywhere or reach.parties or reach.bodies):
        return []
    if waiting:
        return orders.open_requests(session, reach)
    return orders.recent_requests(session, reach, limit=MAX_LISTED)


def found(session: Session, principal: Principal, request_id: str, action: Action) -> StatusRequest:
    """Return a request with which the principal may do something.

    Raises:
        StatusRequestNotFoundError: There is none, or one of its certificates is foreign.
        NotPermittedError: He may not do this with one of them.
    """
    missing = StatusRequestNotFoundError("there is no such request")
    if not is_id(request_id):
        raise missing
    try:
        request = orders.get_request(session, request_id)
    except StatusRequestNotFoundError:
        raise missing from None
    for tenant in listing.tenants_of(session, request.certificates):
        require(principal, action, tenant, missing=missing)
    return request


def ask(
    session: Session,
    principal: Principal,
    identifiers: Sequence[str],
    act: StatusAct,
    *,
    reason: RevocationReason,
    remark: str,
    clock: Clock,
) -> str:
    """Ask for a change of status and return the id of the request.

    Raises:
        CertificateNotFoundError: One of them does not exist or is foreign.
        NotPermittedError: He orders nothing for one of them.
        RegistryError: See `orders.request_orders`.
    """
    missing = CertificateNotFoundError("there is no such certificate")
    if not all(map(is_id, identifiers)):
        raise missing
    for tenant in listing.tenants_of(session, identifiers):
        require(principal, Action.STATUS_ORDER, tenant, missing=missing)
    if len(listing.find(session, identifiers)) != len(identifiers):
        raise missing
    return orders.request_orders(
        session, identifiers, act, reason=reason, remark=remark, actor=principal.actor, at=clock()
    )


def approve(session: Session, principal: Principal, request_id: str, *, clock: Clock) -> int:
    """Approve a request and return how many orders were given.

    Raises:
        RegistryError: See `found` and `orders.approve_request`.
    """
    found(session, principal, request_id, Action.STATUS_ORDER)
    return orders.approve_request(session, request_id, approver=principal.actor, at=clock())


def refuse(
    session: Session, principal: Principal, request_id: str, *, remark: str, clock: Clock
) -> None:
    """Refuse a request, or take one's own back.

    Raises:
        RegistryError: See `found` and `orders.refuse_request`.
    """
    found(session, principal, request_id, Action.STATUS_ORDER)
    orders.refuse_request(session, request_id, remark=remark, refuser=principal.actor, at=clock())
