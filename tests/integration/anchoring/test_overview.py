"""Every state and transition is visible: HTTP, page, metrics, log; comparisons at their times."""

from __future__ import annotations

import json
import logging
import threading
from datetime import datetime

import pytest
from sqlalchemy import select

from registry.anchoring.domain import Decision, Event
from registry.anchoring.errors import ChainUnavailableError, LeaseHeldError
from registry.anchoring.event_log import log_event, log_rounds
from registry.anchoring.inspection import Inspector
from registry.anchoring.leases import hold_alone
from registry.anchoring.models import ReconciliationRow
from registry.anchoring.overview import is_alarming, pipeline_gauges, pipeline_status
from registry.anchoring.root_audit import RootOutcome, audit_database, audit_store
from registry.anchoring.trees import KIND, TreeShelf
from tests.support.anchoring import Installation


@pytest.fixture
def inspector(home: Installation) -> Inspector:
    return Inspector(
        database=home.database,
        chain=home.chain,
        trees=TreeShelf(home.objects),
        lock_folder=home.folder / "locks",
        clock=lambda: home.now,
    )


def gauges(home: Installation) -> dict[str, int]:
    with home.database.read() as session:
        found = pipeline_gauges(session, now=home.now)
    return {name: int(value) for name, (_, value) in found.items()}


class TestGauges:
    def test_states_steps_and_delay(self, home: Installation) -> None:
        assert gauges(home)["lancang_reconciliation_age_seconds"] == -1
        home.queue(b"one", b"two")
        home.pass_time(601)
        assert gauges(home)["lancang_queue_delay"] == 1
        home.pass_time(3000)
        found = gauges(home)
        assert (found["lancang_queue_leaves"], found["lancang_queue_delay"]) == (2, 2)
        with home.database.read() as session:
            assert is_alarming(pipeline_status(session, now=home.now))
        home.finish()
        found = gauges(home)
        assert found["lancang_ledger_writes_published"] == 1
        assert found["lancang_ledger_steps_mine"] == 1
        assert found["lancang_transactions_signed"] == 1
        assert found["lancang_queue_delay"] == 0
        assert {f"lancang_ledger_steps_{event}" for event in Event} <= set(found)

    def test_quarantine_alarms(self, home: Installation) -> None:
        home.queue(b"one")
        with home.worker() as worker:
            worker.round(flush=True)
            home.chain.operators.clear()
            home.chain.mine(3)
            worker.round()
        assert gauges(home)["lancang_ledger_writes_quarantined"] == 1
        home.decide(1, Decision.ABANDON)
        found = gauges(home)
        assert found["lancang_ledger_writes_quarantined"] == 0
        assert found["lancang_ledger_writes_abandoned"] == 1
        assert found["lancang_queue_leaves"] == 1


def test_every_transition_is_a_line(home: Installation, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="lancang.anchoring")
    home.queue(b"one")
    with home.worker(log_event) as worker:
        for _ in range(5):
            worker.round(flush=True)
            home.chain.mine()
    lines = [(record.getMessage(), getattr(record, "fields", {})) for record in caplog.records]
    events = [event.value for event in home.events_of(1)]
    assert [name for name, _ in lines if name != "waiting"] == ["sealed", *events[1:]]
    assert {fields["write"] for _, fields in lines} == {1}
    waits = [fields["reason"] for name, fields in lines if name == "waiting"]
    assert waits == sorted(set(waits), key=waits.index)  # the same reason is said once

    def silent(_name: str, _moment: str) -> None:
        raise ChainUnavailableError("no node answers")

    home.queue(b"two")
    home.chain.faults = silent
    with home.worker(log_event) as worker:
        log_rounds([worker.round(flush=True)])
    assert caplog.records[-1].getMessage() == "interrupted"


