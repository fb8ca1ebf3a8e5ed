"""Two people for every certificate: by the service, and by the database behind its back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, make_transient

from registry.certificates import service
from registry.certificates.domain import State
from registry.certificates.errors import (
    CertificateNotFoundError,
    MakerIsApproverError,
    WrongStateError,
)
from registry.certificates.models import ApprovalRow, CertificateRow
from registry.kit.actor import Actor
from registry.kit.identifiers import new_id
from tests.support.registry_world import LI, WANG, World, samples

INSERT_APPROVAL = text(
    "INSERT INTO approvals SELECT id, :maker, :digest, 'X', :approver, created_at FROM certificates"
)


@pytest.fixture
def draft(world: World) -> str:
    return world.draft(samples()["documents"][0])[0]


def row(world: World, identifier: str) -> CertificateRow:
    with world.database.read() as session:
        return session.get_one(CertificateRow, identifier)


def execute(world: World, statement: str, **parameters: Any) -> None:
    with world.database.begin() as session:
        session.execute(text(statement), parameters)


def test_an_approval_names_both_people_and_the_document(world: World, draft: str) -> None:
    world.approve([draft])
    stored = row(world, draft)
    with world.database.read() as session:
        approval = session.get_one(ApprovalRow, draft)
    assert stored.state == "approved"
    assert (stored.maker, approval.approver) == (LI.name, WANG.name)
    assert approval.document_sha256 == stored.document_sha256
    assert approval.approved_at == world.clock.now


@pytest.mark.parametrize("name", ["Li Na", "li na", "LI  NA", "Ｌi Na"])
def test_nobody_approves_what_he_made(world: World, draft: str, name: str) -> None:
    with pytest.raises(MakerIsApproverError):
        world.approve([draft], Actor(name))
    assert row(world, draft).state == "draft"


def test_all_of_a_pile_is_approved_or_none(world: World, draft: str) -> None:
    other = world.draft(samples()["documents"][1], maker=WANG)[0]
    with pytest.raises(MakerIsApproverError):
        world.approve([draft, other])
    assert {row(world, draft).state, row(world, other).state} == {"draft"}


def test_a_draft_is_approved_once(world: World, draft: str) -> None:
    world.approve([draft])
    with pytest.raises(WrongStateError):
        world.approve([draft], Actor("Zhao Liu"))
    with pytest.raises(CertificateNotFoundError):
        world.approve(["00000000-0000-0000-0000-000000000000"])


def test_two_approvers_race_and_one_wins(world: World, draft: str) -> None:
    ready = threading.Barrier(2, timeout=10)
    outcomes: list[str] = []

    def approve(name: str) -> None:
        ready.wait()
        try:
            world.approve([draft], Actor(name))
        except WrongStateError:
            outcomes.append("late")
        else:
            outcomes.append("approved")

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("Wang", "Zhao")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "late"]


class TestTheDatabaseItself:
    """Raw SQL, as a careless script or an intruder would write it."""

    def insert_approval(self, session: Session, **parameters: object) -> None:
        session.execute(INSERT_APPROVAL, parameters)

    def test_refuses_one_person_in_both_roles(self, world: World, draft: str) -> None:
        digest = row(world, draft).document_sha256
        with (
            pytest.raises(IntegrityError, match="second_person"),
            world.database.begin() as session,
        ):
            self.insert_approval(session, maker="li na", digest=digest, approver="li na")

    def test_refuses_an_approval_that_lies_about_the_maker(self, world: World, draft: str) -> None:
        digest = row(world, draft).document_sha256
        with (
            pytest.raises(IntegrityError, match=r"(?i)foreign key"),
            world.database.begin() as session,
        ):
            self.insert_approval(session, maker="somebody", digest=digest, approver="li na")

    def test_refuses_an_approval_of_another_content(self, world: World, draft: str) -> None:
        with (
            pytest.raises(IntegrityError, match=r"(?i)foreign key"),
            world.database.begin() as session,
        ):
            self.insert_approval(session, maker="li na", digest=bytes(32), approver="wang")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE approvals SET approver = 'Zhao'",
            "UPDATE approvals SET approver_person = 'zhao'",
            "DELETE FROM approvals",
            "UPDATE certificates SET document = '{}'",
            "UPDATE certificates SET document_sha256 = :other",
            "UPDATE certificates SET number = 'other'",
            "UPDATE certificates SET maker_person = 'zhao'",
            "UPDATE certificates SET state = 'draft'",
            "UPDATE certificates SET state = 'signed'",
            "DELETE FROM certificates",
        ],
    )
    def test_keeps_what_was_approved(self, world: World, draft: str, statement: str) -> None:
        world.approve([draft])
        parameters = {"other": bytes(32)} if ":other" in statement else {}
        with pytest.raises(IntegrityError):
            execute(world, statement, **parameters)

    @pytest.mark.parametrize("state", ["approved", "signed"])
    def test_refuses_a_state_without_anything_behind_it(
        self, world: World, draft: str, state: str
    ) -> None:
        with pytest.raises(IntegrityError, match="no approval or token"):
            execute(world, "UPDATE certificates SET state = :state", state=state)

    def test_refuses_a_certificate_that_begins_signed(self, world: World, draft: str) -> None:
        copy = row(world, draft)
        make_transient(copy)
        copy.id, copy.number, copy.state = new_id(), "other", State.APPROVED
        with pytest.raises(IntegrityError, match="is a draft"), world.database.begin() as session:
            session.add(copy)

    def test_refuses_a_token_without_an_approval(self, world: World, draft: str) -> None:
        key = world.bodies["demo-km"]
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
            execute(
                world,
                "INSERT INTO issued_tokens SELECT id, 'x', :leaf, "
                "(SELECT thumbprint FROM body_keys WHERE body_id = :body LIMIT 1), created_at "
                "FROM certificates",
                body=key.id,
                leaf=bytes(32),
            )

    def test_lets_a_draft_be_corrected_and_deleted(self, world: World, draft: str) -> None:
        execute(world, "UPDATE certificates SET document = '{}'")
        execute(world, "DELETE FROM certificates")

    def test_does_not_let_even_a_draft_change_its_maker(self, world: World, draft: str) -> None:
        with pytest.raises(IntegrityError, match="maker"):
            execute(world, "UPDATE certificates SET maker_person = 'zhao'")


def test_service_lists_what_is_in_a_state(world: World, draft: str) -> None:
    other = world.draft(samples()["documents"][1])[0]
    world.approve([other])
    with world.database.read() as session:
        assert service.in_state(session, [draft, other], State.DRAFT) == [draft]
        assert service.in_state(session, [draft, other], State.APPROVED) == [other]
