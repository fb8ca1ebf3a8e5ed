"""Maker is never approver, whatever account, role, machine client or name he uses."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.access import service
from registry.access.domain import Role
from registry.access.errors import AmbiguousNameError
from registry.certificates.domain import Draft
from registry.certificates.errors import MakerIsApproverError, WrongStateError
from registry.certificates.models import ApprovalRow, CertificateRow
from registry.certificates.repository import insert_drafts
from registry.certificates.service import approve
from registry.kit.actor import Actor
from registry.kit.errors import InvalidInputError
from registry.kit.identifiers import new_id
from tests.support.access_world import NEAR, PASSWORD, AccessWorld, tenant_of
from verifier.core.field_policy import DocumentKind

CLERK, APPROVER = (Role.CLERK, tenant_of(NEAR)), (Role.APPROVER, tenant_of(NEAR))


def draft_of(world: AccessWorld, maker: Actor, number: str = "N-1") -> str:
    """Store a draft; what it says does not matter here."""
    draft = Draft(
        body=NEAR.id,
        kind=DocumentKind.TEST_CERTIFICATE,
        number=number,
        revision=1,
        replaces=None,
        demonstration=True,
        document=b"{}",
        source="test.json",
        pointer="",
    )
    identifier = new_id()
    with world.database.begin() as session:
        insert_drafts(session, [(identifier, draft, None)], maker=maker, at=world.clock())
    return identifier


def approve_as(world: AccessWorld, identifier: str, approver: Actor) -> None:
    with world.database.begin() as session:
        approve(session, [identifier], approver=approver, at=world.clock())


def named(world: AccessWorld, name: str) -> Actor:
    with world.database.read() as session:
        return service.actor_named(session, name)


def force_approval(world: AccessWorld, identifier: str, approver: Actor) -> None:
    """Insert an approval behind the program's back."""
    with world.database.begin() as session:
        row = session.get_one(CertificateRow, identifier)
        session.add(
            ApprovalRow(
                certificate_id=identifier,
                maker_person=row.maker_person,
                document_sha256=row.document_sha256,
                approver=approver.name,
                approver_person=approver.person,
                approved_at=world.clock(),
            )
        )


def assert_refused_twice(world: AccessWorld, identifier: str, approver: Actor) -> None:
    """By the program, and by the database when the program is passed by."""
    with pytest.raises(MakerIsApproverError):
        approve_as(world, identifier, approver)
    with pytest.raises(IntegrityError, match="second_person"):
        force_approval(world, identifier, approver)


def test_the_second_account_of_the_maker(world: AccessWorld) -> None:
    li = world.person("Li Na", CLERK, APPROVER)
    world.login(li, "lina")
    world.login(li, "lina-office")
    one, other = (
        world.gate.principal_of(world.gate.sign_in(name, PASSWORD)).actor
        for name in ("lina", "lina-office")
    )
    assert_refused_twice(world, draft_of(world, one), other)


def test_another_role_and_another_token_of_the_maker(world: AccessWorld) -> None:
    li = world.person("Li Na", CLERK, APPROVER)
    clerk, approver = (
        world.gate.principal_of(world.token(li, grant)).actor for grant in world.grant_ids(li)
    )
    assert_refused_twice(world, draft_of(world, clerk), approver)


def test_the_machine_client_of_the_approver(world: AccessWorld) -> None:
    li = world.person("Li Na", APPROVER)
    lims = world.person("LIMS", CLERK, responsible=li.id)
    identifier = draft_of(world, world.principal(lims).actor)
    assert_refused_twice(world, identifier, world.principal(li).actor)
    approve_as(world, identifier, world.principal(world.person("Wang", APPROVER)).actor)


def test_a_name_at_the_command_line_stands_for_the_registered_person(world: AccessWorld) -> None:
    li = world.person("Li Na", APPROVER)
    world.login(li, "lina")
    identifier = draft_of(world, world.principal(li).actor)
    for name in ("Li Na", " li  na", "LINA", li.id):
        assert named(world, name).person == li.id
        assert_refused_twice(world, identifier, named(world, name))
    approve_as(world, identifier, named(world, "Wang Fang"))


def test_a_name_that_was_registered_only_later(world: AccessWorld) -> None:
    identifier = draft_of(world, named(world, "Li Na"))
    li = world.person("Li Na", APPROVER)
    assert_refused_twice(world, identifier, world.principal(li).actor)


def test_a_mere_name_approves_nothing_of_its_bearer(world: AccessWorld) -> None:
    li = world.person("Li Na", CLERK)
    assert_refused_twice(world, draft_of(world, world.principal(li).actor), Actor("LI NA"))


def test_namesakes_are_two_people_once_both_are_registered(world: AccessWorld) -> None:
    one, other = world.person("Li Na", CLERK), world.person("Li Na", APPROVER)
    with pytest.raises(AmbiguousNameError):
        named(world, "Li Na")
    identifier = draft_of(world, world.principal(one).actor)
    approve_as(world, identifier, world.principal(other).actor)


def test_unregistered_names_work_as_before(world: AccessWorld) -> None:
    assert named(world, "Li Na") == Actor("Li Na")
    with pytest.raises(InvalidInputError):
        named(world, "\n")
    approve_as(world, draft_of(world, named(world, "Li Na")), named(world, "Wang Fang"))


def test_two_approvers_race_and_one_act_is_recorded(world: AccessWorld) -> None:
    clerk = world.person("Li Na", CLERK)
    approvers = [world.principal(world.person(name, APPROVER)).actor for name in ("W", "Z")]
    identifier = draft_of(world, world.principal(clerk).actor)
    ready = threading.Barrier(2, timeout=20)
    outcomes: list[str] = []

    def work(actor: Actor) -> None:
        ready.wait()
        try:
            approve_as(world, identifier, actor)
        except WrongStateError:
            outcomes.append("late")
        else:
            outcomes.append("approved")

    threads = [threading.Thread(target=work, args=(actor,)) for actor in approvers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "late"]
    [entry] = [link.entry for link in world.trail("certificate.approve")]
    with world.database.read() as session:
        approval = session.get_one(ApprovalRow, identifier)
    assert (entry.actor, entry.person) == (approval.approver, approval.approver_person)
    assert (entry.object, entry.tenant) == (f"certificate:{identifier}", tenant_of(NEAR).name)


def test_the_maker_of_a_draft_cannot_be_changed_to_somebody_else(world: AccessWorld) -> None:
    li = world.person("Li Na", CLERK, APPROVER)
    draft_of(world, world.principal(li).actor)
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text("UPDATE certificates SET maker_person = 'somebody'"))
