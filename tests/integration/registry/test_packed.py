"""Signed certificates lie in the database once, packed, and come back byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError

from registry.anchoring.models import LeafRow
from registry.certificates import signed_contents, storing
from registry.certificates.models import CertificateRow, DisclosuresRow, IssuedTokenRow, SummaryRow
from registry.certificates.packing import NotPackableError, PackDamagedError
from registry.certificates.receipts import public_receipt
from registry.certificates.signed_contents import document_of, read_content
from registry.kit import schema
from tests.support.registry_world import World, samples
from verifier.core.document import without_nulls
from verifier.core.strict_json import canonical_json


def delivered(world: World) -> dict[str, tuple[Any, ...]]:
    """Return everything that a holder or the public can get, by certificate."""
    with world.database.read() as session:
        rows = session.scalars(select(CertificateRow).order_by(CertificateRow.id)).all()
        leaves = list(session.scalars(select(LeafRow.leaf).order_by(LeafRow.id)))
        receipts = tuple(public_receipt(session, leaf, trees=world.trees) for leaf in leaves)
        documents = {row.id: document_of(session, row) for row in rows}
    found: dict[str, tuple[Any, ...]] = {"receipts": receipts}
    for identifier, document in documents.items():
        delivery = world.deliver(identifier)
        found[identifier] = (document, delivery.compact, delivery.receipt, delivery.offline_code)
    return found


def packed(world: World) -> int:
    with world.database.read() as session:
        statement = select(func.count()).where(DisclosuresRow.packed.is_not(None))
        return session.scalar(statement) or 0


def migrate(world: World, revision: str) -> None:
    config = schema.alembic_config()
    with world.database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_nothing_is_stored_twice(world: World) -> None:
    documents = samples()["documents"]
    issued = world.issue(*documents)
    with world.database.read() as session:
        assert set(session.scalars(select(IssuedTokenRow.jwt))) == {""}
        assert set(session.scalars(select(DisclosuresRow.disclosures))) == {""}
        assert session.scalar(select(func.count()).select_from(SummaryRow)) == 0
        rows = {row.id: row for row in session.scalars(select(CertificateRow))}
        for item, document in zip(issued, documents, strict=True):
            row = rows[item.certificate_id]
            assert row.document == ""
            assert document_of(session, row).encode() == canonical_json(without_nulls(document))
            content = read_content(session, item.certificate_id)
            assert content is not None
            record = session.get_one(DisclosuresRow, item.certificate_id).packed
            assert record is not None
            assert len(record) < len(content.compact) / 15


def test_what_cannot_be_packed_is_kept_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> bytes:
        raise NotPackableError("test")

    with monkeypatch.context() as broken:
        broken.setattr(storing, "pack_prepared", refuses)
        [item] = world.issue(samples()["documents"][0])
    world.issue(samples()["documents"][1])
    assert packed(world) == 1
    world.anchor()
    assert world.deliver(item.certificate_id).sealed
    assert len(delivered(world)["receipts"]) == 4


def test_earlier_certificates_are_packed_and_unpacked_by_the_migration(world: World) -> None:
    issued = world.issue(*samples()["documents"])
    world.release(issued[0].certificate_id, "customer")
    world.anchor()
    before = delivered(world)
    migrate(world, "20261121_0014_key_rotation")
    with world.database.engine.connect() as connection:
        tokens = connection.execute(text("SELECT jwt FROM issued_tokens")).scalars().all()
        documents = connection.execute(text("SELECT document FROM certificates")).scalars().all()
        summaries = connection.execute(text("SELECT count(*) FROM summaries")).scalar()
    assert all(token.count(".") == 2 for token in tokens)
    assert all(document.startswith("{") for document in documents)
    assert summaries == len(issued) + 1
    schema.upgrade(world.database)
    assert packed(world) == len(issued)
    assert delivered(world) == before
    schema.check(world.database)


def test_a_damaged_record_is_never_delivered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = world.issue(*samples()["documents"][:2])
    with world.database.read() as session:
        other = session.get_one(DisclosuresRow, second.certificate_id).packed
    monkeypatch.setattr(
        signed_contents, "unpack",
        lambda _record, known, dictionaries, honest=signed_contents.unpack: honest(
            other, known, dictionaries=dictionaries
        ),
    )  # fmt: skip
    with pytest.raises(PackDamagedError):
        world.deliver(first.certificate_id)


def test_content_cannot_go_while_the_token_is_packed_with_it(world: World) -> None:
    [item] = world.issue(samples()["documents"][0])
    recorded = text(
        "INSERT INTO erasures (certificate_id, ground, erased_by, erased_person, erased_at)"
        " SELECT certificate_id, 'x', 'x', 'x', issued_at FROM issued_tokens"
    )

    def erase_too_early() -> None:
        with world.database.begin() as session:
            session.execute(recorded)
            session.execute(delete(DisclosuresRow))

    with pytest.raises(IntegrityError):
        erase_too_early()
    assert world.deliver(item.certificate_id).compact
