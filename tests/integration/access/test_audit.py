"""The audit trail: every act once, in order, and not to be changed."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from registry.anchoring.models import LeafRow
from registry.audit.domain import Head, Outcome, bind
from registry.audit.errors import AuditBrokenError
from registry.audit.service import record, verify
from registry.audit_heads import check_anchored, queue_audit_head
from registry.kit.actor import Actor
from registry.kit.database import Database
from registry.kit.request_id import current_request_id
from tests.support.access_world import AccessWorld
from verifier.core.hashing import leaf_digest

LI = Actor("Li Na")


def act(world: AccessWorld, number: int = 0) -> None:
    with world.database.begin() as session:
        record(
            session,
            "test.act",
            actor=LI,
            object_=f"thing:{number}",
            tenant="installation",
            at=world.clock(),
            details={"number": number},
        )


def unguarded(world: AccessWorld, *statements: str, **parameters: object) -> None:
    """Do what an administrator of the database can: switch the triggers off first."""
    engine = world.database.engine
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.scalars(text(names)).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.execute(text(statement), parameters)


def broken_at(world: AccessWorld) -> tuple[int, str]:
    with pytest.raises(AuditBrokenError) as caught, world.database.read() as session:
        verify(session)
    return caught.value.sequence, caught.value.reason


def test_an_act_and_its_entry_are_stored_together_or_not_at_all(world: AccessWorld) -> None:
    before = len(world.trail())
    act(world)

    def act_and_fail() -> None:
        with world.database.begin() as session:
            record(session, "x", actor=LI, object_="x", tenant="installation", at=world.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act_and_fail()
    assert len(world.trail()) == before + 1
    with world.database.read() as session:
        assert verify(session).sequence == before + 1


def test_a_savepoint_does_not_write_early_or_twice(world: AccessWorld) -> None:
    with world.database.begin() as session:
        record(session, "test.a", actor=LI, object_="x", tenant="installation", at=world.clock())
        with session.begin_nested():
            session.execute(text("SELECT 1"))
        # Not yet written: the head's lock is taken last.
        assert session.scalar(text("SELECT sequence FROM audit_head")) == 5
        record(session, "test.b", actor=LI, object_="x", tenant="installation", at=world.clock())
    assert [link.entry.action for link in world.trail()][-2:] == ["test.a", "test.b"]
    with world.database.read() as session:
        verify(session)


def test_the_request_id_is_part_of_it(world: AccessWorld) -> None:
    token = current_request_id.set("request-7")
    try:
        act(world)
    finally:
        current_request_id.reset(token)
    assert world.trail("test.act")[0].entry.request_id == "request-7"


def test_writers_at_the_same_moment_leave_no_gap(world: AccessWorld) -> None:
    before = len(world.trail())
    ready = threading.Barrier(6, timeout=20)

    def write(number: int) -> None:
        ready.wait()
        for _ in range(5):
            act(world, number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.database.read() as session:
        assert verify(session).sequence == before + 30


def test_thousands_of_acts_in_one_transaction(world: AccessWorld) -> None:
    with world.database.begin() as session:
        for number in range(2500):
            record(
                session,
                "test.act",
                actor=LI,
                object_=f"thing:{number}",
                tenant="installation",
                at=world.clock(),
            )
    with world.database.read() as session:
        assert verify(session).sequence == 5 + 2500
    unguarded(world, "UPDATE audit_entries SET actor = 'x' WHERE sequence = 2400")
    assert broken_at(world) == (2400, "hash")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor = 'x'",
        "UPDATE audit_entries SET details = '{}'",
        "UPDATE audit_entries SET outcome = 'refused'",
        "DELETE FROM audit_entries",
        "UPDATE audit_head SET sequence = 0",
        "UPDATE audit_head SET hash = hash",
        "DELETE FROM audit_head",
    ],
)
def test_the_database_refuses_changes(world: AccessWorld, statement: str) -> None:
    act(world)
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


def test_the_trail_cannot_be_emptied_at_once(world: AccessWorld) -> None:
    sqlite = world.database.engine.dialect.name == "sqlite"
    statement = "DELETE FROM audit_entries" if sqlite else "TRUNCATE audit_entries CASCADE"
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "place", "reason"),
    [
        ("UPDATE audit_entries SET actor = 'x' WHERE sequence = 7", 7, "hash"),
        ("UPDATE audit_entries SET at = '2020-01-01' WHERE sequence = 7", 7, "hash"),
        ("UPDATE audit_entries SET details = '{}' WHERE sequence = 7", 7, "hash"),
        ("UPDATE audit_entries SET previous = hash WHERE sequence = 7", 7, "previous"),
        ("DELETE FROM audit_entries WHERE sequence = 7", 7, "gap"),
        ("DELETE FROM audit_entries WHERE sequence >= 9", 9, "head"),
        ("UPDATE audit_head SET sequence = sequence + 1", 11, "head"),
    ],
)
def test_what_an_administrator_changes_is_named(
    world: AccessWorld, statement: str, place: int, reason: str
) -> None:
    while len(world.trail()) < 10:
        act(world, len(world.trail()))
    unguarded(world, statement)
    assert broken_at(world) == (place, reason)


class TestAnchoring:
    def queue(self, world: AccessWorld) -> bytes | None:
        with world.database.begin() as session:
            return queue_audit_head(session, at=world.clock())

    def test_once_a_day_and_only_what_is_new(self, world: AccessWorld) -> None:
        leaf = self.queue(world)
        assert leaf is not None
        act(world)
        assert self.queue(world) is None
        world.clock.forward(days=1)
        second = self.queue(world)
        assert second not in (None, leaf)
        world.clock.forward(days=1)
        assert self.queue(world) is None
        with world.database.read() as session:
            assert session.scalars(select(LeafRow.leaf).order_by(LeafRow.id)).all() == [
                leaf,
                second,
            ]
            assert check_anchored(session) == 2
            verify(session)

    def test_a_trail_that_was_rewritten_and_hashed_anew_is_found(self, world: AccessWorld) -> None:
        act(world)
        self.queue(world)
        last = world.trail()[-1]
        before = Head(sequence=last.sequence - 1, hash=last.previous)
        [forged] = bind(before, [replace(last.entry, actor="Somebody else")])
        unguarded(
            world,
            "UPDATE audit_entries SET actor = 'Somebody else', hash = :hash WHERE sequence = :at",
            "UPDATE audit_head SET hash = :hash",
            hash=forged.hash,
            at=forged.sequence,
        )
        assert broken_at(world) == (last.sequence, "anchored")

    def test_a_head_that_was_changed_too_is_found(self, world: AccessWorld) -> None:
        self.queue(world)
        unguarded(world, "UPDATE audit_anchored_heads SET hash = :hash", hash=bytes(32))
        with pytest.raises(AuditBrokenError), world.database.read() as session:
            check_anchored(session)

    def test_a_head_that_was_never_queued_is_found(self, world: AccessWorld) -> None:
        self.queue(world)
        unguarded(world, "DELETE FROM leaves")
        with pytest.raises(AuditBrokenError), world.database.read() as session:
            check_anchored(session)

    def test_two_processes_queue_one_head(self, world: AccessWorld) -> None:
        url = world.database.engine.url
        others = [Database(url.render_as_string(hide_password=False)) for _ in range(3)]
        ready = threading.Barrier(3, timeout=20)
        leaves: list[bytes | None] = []

        def work(database: Database) -> None:
            ready.wait()
            with database.begin() as session:
                leaves.append(queue_audit_head(session, at=world.clock()))

        threads = [threading.Thread(target=work, args=(database,)) for database in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for database in others:
            database.dispose()
        assert sorted(leaf is None for leaf in leaves) == [False, True, True]

    def test_the_leaf_is_that_of_the_stored_entry(self, world: AccessWorld) -> None:
        leaf = self.queue(world)
        with world.database.read() as session:
            entry = session.scalar(text("SELECT entry FROM audit_anchored_heads"))
        assert leaf == leaf_digest(bytes(entry))


def test_refused_and_done_are_told_apart(world: AccessWorld) -> None:
    act(world)
    assert world.trail("test.act")[0].entry.outcome is Outcome.DONE
