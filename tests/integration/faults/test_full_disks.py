"""Disks fill up: that of the database, and that of the object store."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from registry.anchoring.domain import WriteState
from registry.kit.database import Database
from registry.kit.objects import ObjectStoreUnavailableError
from tests.support.fault_ground import Ground

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("faults")]


def test_no_room_for_the_database(ground: Ground) -> None:
    ground.issue("FULL-1", "FULL-2")
    with ground.database.read() as session:
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
    roomy, ground.database = ground.database, Database(ground.url)

    @event.listens_for(ground.database.engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(OperationalError, match="full"):
        _issue_without_end(ground)
    with ground.worker() as worker, suppress(OperationalError):
        worker.round(flush=True)
    ground.database.dispose()
    ground.database = roomy  # somebody makes room
    assert len(ground.leaves) >= 2
    ground.finish()
    ground.assert_whole()


def _issue_without_end(ground: Ground) -> None:
    for number in range(3, 1000):
        ground.issue(f"FULL-{number}")


def test_no_room_for_the_objects(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.issue("FULL-1")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with ground.worker() as worker:
        with monkeypatch.context() as patch:
            patch.setattr("registry.kit.files.os.fsync", full)
            assert isinstance(worker.round(flush=True).problem, ObjectStoreUnavailableError)
        assert ground.state() is WriteState.SEALED  # nothing was sent that is not kept
    ground.finish()
    ground.assert_whole()
