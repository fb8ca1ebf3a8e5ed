"""Comparisons of database, object store and chain at their times: recorded, logged, alarming.

A full one as the first and once a day, a recent one every ten minutes; one process of the
installation at a time. Whatever they find is for a person: nothing is repaired.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from registry.anchoring.errors import ChainUnavailableError, LeaseHeldError
from registry.anchoring.findings import Checkpoint, Reconciliation
from registry.anchoring.leases import hold_alone
from registry.anchoring.models import ReconciliationRow
from registry.anchoring.ports import AuditedChain
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.trees import TreeShelf
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.objects import ObjectStoreUnavailableError

EVERY: Final = timedelta(minutes=10)
NIGHTLY_HOUR: Final = 18  # UTC: two in the morning where most of the laboratories are
_LOOK: Final = timedelta(seconds=15)  # how often the clock is looked at
_TASK: Final = "reconciliation"
_log: Final = logging.getLogger("lancang.reconciliation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """Compares when it is time.

    Attributes:
        database: The database.
        chain: The chain with all of its ledgers.
        trees: The object store.
        lock_folder: Where locks are kept beside SQLite.
        clock: The present moment.
    """

    database: Database
    chain: AuditedChain
    trees: TreeShelf
    lock_folder: Path
    clock: Clock = field(default=system_clock)

    def inspect(self, *, full: bool) -> ReconciliationRow:
        """Compare now and record the report; an outage is recorded too.

        Args:
            full: Compare everything; otherwise what is new since the last full comparison, which
                is everything when there was none.

        Raises:
            LeaseHeldError: Another process is comparing.
            ChainMismatchError: A node serves another chain.
        """
        with hold_alone(self.database, _TASK, lock_folder=self.lock_folder):
            return self._inspect(full=full)

    def inspect_if_due(self) -> ReconciliationRow | None:
        """Compare if it is time, and nobody else does.

        Raises:
            ChainMismatchError: A node serves another chain.
        """
        due = self._due()
        if due is None:
            return None
        try:
            return self.inspect(full=due)
        except LeaseHeldError:
            return None

    def work_until(self, stop: threading.Event) -> None:
        """Compare at the right times until `stop` is set.

        Raises:
            ChainMismatchError: A node serves another chain.
        """
        while not stop.is_set():
            try:
                self.inspect_if_due()
            except OperationalError:
                _log.warning("interrupted", extra={"fields": {"code": "database_unavailable"}})
            stop.wait(_LOOK.total_seconds())

    def _due(self) -> bool | None:
        """Tell whether a full comparison is due (True), a recent one (False), or none."""
        now = self.clock()
        with self.database.read() as session:
            last = session.scalars(_newest()).first()
            full = _last_full(session)
        if last is not None and now - last.finished_at < EVERY:
            return None
        night = now.replace(hour=NIGHTLY_HOUR, minute=0, second=0, microsecond=0)
        if night > now:
            night -= timedelta(days=1)
        return full is None or full.started_at < night

    def compare(self, *, full: bool) -> Reconciliation:
        """Compare now and record nothing.

        Args:
            full: As for `inspect`.

        Raises:
            ChainUnavailableError: The chain gave no usable answer; nothing can be said.
            ObjectStoreUnavailableError: The store did not.
        """
        with self.database.read() as session:
            last = _last_full(session)
        since = None
        if not full and last is not None:
            since = Checkpoint.of_report(json.loads(last.report))
        return reconcile(self.database, self.chain, self.trees, now=self.clock(), since=since)

    def _inspect(self, *, full: bool) -> ReconciliationRow:
        began = self.clock()
        try:
            report = self.compare(full=full)
        except (ChainUnavailableError, ObjectStoreUnavailableError) as error:
            _log.error("not_compared", extra={"fields": {"code": error.code}})
            content: dict[str, object] = {"problem": error.code}
            return self._record(content, full=full, began=began, block=None, found=None)
        found = len(report.discrepancies)
        content = report.to_json()
        if found:
            codes = sorted({each.code for each in report.discrepancies})
            _log.error("discrepancies", extra={"fields": {"count": found, "codes": codes}})
        else:
            _log.info("agree", extra={"fields": {"checked": report.checked}})
        return self._record(
            content,
            full=report.since is None,
            began=began,
            block=report.final.number,
            found=found,
        )

    def _record(
        self,
        content: dict[str, object],
        *,
        full: bool,
        began: datetime,
        block: int | None,
        found: int | None,
    ) -> ReconciliationRow:
        row = ReconciliationRow(
            is_full=full,
            started_at=began,
            finished_at=self.clock(),
            final_block=block,
            discrepancies=found,
            report=json.dumps(content, sort_keys=True),
        )
        with self.database.begin() as session:
            session.add(row)
        return row


def _newest() -> Select[ReconciliationRow]:
    return select(ReconciliationRow).order_by(ReconciliationRow.id.desc()).limit(1)


def _last_full(session: Session) -> ReconciliationRow | None:
    """Return the newest full comparison that could be made."""
    made = ReconciliationRow.discrepancies.is_not(None)
    return session.scalars(_newest().where(ReconciliationRow.is_full, made)).first()
