"""Many revocations need a second person, and the tables see to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from registry.certificates.domain import StatusAct
from registry.certificates.errors import (
    AlreadyRevokedError,
    MakerIsApproverError,
    WrongStateError,
)
from registry.certificates.models import StatusOrderRow
from registry.certificates.status_orders import order_status
from registry.kit.actor import Actor
from registry.safeguards.domain import ALONE
from registry.safeguards.errors import (
    SecondApproverNeededError,
    StatusRequestDecidedError,
    StatusRequestNotFoundError,
    UnusableStatusRequestError,
)
from registry.safeguards.orders import (
    Decision,
    approve_request,
    get_request,
    open_requests,
    order_few,
    refuse_request,
    request_orders,
)
from tests.support.registry_world import LI, WANG, World, samples
from verifier.checks.facts import RevocationReason

ERROR = RevocationReason.ERROR


def issued(world: World, count: int, sample: int = 0) -> list[str]:
    document = samples()["documents"][sample]
    made = world.issue(*({**document, "number": f"DEMO-{sample}-{at}"} for at in range(count)))
    return [each.certificate_id for each in made]


def revoke_all(world: World, identifiers: list[str], actor: Actor = LI) -> None:
    with world.database.begin() as session:
        order_few(
            session, identifiers, StatusAct.REVOKE, reason=ERROR, actor=actor, at=world.clock.now
        )


def request(world: World, identifiers: list[str], actor: Actor = LI) -> str:
    with world.database.begin() as session:
        return request_orders(
            session, identifiers, reason=ERROR, remark="oven 3", actor=actor, at=world.clock.now
        )


def refuse(world: World, request_id: str, refuser: Actor = WANG) -> None:
    with world.database.begin() as session:
        refuse_request(session, request_id, remark="not these", refuser=refuser, at=world.clock.now)


def approve(world: World, request_id: str, approver: Actor = WANG) -> int:
    with world.database.begin() as session:
        return approve_request(session, request_id, approver=approver, at=world.clock.now)


def revoked(world: World) -> int:
    with world.database.read() as session:
        statement = select(func.count()).select_from(StatusOrderRow)
        return session.scalar(statement.where(StatusOrderRow.act == StatusAct.REVOKE)) or 0


def test_few_are_revoked_alone_and_one_more_is_too_many(world: World) -> None:
    identifiers = issued(world, ALONE + 1)
    revoke_all(world, identifiers[:4])
    revoke_all(world, identifiers[4:ALONE], actor=WANG)  # taking turns does not help
    with pytest.raises(SecondApproverNeededError):
        revoke_all(world, identifiers[ALONE:])
    assert revoked(world) == ALONE

    world.clock.now += timedelta(days=1, seconds=1)
    revoke_all(world, identifiers[ALONE:])
    assert revoked(world) == ALONE + 1


def test_a_pile_is_refused_as_a_whole(world: World) -> None:
    identifiers = issued(world, ALONE + 1)
    with pytest.raises(SecondApproverNeededError):
        revoke_all(world, identifiers)
    assert revoked(world) == 0


def test_the_tables_refuse_what_goes_around_the_program(world: World) -> None:
    identifiers = issued(world, ALONE + 1)
    revoke_all(world, identifiers[:ALONE])
    with pytest.raises(IntegrityError, match="second approver"), world.database.begin() as session:
        order_status(
            session,
            identifiers[ALONE],
            StatusAct.REVOKE,
            reason=ERROR,
            actor=LI,
            at=world.clock.now,
        )


def test_bodies_are_counted_apart(world: World) -> None:
    revoke_all(world, issued(world, ALONE))
    revoke_all(world, issued(world, 1, sample=1))
    assert revoked(world) == ALONE + 1


def test_a_request_is_carried_out_once_a_second_person_approves(world: World) -> None:
    identifiers = issued(world, ALONE + 3)
    request_id = request(world, identifiers)
    assert revoked(world) == 0
    revoke_all(world, identifiers[:1])  # meanwhile
    with world.database.read() as session:
        [waiting] = open_requests(session)
        assert sorted(waiting.certificates) == sorted(identifiers)
        assert (waiting.requester, waiting.remark) == ("Li Na", "oven 3")

    assert approve(world, request_id) == ALONE + 2

    assert revoked(world) == ALONE + 3
    with world.database.read() as session:
        assert open_requests(session) == []
        assert get_request(session, request_id).decided_by == "Wang Fang"
    # What two people decided does not use up what one may do alone.
    more = issued(world, 1, sample=1)
    revoke_all(world, more)


def test_who_asks_does_not_approve(world: World) -> None:
    request_id = request(world, issued(world, 2))
    for approver in (LI, Actor("LI  na"), Actor("Li Na", key="another account")):
        with pytest.raises(MakerIsApproverError):
            approve(world, request_id, approver)
    assert revoked(world) == 0


def test_a_request_is_approved_once(world: World) -> None:
    request_id = request(world, issued(world, 2))
    approve(world, request_id)
    with pytest.raises(StatusRequestDecidedError):
        approve(world, request_id)
    with pytest.raises(StatusRequestNotFoundError):
        approve(world, "00000000-0000-0000-0000-000000000000")


def test_requests_that_make_no_sense(world: World) -> None:
    [draft] = world.draft(samples()["documents"][0])
    with pytest.raises(WrongStateError):
        request(world, [draft])
    with pytest.raises(UnusableStatusRequestError):
        request(world, [])
    identifiers = issued(world, 1, sample=1)
    revoke_all(world, identifiers)
    with pytest.raises(AlreadyRevokedError):
        revoke_all(world, identifiers)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bulk_revocations SET reason = 4",
        "UPDATE bulk_revocations SET act = 'suspend'",
        "DELETE FROM bulk_revocation_items",
        "DELETE FROM bulk_revocation_approvals",
        "INSERT INTO bulk_revocation_items SELECT r.id, t.certificate_id FROM bulk_revocations r,"
        " issued_tokens t WHERE NOT EXISTS (SELECT 1 FROM bulk_revocation_items i"
        " WHERE i.certificate_id = t.certificate_id)",
        "UPDATE bulk_revocation_approvals SET approver_person = requester_person",
    ],
)
def test_a_request_is_never_edited(world: World, statement: str) -> None:
    identifiers = issued(world, 3)
    approve(world, request(world, identifiers[:2]))
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


def test_an_approval_by_the_requester_is_refused_by_the_tables(world: World) -> None:
    request(world, issued(world, 1))
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(
            text(
                "INSERT INTO bulk_revocation_approvals SELECT id, requester_person, 'x',"
                " requester_person, requested_at FROM bulk_revocations"
            )
        )


@pytest.mark.parametrize("act", [StatusAct.SUSPEND, StatusAct.RESUME])
def test_many_are_suspended_and_resumed_by_two_people_as_well(world: World, act: StatusAct) -> None:
    def few(identifiers: list[str]) -> None:
        with world.database.begin() as session:
            order_few(session, identifiers, act, reason=ERROR, actor=LI, at=world.clock.now)

    identifiers = issued(world, ALONE + 2)
    few(identifiers[:ALONE])
    revoke_all(world, identifiers[:1])  # another kind of order has a limit of its own
    with pytest.raises(SecondApproverNeededError):
        few(identifiers[ALONE : ALONE + 1])
    with world.database.begin() as session:
        request_id = request_orders(
            session, identifiers, act, reason=ERROR, remark="", actor=LI, at=world.clock.now
        )
    assert approve(world, request_id) == ALONE + 1
    with world.database.read() as session:
        ordered = session.scalars(select(StatusOrderRow).where(StatusOrderRow.act == act)).all()
    assert len(ordered) == ALONE + ALONE + 1


def test_the_approval_of_a_suspension_covers_no_revocation(world: World) -> None:
    identifiers = issued(world, ALONE + 1)
    with world.database.begin() as session:
        request_id = request_orders(
            session, identifiers, StatusAct.SUSPEND, reason=ERROR, remark="", actor=LI,
            at=world.clock.now,
        )  # fmt: skip
    approve(world, request_id)
    revoke_all(world, identifiers[:ALONE])
    with pytest.raises(SecondApproverNeededError):
        revoke_all(world, identifiers[ALONE:])


def test_a_request_is_refused_or_taken_back(world: World) -> None:
    identifiers = issued(world, 2)
    for refuser in (WANG, LI):
        request_id = request(world, identifiers)
        refuse(world, request_id, refuser)
        with pytest.raises(StatusRequestDecidedError):
            approve(world, request_id)
        with pytest.raises(StatusRequestDecidedError):
            refuse(world, request_id, refuser)
        with world.database.read() as session:
            assert open_requests(session) == []
            decided = get_request(session, request_id)
        assert (decided.decision, decided.decided_by, decided.answer) == (
            Decision.REFUSED,
            refuser.name,
            "not these",
        )
    approved = request(world, identifiers)
    approve(world, approved)
    with pytest.raises(StatusRequestDecidedError):
        refuse(world, approved)
    assert revoked(world) == 2


@pytest.mark.parametrize("first", ["approvals", "refusals"])
def test_the_tables_know_one_decision(world: World, first: str) -> None:
    request_id = request(world, issued(world, 1))
    if first == "approvals":
        approve(world, request_id)
        second = (
            "INSERT INTO bulk_revocation_refusals SELECT id, 'x', 'x', '', requested_at"
            " FROM bulk_revocations"
        )
    else:
        refuse(world, request_id)
        second = (
            "INSERT INTO bulk_revocation_approvals SELECT id, requester_person, 'x', 'x',"
            " requested_at FROM bulk_revocations"
        )
    with (
        pytest.raises(IntegrityError, match="decided otherwise"),
        world.database.begin() as session,
    ):
        session.execute(text(second))


def test_amendments_do_not_count(world: World) -> None:
    identifiers = issued(world, ALONE)
    revoke_all(world, identifiers[1:])
    document = samples()["documents"][0]
    amendment = {
        **document,
        "number": "DEMO-0-0",
        "revision": 2,
        "replaces": {"number": "DEMO-0-0", "revision": 1, "reason": {"en": "wrong consignee"}},
    }
    world.issue(amendment)  # revokes the first as superseded
    revoke_all(world, issued(world, 1, sample=1))
    with world.database.read() as session:
        reasons = session.scalars(
            select(StatusOrderRow.reason).where(StatusOrderRow.certificate_id == identifiers[0])
        ).all()
    assert reasons == [RevocationReason.SUPERSEDED]
    assert revoked(world) == ALONE + 1
