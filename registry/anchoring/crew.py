"""Workers for every account of this installation, working side by side.

The operator's account anchors. The account of a body, or of its party, changes status. Each has a
sequencer of its own, and an account that another process is working for is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import select

from registry.anchoring.connect import open_chain, open_keystore
from registry.anchoring.domain import ACTIVE_STATES, BatchPolicy, Timing
from registry.anchoring.errors import LeaseHeldError
from registry.anchoring.fees import FeePolicy
from registry.anchoring.inspection import Inspector
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.ports import AuditedChain, ContentKeeper
from registry.anchoring.publisher import Publisher
from registry.anchoring.registration import is_operator
from registry.anchoring.sealing import Sealing
from registry.anchoring.transaction_keys import TransactionKeystore
from registry.anchoring.trees import TreeShelf
from registry.anchoring.worker import Observer, Worker
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.object_store import open_object_store
from registry.settings import Settings

# Verifiers allow 15 minutes between the date of a certificate and an earlier anchor.
_MAX_LEAD_SECONDS: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What every worker of an installation works with.

    Attributes:
        contents: Who keeps what was signed in the object store, before it is sent.
        lock_folder: Where account locks are kept beside SQLite.
        max_operators: For how many operators' accounts a process works; None: for all that are
            free. With one each, as many processes as there are accounts work side by side.
    """

    database: Database
    chain: AuditedChain
    keystore: TransactionKeystore
    trees: TreeShelf
    contents: ContentKeeper
    lock_folder: Path
    clock: Clock
    policy: BatchPolicy
    fees: FeePolicy
    timing: Timing
    max_operators: int | None = None


def equip(
    settings: Settings,
    database: Database,
    *,
    contents: ContentKeeper,
    clock: Clock = system_clock,
) -> Equipment:
    """Return the equipment of an installation.

    Raises:
        NotDeployedError: `lancang init` comes first.
        ChainMismatchError: The trust profile contradicts the settings.
        KeystoreError: There is no usable passphrase for the transaction keys.
    """
    anchoring = settings.anchoring
    return Equipment(
        database=database,
        chain=open_chain(settings),
        keystore=open_keystore(settings),
        trees=TreeShelf(open_object_store(settings)),
        contents=contents,
        lock_folder=settings.home / "locks",
        clock=clock,
        policy=BatchPolicy(
            max_leaves=anchoring.max_leaves, max_age=int(anchoring.max_age.total_seconds())
        ),
        fees=FeePolicy(max_fee_cap=anchoring.max_fee_per_gas, budget=anchoring.budget),
        timing=Timing(
            resend_after=int(anchoring.resend_after.total_seconds()),
            replace_after=int(anchoring.replace_after.total_seconds()),
            max_lead=_MAX_LEAD_SECONDS,
        ),
        max_operators=anchoring.max_accounts,
    )


def inspector_of(equipment: Equipment) -> Inspector:
    """Return who compares database, store and chain with this equipment."""
    return Inspector(
        database=equipment.database,
        chain=equipment.chain,
        trees=equipment.trees,
        lock_folder=equipment.lock_folder,
        clock=equipment.clock,
    )


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
        operators, most = 0, equipment.max_operators
        for role in roles_with_work(equipment):
            if is_operator(role) and operators == most:
                continue
            try:
                workers.append(_worker(equipment, role, observer, stack))
            except LeaseHeldError as error:
                taken = error
            else:
                operators += is_operator(role)
        if taken is not None and not workers:
            raise taken
        yield workers


def roles_with_work(equipment: Equipment) -> list[str]:
    """Return the roles to work for: operators always, others while a write waits for them."""
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
        if (is_operator(role) or account in waiting) and equipment.keystore.holds(role)
    ]


@contextmanager
def finisher(equipment: Equipment, role: str, *, observer: Observer) -> Iterator[Worker]:
    """Yield a worker that brings the writes of an account to an end and begins no new ones.

    Raises:
        LeaseHeldError: Another process works for the account.
        KeystoreError: The key cannot be unlocked.
    """
    with ExitStack() as stack:
        yield replace(_worker(equipment, role, observer, stack), sealing=None)


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
        contents=equipment.contents,
        fees=equipment.fees,
        timing=equipment.timing,
        clock=equipment.clock,
    )
    sealing = None
    if is_operator(role):
        sealing = Sealing(policy=equipment.policy, contract=equipment.chain.ledger)
    return Worker(publisher=publisher, sealing=sealing, observer=observer)