class TestInspector:
    def test_a_full_one_first_then_recent_ones_then_nightly(
        self, home: Installation, inspector: Inspector
    ) -> None:
        home.queue(b"one")
        home.finish()
        first = inspector.inspect_if_due()
        assert first is not None
        assert (first.is_full, first.discrepancies) == (True, 0)
        assert inspector.inspect_if_due() is None
        home.queue(b"two")
        home.finish()
        home.pass_time(600)
        second = inspector.inspect_if_due()
        assert second is not None
        assert not second.is_full
        checked = json.loads(second.report)["checked"]
        assert (checked["batches"], checked["anchors"], checked["leaves"]) == (1, 1, 1)
        home.now = datetime.fromisoformat("2026-09-21T18:00:00+00:00")
        third = inspector.inspect_if_due()
        assert third is not None
        assert third.is_full
        assert json.loads(third.report)["checked"]["batches"] == 2
        assert gauges(home)["lancang_reconciliation_discrepancies"] == 0
        assert gauges(home)["lancang_reconciliation_full_age_seconds"] == 0

    def test_a_recent_one_finds_what_is_new_and_what_is_missing(
        self, home: Installation, inspector: Inspector, caplog: pytest.LogCaptureFixture
    ) -> None:
        home.queue(b"one")
        home.finish()
        inspector.inspect(full=True)
        (tree,) = (path for path in (home.folder / "objects" / KIND).rglob("*") if path.is_file())
        tree.unlink()
        row = inspector.inspect(full=False)
        assert row.discrepancies == 1
        assert json.loads(row.report)["discrepancies"][0]["code"] == "tree_missing"
        assert caplog.records[-1].levelno == logging.ERROR
        assert gauges(home)["lancang_reconciliation_discrepancies"] == 1

    def test_an_outage_is_recorded_as_such(self, home: Installation, inspector: Inspector) -> None:
        inspector.inspect(full=True)

        def silent(_name: str, _moment: str) -> None:
            raise ChainUnavailableError("no node answers")

        home.chain.faults = silent
        home.pass_time(900)
        row = inspector.inspect_if_due()
        assert row is not None
        assert (row.discrepancies, row.final_block) == (None, None)
        found = gauges(home)
        assert found["lancang_reconciliation_discrepancies"] == -1
        assert found["lancang_reconciliation_age_seconds"] == 900

    def test_one_process_at_a_time(self, home: Installation, inspector: Inspector) -> None:
        with hold_alone(home.database, "reconciliation", lock_folder=inspector.lock_folder):
            assert inspector.inspect_if_due() is None
            with pytest.raises(LeaseHeldError):
                inspector.inspect(full=True)

    def test_it_stops_when_told(self, home: Installation, inspector: Inspector) -> None:
        stop = threading.Event()
        home.chain.faults = lambda _name, _moment: stop.set()
        inspector.work_until(stop)
        with home.database.read() as session:
            assert len(session.scalars(select(ReconciliationRow)).all()) == 1


class TestRoots:
    def outcomes(self, home: Installation) -> tuple[list[RootOutcome], list[RootOutcome]]:
        return (
            [check.outcome for check in audit_database(home.database, home.chain)],
            [check.outcome for check in audit_store(TreeShelf(home.objects), home.chain)],
        )

    def test_from_rows_and_from_the_store_alone(self, home: Installation) -> None:
        home.queue(b"one", b"two")
        home.finish()
        assert self.outcomes(home) == ([RootOutcome.ANCHORED], [RootOutcome.ANCHORED])
        home.queue(b"three")
        with home.worker() as worker:
            worker.round(flush=True)
        assert self.outcomes(home) == (
            [RootOutcome.ANCHORED, RootOutcome.PENDING],
            [RootOutcome.ANCHORED, RootOutcome.NOT_ANCHORED],
        ) or self.outcomes(home)[1] == [RootOutcome.NOT_ANCHORED, RootOutcome.ANCHORED]

    def test_a_chain_that_lost_it(self, home: Installation) -> None:
        home.queue(b"one")
        home.finish()
        home.chain.reorganise(len(home.chain.blocks) - 1)
        home.chain.mine(3)
        assert self.outcomes(home) == ([RootOutcome.NOT_ANCHORED], [RootOutcome.NOT_ANCHORED])

    def test_leaves_that_nobody_kept(self, home: Installation) -> None:
        home.queue(b"one")
        home.finish()
        home.queue(b"two")
        home.finish()
        paths = sorted(p for p in (home.folder / "objects" / KIND).rglob("*") if p.is_file())
        paths[0].unlink()
        assert self.outcomes(home)[1] == [RootOutcome.ANCHORED, RootOutcome.LEAVES_UNKNOWN]
        paths[1].write_bytes(paths[1].read_bytes()[:-1] + b"\x00")
        assert self.outcomes(home)[1] == [RootOutcome.DAMAGED]
