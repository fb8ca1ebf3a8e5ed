"""Workers for every account of this installation, working side by side.

The operator's account anchors. The account of a body, or of its party, changes status. Each has a
sequencer of its own, and an account that another process is working for is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from registry.anchoring.domain import ACTIVE_STATES, BatchPolicy, Timing
from registry.anchoring.errors import LeaseHeldError
from registry.anchoring.fees import FeePolicy
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.ports import Chain
from registry.anchoring.publisher import Publisher
from registry.anchoring.sealing import Sealing
from registry.anchoring.transaction_keys import TransactionKeystore
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Observer, Round, Worker
from registry.kit.clock import Clock
from registry.kit.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What every worker of an installation works with.

    Attributes:
        lock_folder: Where account locks are kept beside SQLite.
        operators: Names of the transaction keys that anchor.
    """

    database: Database
    chain: Chain
    keystore: TransactionKeystore
    trees: TreeShelf
    lock_folder: Path
    clock: Clock
    operators: tuple[str, ...]
    policy: BatchPolicy = BatchPolicy()  # noqa: RUF009  (frozen)
    fees: FeePolicy = FeePolicy()  # noqa: RUF009
    timing: Timing = Timing()  # noqa: RUF009


@contextmanager
def crew(equipment: Equipment, *, observer: Observer) -> Iterator[list[Worker]]:
    """Yield a worker for every account that has work and is free.

    Raises:
        LeaseHeldError: Every account that has work is taken by other processes.
        KeystoreError: A key cannot be unlocked.
    """
    with ExitStack() as stack:
        workers: list[Worker] = []
        taken: LeaseHeldError | None = None
        for role in _roles_with_work(equipment):
            try:
                workers.append(_worker(equipment, role, observer, stack))
            except LeaseHeldError as error:
                taken = error
        if taken is not None and not workers:
            raise taken
        yield workers


def work(
    workers: Sequence[Worker],
    *,
    pause: Callable[[Sequence[Round]], None],
    flush: bool,
) -> Iterator[Sequence[Round]]:
    """Yield the rounds of all workers together, until nothing is left to do.

    Args:
        workers: As `crew` yields them.
        pause: Called between rounds with what the last one left behind.
        flush: Close queues into batches even if they are small and young.
    """
    while True:
        rounds = [worker.round(flush=flush) for worker in workers]
        yield rounds
        if all(done.unfinished == 0 and done.problem is None for done in rounds):
            return
        pause(rounds)


def _roles_with_work(equipment: Equipment) -> list[str]:
    """Return the roles to work for: operators always, others when a write waits for them."""
    with equipment.database.read() as session:
        waiting = set(
            session.scalars(
                select(LedgerWriteRow.account)
                .where(LedgerWriteRow.state.in_(ACTIVE_STATES))
                .distinct()
            )
        )
    roles = equipment.keystore.roles()
    return [
        role
        for role, account in roles.items()
        if (role in equipment.operators or account in waiting) and equipment.keystore.holds(role)
    ]


def _worker(equipment: Equipment, role: str, observer: Observer, stack: ExitStack) -> Worker:
    lease = stack.enter_context(
        hold_lease(
            equipment.database,
            equipment.keystore.roles()[role],
            chain_id=equipment.chain.chain_id,
            lock_folder=equipment.lock_folder,
        )
    )
    publisher = Publisher(
        database=equipment.database,
        lease=lease,
        chain=equipment.chain,
        signer=equipment.keystore.signer(role),
        trees=equipment.trees,
        fees=equipment.fees,
        timing=equipment.timing,
        clock=equipment.clock,
    )
    sealing = None
    if role in equipment.operators:
        sealing = Sealing(policy=equipment.policy, contract=equipment.chain.ledger)
    return Worker(publisher=publisher, sealing=sealing, observer=observer)
