from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from registry.kit import schema
from registry.kit.database import Database
from registry.kit.request_log import JsonLines
from registry.parties.models import PartyRow


def party(moment: datetime, party_id: str = "CN") -> PartyRow:
    return PartyRow(
        id=party_id,
        country="CN",
        name="{}",
        recorded_at=moment,
        recorded_by="test",
        on_chain_since=None,
    )


def test_moments_come_back_aware_and_in_utc(database: Database) -> None:
    beijing = datetime(2026, 2, 11, 18, 5, tzinfo=timezone(timedelta(hours=8)))
    with database.begin() as session:
        session.add(party(beijing))
    with database.read() as session:
        stored = session.get_one(PartyRow, "CN").recorded_at
    assert stored == beijing
    assert stored.tzinfo is UTC


def test_naive_moments_are_refused(database: Database) -> None:
    naive = datetime(2026, 2, 11)  # noqa: DTZ001  (the point of the test)
    with database.begin() as session:
        session.add(party(naive))
        with pytest.raises(StatementError, match="naive"):
            session.flush()
        session.rollback()


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.begin() as session:
            session.add(party(datetime.now(UTC)))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as session:
        assert session.get(PartyRow, "CN") is None


def test_reading_transactions_cannot_write(database: Database) -> None:
    with database.read() as session:
        session.add(party(datetime.now(UTC)))
        with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
            session.flush()
        session.rollback()
    with database.begin() as session:  # the pooled connection may write again
        session.add(party(datetime.now(UTC)))


def test_reading_transactions_see_one_state(database: Database) -> None:
    with database.read() as reader:
        assert reader.get(PartyRow, "CN") is None
        with database.begin() as writer:
            writer.add(party(datetime.now(UTC)))
        assert reader.scalar(text("SELECT count(*) FROM parties")) == 0
    with database.read() as reader:
        assert reader.scalar(text("SELECT count(*) FROM parties")) == 1


def test_the_log_of_an_error_holds_nothing_of_what_was_to_be_stored(database: Database) -> None:
    """Neither the parameters of a statement nor the row that the database shows."""
    statement = text("INSERT INTO parties (id, name) VALUES (:id, :name)")
    values = {"id": "XX", "name": "Secret Fruit Import"}
    with pytest.raises(IntegrityError) as refused, database.begin() as session:
        session.execute(statement, values)
    error = refused.value
    record = logging.LogRecord(
        "lancang.http", logging.ERROR, "", 0, "defect", None, (type(error), error, None)
    )
    line = JsonLines().format(record)
    assert "IntegrityError" in line
    assert "parties" in line
    assert "Secret Fruit Import" not in line


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError), database.begin() as session:
        session.execute(
            text("INSERT INTO status_blocks VALUES (:body, 0, 0, :drawn, 0)"),
            {"body": bytes(32), "drawn": bytes(128)},
        )


def test_read_then_write_waits_for_another_writer_instead_of_failing(database: Database) -> None:
    """Deferred transactions fail with "database is locked" when two upgrade at once."""
    both_ready = threading.Barrier(2, timeout=10)
    failures: list[Exception] = []

    def add(party_id: str) -> None:
        both_ready.wait()
        try:
            with database.begin() as session:
                session.scalar(text("SELECT count(*) FROM parties"))
                session.add(party(datetime.now(UTC), party_id))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=add, args=(name,)) for name in ("AA", "BB")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM parties")) == 2


def test_the_folder_of_a_new_database_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "with space" / "home"
    database = Database(f"sqlite:///{folder / 'lancang.db'}")
    schema.upgrade(database)
    database.dispose()
    assert folder.stat().st_mode & 0o077 == 0
