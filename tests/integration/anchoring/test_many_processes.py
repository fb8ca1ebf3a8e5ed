"""Six processes, six accounts, one PostgreSQL, one real chain, and kill -9 at random."""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from registry.anchoring.connect import at_work
from registry.anchoring.domain import LeafKind
from registry.anchoring.models import (
    AccountRow,
    LeafRow,
    LedgerWriteRow,
    WriteAttemptRow,
    WriteStepRow,
)
from registry.anchoring.proofs import find_proof
from registry.anchoring.queue import enqueue
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.trees import TreeShelf
from registry.kit import schema
from registry.kit.clock import system_clock
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from tests.support import anchoring_process
from tests.support.anchoring_process import LEAVES
from tests.support.live_anchoring import WANTED, LiveChain
from tests.support.postgres import postgres_server
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import root_from_path

pytestmark = [pytest.mark.chain, pytest.mark.postgres]

PROCESSES = 6
ENTRIES = 500
KILLS = 12
SECONDS = 300
OPERATORS = tuple(f"operator-{number}" for number in range(1, PROCESSES + 1))


_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.support.anchoring_process"])  # starting is then cheap


class Herd:
    """Processes that anchor, started again when they are killed."""

    def __init__(self, home: Path, url: str, signer: Path) -> None:
        self._arguments = (home, url, signer)
        self._ready = home / "ready"
        self._ready.mkdir()
        self.running: list[BaseProcess] = []
        self.deadline = time.monotonic() + SECONDS

    def start(self) -> None:
        self.running.append(_fork.Process(target=anchoring_process.main, args=self._arguments))
        self.running[-1].start()

    def kill_one(self, choose: random.Random) -> bool:
        """Kill one that holds an account, and start another; False if there is none yet."""
        working = [each for each in self.running if (self._ready / str(each.pid)).exists()]
        if not working:
            return False
        victim = choose.choice(working)
        victim.kill()
        victim.join()
        self.running.remove(victim)
        self.start()
        return True

    def wait(self) -> None:
        for each in self.running:
            each.join(max(1, self.deadline - time.monotonic()))
            assert each.exitcode == 0


@contextmanager
def herd(home: Path, url: str, signer: Path) -> Iterator[Herd]:
    made = Herd(home, url, signer)
    try:
        yield made
    finally:
        for each in made.running:
            each.kill()
            each.join()


@contextmanager
def transaction_signer(home: Path) -> Iterator[Path]:
    """Run the process that holds the transaction keys; it is not among those that are killed."""
    path = home / "signer.sock"
    command = [sys.executable, "-c", "from registry.cli import main; main()", "signer"]
    command += ["--transactions", "--socket", str(path)]
    process = subprocess.Popen(command, env=os.environ | {"LANCANG_HOME": str(home)})
    try:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield path
    finally:
        process.terminate()
        process.wait()


def queue(database: Database, numbers: range) -> list[bytes]:
    leaves = []
    with database.begin() as session:
        for number in numbers:
            entry = b"entry %d" % number
            leaves.append(leaf_digest(entry))
            enqueue(
                session, leaves[-1], kind=LeafKind.CERTIFICATE, entry=entry, certificate_id=None
            )
    return leaves


def test_killed_at_random(tmp_path: Path) -> None:
    choose = random.Random(4)  # noqa: S311
    live = LiveChain(tmp_path / "home")
    try:
        live.found(replace(WANTED, operators=OPERATORS))
        with postgres_server() as server:
            url = server.url(server.create())
            database = Database(url)
            schema.upgrade(database)
            leaves = queue(database, range(ENTRIES // 2))
            with (
                at_work(live.settings),
                transaction_signer(live.home) as signer,
                herd(live.home, url, signer) as workers,
            ):
                for _ in range(PROCESSES):
                    workers.start()
                kills = 0
                while kills < KILLS and time.monotonic() < workers.deadline:
                    kills += workers.kill_one(choose)
                    time.sleep(choose.uniform(0.2, 1.0))
                    if kills == KILLS // 2 and len(leaves) < ENTRIES:
                        leaves += queue(database, range(ENTRIES // 2, ENTRIES))
                workers.wait()
            assert kills == KILLS
            check(database, live, leaves)
            database.dispose()
    finally:
        live.stop()


def check(database: Database, live: LiveChain, leaves: list[bytes]) -> None:
    """One anchor for each batch, no leaf lost, no nonce unused, everything agrees."""
    chain = live.open()
    trees = TreeShelf(FolderObjectStore(live.settings.objects))
    roots = set()
    with database.read() as session:
        for leaf in leaves:
            proof = find_proof(session, leaf, trees=trees)
            assert proof is not None
            assert proof.anchor is not None
            assert proof.root == root_from_path(
                leaf, index=proof.index, size=proof.size, path=proof.path
            )
            roots.add(proof.root)
        assert session.scalar(select(func.count()).select_from(LeafRow)) == len(leaves)
        used = session.execute(
            select(LedgerWriteRow.account, WriteAttemptRow.nonce)
            .join(WriteAttemptRow, WriteAttemptRow.write_id == LedgerWriteRow.id)
            .distinct()
        ).all()
        counters = dict(session.execute(select(AccountRow.address, AccountRow.next_nonce)).all())
        steps = session.execute(
            select(WriteStepRow.write_id, WriteStepRow.version).order_by(
                WriteStepRow.write_id, WriteStepRow.version
            )
        ).all()
    anchored = [anchor.root for anchor in chain.anchors(at=chain.head())]
    assert sorted(anchored) == sorted(roots)  # each exactly once, and nothing else
    assert len(roots) >= ENTRIES // LEAVES
    assert len({account for account, _ in used}) > 1  # side by side
    for account, count in counters.items():
        assert sorted(nonce for one, nonce in used if one == account) == list(range(count))
    for (write, version), (following, next_version) in pairwise(steps):
        assert next_version == (version + 1 if write == following else 1)
    report = reconcile(database, chain, trees, now=system_clock())
    assert report.discrepancies == []
