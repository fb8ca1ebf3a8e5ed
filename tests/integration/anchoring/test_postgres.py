"""The pipeline on PostgreSQL: locks that the server keeps, workers that seal side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from registry.anchoring import sealing
from registry.anchoring.domain import BatchPolicy, Event, WriteState
from registry.anchoring.errors import LeaseHeldError, LeaseLostError
from registry.anchoring.models import LeafRow
from registry.anchoring.queue import queue_status
from registry.anchoring.worker import Worker
from registry.kit import schema
from registry.kit.database import Database
from tests.support.anchoring import Installation
from tests.support.fake_chain import FakeSigner
from tests.support.postgres import PostgresServer, postgres_server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    name = server.create()
    database = Database(server.url(name))
    schema.upgrade(database)
    schema.check(database)
    database.dispose()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def home(url: str, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path, url)
    yield installation
    installation.database.dispose()


def test_from_queue_to_published(home: Installation) -> None:
    leaves = home.queue(*(b"entry %d" % i for i in range(30)))
    home.finish()
    home.assert_anchored_once(leaves)
    assert home.events_of(1)[-1] is Event.PUBLISH


def test_reorganisation_and_replacement(home: Installation) -> None:
    leaves = home.queue(b"one")
    with home.worker() as worker:
        worker.round(flush=True)
        home.pass_time(500)
        worker.round()
        home.chain.mine()
        worker.round()
        home.chain.reorganise(1)
        worker.round()
    home.finish()
    home.assert_anchored_once(leaves)
    assert len(home.attempts()) == 2


class TestLease:
    def test_a_second_process_is_kept_out(self, home: Installation) -> None:
        with home.worker(), pytest.raises(LeaseHeldError), home.worker():
            pass
        with home.worker():
            pass

    def test_a_lock_whose_connection_breaks_is_taken_over_and_fenced(
        self, home: Installation
    ) -> None:
        leaves = home.queue(b"one")
        with home.worker() as old:
            with home.database.begin() as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks "
                        "WHERE locktype = 'advisory'"
                    )  # waits for its end, at most 10 s
                )
            with home.worker() as new:
                with pytest.raises(LeaseLostError):
                    old.round(flush=True)
                new.round(flush=True)
        home.finish()
        home.assert_anchored_once(leaves)


def test_workers_of_several_accounts_share_the_queue(home: Installation, tmp_path: Path) -> None:
    """Many small batches sealed at once by several accounts: every leaf in exactly one of them."""
    home.policy = BatchPolicy(max_leaves=5)
    leaves = home.queue(*(b"entry %d" % i for i in range(60)))
    signers = [FakeSigner(address=f"0x{number:040x}") for number in (1, 2, 3)]
    home.chain.operators |= {signer.address for signer in signers}
    assert isinstance(home.template, str)
    twins = [
        Installation(tmp_path, home.template, chain=home.chain, signer=signer, policy=home.policy)
        for signer in signers
    ]
    home.chain.database = None  # each thread has transactions of its own

    def seal_all(twin: Installation) -> int:
        with twin.worker() as worker:
            worker._seal(flush=True)
        return 1

    with ThreadPoolExecutor(len(twins)) as pool:
        assert sum(pool.map(seal_all, twins)) == 3

    with home.database.read() as session:
        places = session.execute(select(LeafRow.batch_id, LeafRow.position)).all()
    assert None not in {batch for batch, _ in places}
    assert len(set(places)) == len(leaves)
    sizes = [size for _, _, size in home.batches()]
    assert sum(size or 0 for size in sizes) == len(leaves)
    assert {state for state, _, _ in home.batches()} == {WriteState.SEALED}

    for _ in range(6):
        for twin in twins:
            with twin.worker() as worker:
                worker.round()
        home.chain.mine()
    home.assert_anchored_once(leaves)
    for twin in twins:
        twin.database.dispose()


class TestLocks:
    def test_a_lock_that_is_not_given_back_is_waited_for_only_so_long(
        self, home: Installation, url: str
    ) -> None:
        leaves = home.queue(b"one")
        impatient = Database(url, busy_timeout=timedelta(milliseconds=200))
        with home.worker() as worker:
            hasty = Worker(
                publisher=replace(worker.publisher, database=impatient), sealing=worker.sealing
            )
            with home.database.begin() as session:
                session.execute(text("SELECT * FROM accounts FOR UPDATE"))
                home.chain.database = None  # it is this test that holds a transaction open
                with pytest.raises(OperationalError, match="lock timeout"):
                    hasty.round(flush=True)
            hasty.round(flush=True)
        assert [size for _, _, size in home.batches()] == [1]
        home.finish()
        home.assert_anchored_once(leaves)
        impatient.dispose()

    def test_a_connection_that_breaks_in_the_middle_of_sealing(
        self, home: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A fail-over of the database: no half batch, and every leaf is still queued."""
        leaves = home.queue(*(b"entry %d" % i for i in range(10)))
        whole = sealing.seal_write

        def broken(session: Session, *arguments: Any, **named: Any) -> None:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            whole(session, *arguments, **named)

        with home.worker() as worker:
            with monkeypatch.context() as patch:
                patch.setattr(sealing, "seal_write", broken)
                with pytest.raises(OperationalError):
                    worker.round(flush=True)
            assert home.batches() == []
            with home.database.read() as session:
                assert queue_status(session, now=home.now).queued == len(leaves)
        home.finish()
        home.assert_anchored_once(leaves)
