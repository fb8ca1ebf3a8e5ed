"""Content goes, evidence stays, and nothing goes without a record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.audit.service import verify
from registry.certificates.errors import ContentErasedError
from registry.certificates.models import CertificateRow, DisclosuresRow, IssuedTokenRow
from registry.safeguards.errors import RetentionRunsError
from registry.safeguards.retention import erase, erasure_of, expired
from tests.support.registry_world import LI, World, samples


def later(world: World) -> datetime:
    return world.clock.now + timedelta(seconds=1)


def erase_all(world: World, identifiers: list[str], issued_before: datetime) -> None:
    with world.database.begin() as session:
        erase(
            session,
            identifiers,
            issued_before=issued_before,
            ground="six years after issue",
            actor=LI,
            at=world.clock.now,
        )


def test_the_content_is_gone_and_the_evidence_stays(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    secret = samples()["documents"][0]["customer"]["name"]
    before = world.deliver(item.certificate_id)
    assert secret in before.compact or secret in str(before.certificate.claims)

    erase_all(world, [item.certificate_id], later(world))
    erase_all(world, [item.certificate_id], later(world))  # once more changes nothing

    with world.database.read() as session:
        row = session.get_one(CertificateRow, item.certificate_id)
        assert row.document == "{}"
        assert session.get(DisclosuresRow, item.certificate_id) is None
        assert session.get_one(IssuedTokenRow, item.certificate_id).leaf == item.leaf
        record = erasure_of(session, item.certificate_id)
        assert record is not None
        assert (record.erased_by, record.ground) == ("Li Na", "six years after issue")
        verify(session)
    with pytest.raises(ContentErasedError):
        world.deliver(item.certificate_id)


def test_what_is_younger_is_kept(world: World) -> None:
    items = [world.issue(each)[0] for each in samples()["documents"][:2]]
    with pytest.raises(RetentionRunsError):
        erase_all(world, [items[0].certificate_id], world.clock.now)
    [draft] = world.draft(samples()["documents"][3])
    with pytest.raises(RetentionRunsError):
        erase_all(world, [draft], later(world))
    with world.database.read() as session:
        assert expired(session, issued_before=world.clock.now, limit=9) == []
        assert len(expired(session, issued_before=later(world), limit=9)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM disclosures",
        "UPDATE certificates SET document = '{}'",
        "UPDATE certificates SET document = 'other'",
    ],
)
def test_nothing_is_erased_without_a_record(world: World, statement: str) -> None:
    world.issue(samples()["documents"][0])
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE erasures SET ground = 'none'",
        "DELETE FROM erasures",
        "UPDATE certificates SET document = 'forged'",
        "UPDATE certificates SET document_sha256 = leaf FROM issued_tokens"
        " WHERE certificate_id = id",
    ],
)
def test_an_erasure_opens_no_other_door(world: World, statement: str) -> None:
    [item] = world.issue(samples()["documents"][0])
    erase_all(world, [item.certificate_id], later(world))
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


def test_an_import_of_the_erased_document_is_still_known(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    erase_all(world, [item.certificate_id], later(world))
    assert world.draft(json.loads(json.dumps(samples()["documents"][0]))) == [item.certificate_id]
