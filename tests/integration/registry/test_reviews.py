"""Returned drafts: what the tables refuse, whatever the program does."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from registry.certificates import service
from registry.certificates.errors import MakerIsApproverError, WrongStateError
from registry.certificates.models import IssuedTokenRow
from registry.certificates.positions import reserve_positions
from registry.reviews import service as reviews
from registry.reviews.errors import RemarksMissingError
from registry.reviews.models import DraftReviewRow
from registry.signing.description import SigningRequest
from tests.support.registry_world import LI, WANG, World, samples


@pytest.fixture
def returned(world: World) -> str:
    [identifier] = world.draft(samples()["documents"][0])
    with world.database.begin() as session:
        [row] = service.get_certificates(session, [identifier])
        reviews.return_draft(session, row, remarks="why?", actor=WANG, at=world.clock())
    return identifier


def test_the_database_refuses_the_approval_of_a_returned_draft(world: World, returned: str) -> None:
    with pytest.raises(IntegrityError, match="returned to its maker"):
        world.approve([returned])
    with world.database.begin() as session:
        [row] = service.get_certificates(session, [returned])
        reviews.submit_again(session, row, remarks="", actor=LI, at=world.clock())
    world.approve([returned])


def test_what_was_said_is_never_edited(world: World, returned: str) -> None:
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(update(DraftReviewRow).values(remarks="nothing"))


def test_a_maker_does_not_return_his_own_draft(world: World) -> None:
    [identifier] = world.draft(samples()["documents"][0])
    with world.database.begin() as session:
        [row] = service.get_certificates(session, [identifier])
        with pytest.raises(MakerIsApproverError):
            reviews.return_draft(session, row, remarks="x", actor=LI, at=world.clock())


def test_a_discarded_draft_frees_its_number(world: World, returned: str) -> None:
    with world.database.begin() as session:
        [row] = service.get_certificates(session, [returned])
        reviews.discard(session, row, actor=LI, at=world.clock())
    assert world.draft(samples()["documents"][0]) != [returned]


class TestWithdrawnApprovals:
    @pytest.fixture
    def approved(self, world: World) -> str:
        [identifier] = world.draft(samples()["documents"][0])
        world.approve([identifier])
        return identifier

    def withdraw(self, world: World, identifier: str, remarks: str = "wrong consignee") -> None:
        with world.database.begin() as session:
            [row] = service.get_certificates(session, [identifier], for_update=True)
            reviews.withdraw_approval(session, row, remarks=remarks, actor=LI, at=world.clock())

    def test_it_goes_back_to_its_maker_who_discards_it(self, world: World, approved: str) -> None:
        with world.database.begin() as session:  # a signing that failed had reserved a position
            body = world.bodies[samples()["documents"][0]["issuer"]["body"]].id
            reserve_positions(session, body, [approved], choose=lambda _: 0)
        self.withdraw(world, approved)
        with pytest.raises(IntegrityError, match="returned to its maker"):
            world.approve([approved])
        with world.database.read() as session:
            [kept] = reviews.withdrawals_of(session, approved)
            assert (kept.approver, kept.withdrawn_by, kept.remarks) == (
                WANG.name,
                LI.name,
                "wrong consignee",
            )
        with world.database.begin() as session:
            [row] = service.get_certificates(session, [approved])
            reviews.discard(session, row, actor=LI, at=world.clock())
        world.issue(samples()["documents"][0])  # the number is free again

    def test_it_is_handed_in_again_and_approved_again(self, world: World, approved: str) -> None:
        self.withdraw(world, approved)
        with world.database.begin() as session:
            [row] = service.get_certificates(session, [approved])
            reviews.submit_again(session, row, remarks="it is right", actor=LI, at=world.clock())
        world.approve([approved])
        [issued] = world.issuer().issue([approved])
        assert issued.certificate_id == approved

    def test_what_is_signed_is_not_withdrawn(self, world: World, approved: str) -> None:
        world.issuer().issue([approved])
        with pytest.raises(WrongStateError):
            self.withdraw(world, approved)

    def test_it_is_said_what_is_wrong(self, world: World, approved: str) -> None:
        with pytest.raises(RemarksMissingError):
            self.withdraw(world, approved, "")

    @pytest.mark.parametrize(
        ("statement", "why"),
        [
            ("DELETE FROM approvals", "a withdrawal is recorded first"),
            ("UPDATE certificates SET state = 'draft'", "no approval or token behind it"),
            ("DELETE FROM certificates", "only drafts are deleted"),
        ],
    )
    def test_the_tables_refuse_an_approval_that_disappears(
        self, world: World, approved: str, statement: str, why: str
    ) -> None:
        with pytest.raises(IntegrityError, match=why), world.database.begin() as session:
            session.execute(text(statement))

    def test_the_tables_keep_what_was_withdrawn(self, world: World, approved: str) -> None:
        self.withdraw(world, approved)
        for statement in (
            "DELETE FROM withdrawn_approvals",
            "UPDATE withdrawn_approvals SET remarks = 'x'",
        ):
            with pytest.raises(IntegrityError), world.database.begin() as session:
                session.execute(text(statement))

    def test_a_position_in_use_is_kept(self, world: World, approved: str) -> None:
        world.issuer().issue([approved])
        with pytest.raises(IntegrityError, match="is kept"), world.database.begin() as session:
            session.execute(text("DELETE FROM status_entries"))

    def test_withdrawn_while_the_signer_works_it_is_not_issued(
        self, world: World, approved: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        honest = world.signer.sign_many
        withdrawn: list[str] = []

        def slow(requests: Sequence[SigningRequest]) -> list[bytes]:
            if not withdrawn:
                withdrawn.append(approved)
                self.withdraw(world, approved)
            return honest(requests)

        monkeypatch.setattr(world.signer, "sign_many", slow)
        with pytest.raises((WrongStateError, IntegrityError)):
            world.issuer().issue([approved])
        with world.database.read() as session:
            assert session.scalars(select(IssuedTokenRow)).all() == []
