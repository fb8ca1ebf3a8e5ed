"""One shift of anchoring: orders handed over, batches closed, everything moved forward.

`lancang anchor` works one shift to its end, `lancang serve` works for as long as it runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import OperationalError

from registry.anchoring.crew import Equipment, crew, inspector_of, roles_with_work
from registry.anchoring.errors import (
    ChainMismatchError,
    ChainUnavailableError,
    LeaseHeldError,
    LeaseLostError,
)
from registry.anchoring.worker import Observer, Round, Worker
from registry.audit_heads import queue_audit_head
from registry.signing.errors import SignerUnavailableError
from registry.status_writes import Carried, carry_orders

IDLE_INTERVAL: Final = timedelta(seconds=2)  # between two looks at an empty queue
_TROUBLE_INTERVAL: Final = timedelta(seconds=15)  # after an outage, or while somebody else works
_LAST_LOOK: Final = timedelta(seconds=30)  # what a comparison may still take at the end
_log: Final = logging.getLogger("lancang.anchoring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Works for every account of this installation.

    Attributes:
        equipment: What it works with.
        observer: Told of every batch and step.
        report: Told what each pass over the accounts left behind.
    """

    equipment: Equipment
    observer: Observer
    report: Callable[[Sequence[Round]], None] = field(default=lambda _rounds: None)

    def carry(self) -> Carried:
        """Make ledger writes of the orders that wait, and queue the audit trail's head daily."""
        with self.equipment.database.begin() as session:
            queue_audit_head(session, at=self.equipment.clock())
        keystore = self.equipment.keystore
        accounts = {role: at for role, at in keystore.roles().items() if keystore.holds(role)}
        return carry_orders(
            self.equipment.database,
            accounts=accounts,
            chain_id=self.equipment.chain.chain_id,
            ledger=self.equipment.chain.ledger,
            now=self.equipment.clock(),
        )

    @contextmanager
    def begin(self) -> Iterator[list[Worker]]:
        """Yield the workers of every account that has work.

        Raises:
            LeaseHeldError: Other processes work for all of them.
            KeystoreError: A key cannot be unlocked.
        """
        with crew(self.equipment, observer=self.observer) as workers:
            yield workers

    def pass_over(self, workers: Sequence[Worker], *, flush: bool) -> Sequence[Round]:
        """Let every worker do one round.

        Raises:
            LeaseLostError: Another process has taken an account over.
        """
        rounds = [worker.round(flush=flush) for worker in workers]
        self.report(rounds)
        return rounds

    def work_until(self, stop: threading.Event) -> None:
        """Work until `stop` is set; outages of chain, store, signer and database are waited out.

        Beside the work, database, store and chain are compared at their times.

        Raises:
            ChainMismatchError: A node serves another chain; anchoring must not go on.
            KeystoreError: A key cannot be unlocked.
        """
        inspector = threading.Thread(
            target=self._inspect_until, args=(stop,), name="reconciliation", daemon=True
        )
        inspector.start()
        try:
            while not stop.is_set():
                try:
                    self._work_with_one_crew(stop)
                except (
                    LeaseHeldError,
                    LeaseLostError,
                    ChainUnavailableError,
                    SignerUnavailableError,
                    OperationalError,
                ):
                    stop.wait(_TROUBLE_INTERVAL.total_seconds())
        finally:
            stop.set()
            inspector.join(_LAST_LOOK.total_seconds())

    def _inspect_until(self, stop: threading.Event) -> None:
        """Compare until `stop` is set. A chain that is another one ends the anchoring too."""
        try:
            inspector_of(self.equipment).work_until(stop)
        except ChainMismatchError:
            _log.exception("reconciliation has stopped")

    def _work_with_one_crew(self, stop: threading.Event) -> None:
        """Work until `stop` is set or an account without a worker has something to do."""
        self.carry()
        staffed = set(roles_with_work(self.equipment))
        with self.begin() as workers:
            while not stop.is_set():
                rounds = self.pass_over(workers, flush=False)
                trouble = any(done.problem is not None for done in rounds)
                interval = _TROUBLE_INTERVAL if trouble else IDLE_INTERVAL
                stop.wait(interval.total_seconds())
                self.carry()
                if not staffed.issuperset(roles_with_work(self.equipment)):
                    return
