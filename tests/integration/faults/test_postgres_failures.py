"""PostgreSQL fails over or dies in the middle of work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from registry.anchoring import sealing
from registry.anchoring.domain import WriteState
from registry.anchoring.errors import LeaseLostError
from registry.kit import schema
from registry.kit.database import Database
from tests.support.fault_ground import Founded, Ground, Grounds
from tests.support.fault_proxy import LineProxy
from tests.support.postgres import PostgresServer, postgres_server

pytestmark = [pytest.mark.chain, pytest.mark.postgres, pytest.mark.xdist_group("faults")]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server(durable=True) as running:
        yield running


@pytest.fixture
def ground(server: PostgresServer, founded: Founded, grounds: Grounds) -> Ground:
    url = server.url(server.create())
    database = Database(url)
    schema.upgrade(database)
    founded.found(database)
    database.dispose()
    return grounds(url=url)


def test_a_line_cut_in_the_middle_of_sealing(
    server: PostgresServer, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.issue("CUT-1", "CUT-2")
    whole = sealing.seal_write
    with LineProxy(("127.0.0.1", server.port)) as line:
        far = Database(ground.url.replace(f":{server.port}/", f":{line.port}/"))

        def cut(*arguments: Any, **named: Any) -> None:
            assert line.cut()
            whole(*arguments, **named)

        with ground.worker(database=far) as worker, monkeypatch.context() as patch:
            patch.setattr(sealing, "seal_write", cut)
            with pytest.raises(OperationalError):
                worker.round(flush=True)
        assert ground.states() == []  # no half batch
        with ground.worker(database=far) as worker:  # another process, after the fail-over
            worker.round(flush=True)
        far.dispose()
    assert ground.sizes() == [len(ground.queued_leaves())]
    ground.finish()
    ground.assert_whole()


def test_a_server_killed_while_a_transaction_is_on_its_way(
    server: PostgresServer, ground: Ground
) -> None:
    ground.issue("KILLED-1", "KILLED-2")
    with ground.worker() as worker:
        worker.round(flush=True)
        assert ground.states() == [WriteState.SENT]
        ground.live.mine()
        with server.killed_and_restarted():
            # Its lock went with the connection, and may have been taken over.
            with suppress(OperationalError, LeaseLostError):
                worker.round()
            ground.finish()
            ground.assert_whole()
            ground.database.dispose()
