"""One sequencer for each signing account: a lock, and an epoch that fences off whoever lost it.

The lock keeps two processes from working for one account at a time. It can be lost unnoticed (a
database connection that breaks), so every write also names the epoch under which its writer became
sequencer, and the database refuses older ones.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from registry.anchoring.errors import ChainMismatchError, LeaseHeldError, LeaseLostError
from registry.anchoring.models import AccountRow
from registry.anchoring.records import Lease
from registry.kit.database import Database


@contextmanager
def hold_lease(
    database: Database, account: str, *, chain_id: int, lock_folder: Path
) -> Iterator[Lease]:
    """Become the sequencer of `account` for as long as the context lasts.

    Args:
        database: PostgreSQL locks by itself; beside SQLite a file in `lock_folder` is locked.
        account: Address of the signing account.
        chain_id: Chain on which the account's nonces count.
        lock_folder: Folder for lock files.

    Raises:
        LeaseHeldError: Another process is the sequencer.
        ChainMismatchError: The account was used on another chain with this database.
    """
    with hold_alone(database, f"account/{account}", lock_folder=lock_folder):
        yield _take_over(database, account, chain_id)


@contextmanager
def hold_alone(database: Database, task: str, *, lock_folder: Path) -> Iterator[None]:
    """Be the only process of the installation with a task, for as long as the context lasts.

    Args:
        database: PostgreSQL locks by itself; beside SQLite a file in `lock_folder` is locked.
        task: Words that name it; the same in every process.
        lock_folder: Folder for lock files.

    Raises:
        LeaseHeldError: Another process has the task.
    """
    if database.engine.dialect.name == "postgresql":
        lock = _advisory_lock(database, task)
    else:
        lock = _file_lock(lock_folder, task)
    with lock:
        yield


def fence(session: Session, lease: Lease) -> None:
    """Make sure, as the first act of a writing transaction, that `lease` still stands.

    The row stays locked to the end of the transaction, so nobody takes over in between.

    Raises:
        LeaseLostError: Another process has become the sequencer.
    """
    held = session.execute(
        update(AccountRow)
        .where(AccountRow.address == lease.account, AccountRow.epoch == lease.epoch)
        .values(epoch=AccountRow.epoch)
        .returning(AccountRow.address)
    ).first()
    if held is None:
        raise LeaseLostError(f"another process has taken over account {lease.account}")


def ensure_account(session: Session, account: str, *, chain_id: int) -> AccountRow:
    """Return the row of a signing account, made if it is new.

    Raises:
        ChainMismatchError: The account was used on another chain with this database.
    """
    row = session.scalar(select(AccountRow).where(AccountRow.address == account).with_for_update())
    if row is None:
        row = AccountRow(address=account, chain_id=chain_id, next_nonce=0, epoch=0)
        session.add(row)
        session.flush()
    if row.chain_id != chain_id:
        raise ChainMismatchError(
            f"account {account} belongs to chain {row.chain_id}, not {chain_id}"
        )
    return row


def _take_over(database: Database, account: str, chain_id: int) -> Lease:
    with database.begin() as session:
        row = ensure_account(session, account, chain_id=chain_id)
        row.epoch += 1
        return Lease(account=account, epoch=row.epoch)


@contextmanager
def _advisory_lock(database: Database, task: str) -> Iterator[None]:
    """Hold a session-level lock on a connection of its own."""
    key = int.from_bytes(hashlib.sha256(f"lancang/{task}".encode()).digest()[:8])
    signed_key = key - 2**63  # the database counts keys from -2^63
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Out of the pool: a connection that breaks with its lock is not handed on to anybody.
        connection.detach()
        locked = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": signed_key})
        if not locked:
            raise _held(task)
        try:
            yield
        finally:
            # Said aloud, because the server notices a closed connection only a little later.
            with suppress(DBAPIError):
                connection.scalar(text("SELECT pg_advisory_unlock(:key)"), {"key": signed_key})


@contextmanager
def _file_lock(folder: Path, task: str) -> Iterator[None]:
    """Lock a file; the operating system releases it when the process ends, however it ends."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{task.lower().replace('/', '-')}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(task) from None
        yield
    finally:
        os.close(descriptor)


def _held(task: str) -> LeaseHeldError:
    return LeaseHeldError(f"another process has {task}")
