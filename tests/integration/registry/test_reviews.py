"""Returned drafts: what the tables refuse, whatever the program does."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from registry.certificates import service
from registry.certificates.errors import MakerIsApproverError
from registry.reviews import service as reviews
from registry.reviews.models import DraftReviewRow
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
