from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.certificates.domain import StatusAct
from registry.certificates.errors import (
    AlreadyRevokedError,
    CertificateNotFoundError,
    WrongStateError,
)
from registry.certificates.status_orders import assign_orders, order_status, pending_orders
from tests.support.registry_world import LI, World, samples
from verifier.checks.facts import RevocationReason


def order(
    world: World,
    identifier: str,
    act: StatusAct = StatusAct.REVOKE,
    reason: RevocationReason = RevocationReason.ERROR,
) -> None:
    with world.database.begin() as session:
        order_status(session, identifier, act, reason=reason, actor=LI, at=world.clock.now)


def test_an_order_waits_with_everything_that_the_ledger_needs(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    order(world, item.certificate_id, reason=RevocationReason.FRAUD)
    credential = world.deliver(item.certificate_id).certificate.parsed.credential
    with world.database.begin() as session:
        [pending] = pending_orders(session, limit=10)
        assert (pending.body, pending.status) == (credential.body, credential.status)
        assert (pending.act, pending.reason) == (StatusAct.REVOKE, RevocationReason.FRAUD)
        assign_orders(session, [pending.id], ledger_write_id=7)
        assert pending_orders(session, limit=10) == []


def test_a_revocation_is_ordered_once_and_nothing_follows_it(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    order(world, item.certificate_id, StatusAct.SUSPEND)
    order(world, item.certificate_id, StatusAct.RESUME)
    order(world, item.certificate_id)
    for act in StatusAct:
        with pytest.raises(AlreadyRevokedError):
            order(world, item.certificate_id, act)


def test_only_signed_certificates_have_a_status(world: World) -> None:
    [draft] = world.draft(samples()["documents"][0])
    with pytest.raises(WrongStateError):
        order(world, draft)
    with pytest.raises(CertificateNotFoundError):
        order(world, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE status_orders SET reason = 1",
        "UPDATE status_orders SET act = 'resume'",
        "UPDATE status_orders SET ledger_write_id = 8",
        "UPDATE status_orders SET ledger_write_id = NULL",
        "DELETE FROM status_orders",
        "INSERT INTO status_orders SELECT 99, certificate_id, act, reason, ordered_by, ordered_at,"
        " NULL FROM status_orders",
    ],
)
def test_the_database_keeps_orders_and_refuses_a_second_revocation(
    world: World, statement: str
) -> None:
    [item] = world.issue(samples()["documents"][0])
    order(world, item.certificate_id)
    with world.database.begin() as session:
        assign_orders(session, [1], ledger_write_id=7)
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))
