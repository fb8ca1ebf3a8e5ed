"""Real processes killed at random behind bad lines to node and database; certificates verified.

Six processes with accounts of their own and good lines are in test_many_processes.py, each fault of
a line alone in faults/test_nodes.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from registry.anchoring.connect import open_chain
from registry.anchoring.domain import WriteState
from registry.anchoring.models import BatchRow, LeafRow, LedgerWriteRow
from registry.anchoring.queue import queue_status
from registry.anchoring.reconciliation import reconcile
from registry.anchoring.trees import TreeShelf
from registry.certificates.models import IssuedTokenRow
from registry.certificates.receipts import public_receipt
from registry.kit.clock import system_clock
from registry.kit.database import Database
from registry.kit.objects import FolderObjectStore
from registry.settings import Settings
from tests.support.fault_proxy import Fault, LineProxy, RpcProxy, at_random
from tests.support.postgres import PostgresServer
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.checks.verdict import Overall
from verifier.core.receipt import build_receipt
from verifier.openssl_sm2 import open_sm2
from verifier.service import Question, Submission, verify

pytestmark = [
    pytest.mark.chain,
    pytest.mark.postgres,
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("HYPOTHESIS_PROFILE") != "thorough", reason="takes minutes: make test-faults"
    ),
]

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "examples" / "sample_documents.json"
COMMANDS = Path(sys.executable).parent
SETTLED_SECONDS = 300.0


WORKERS, CERTIFICATES, KILLS, LEAVES_OF_BATCH = 6, 500, 40, 64


@dataclass
class Process:
    """An anchoring process with what it said."""

    popen: subprocess.Popen[bytes]
    log: Path

    def is_at_work(self) -> bool:
        return b"at work" in self.log.read_bytes()


@dataclass
class Field:
    """An installation, its lines, and the processes that work for it."""

    home: Path
    server: PostgresServer
    database_name: str
    workers: list[Process] = field(default_factory=list)
    started: int = 0

    def __post_init__(self) -> None:
        self.url = self.server.url(self.database_name)
        self.chain = EmbeddedChain(self.home / "chain")
        self.database = Database(self.url)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LANCANG")}
        own = {"LANCANG_HOME": str(self.home), "LANCANG_DATABASE_URL": self.url}
        return kept | own | more

    def lancang(self, *arguments: str) -> None:
        subprocess.run(
            [COMMANDS / "lancang", *arguments],
            env=self.environment(), cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip

    def found_and_issue(self, count: int) -> None:
        """Found the installation and sign certificates, which then wait in the queue."""
        self.lancang("init", str(SAMPLES))
        document = json.loads(SAMPLES.read_text("utf-8"))["documents"][0]
        documents = [document | {"number": f"FAULT-{number:05}"} for number in range(count)]
        file = self.home / "documents.json"
        file.write_text(json.dumps(documents), "utf-8")
        self.lancang("issue", str(file), "--maker", "Li Na", "--approver", "Chen Wei")
        self.chain.set_block_interval(1)

    def start_worker(self, rpc: RpcProxy, line: LineProxy) -> None:
        environment = self.environment(
            LANCANG_DATABASE_URL=self.url.replace(f":{self.server.port}/", f":{line.port}/"),
            LANCANG_CHAIN__RPC_URLS=json.dumps([rpc.url]),
            LANCANG_CHAIN__CHAIN_ID="31337",
            LANCANG_CHAIN__TIMEOUT="PT2S",
            LANCANG_ANCHORING__MAX_LEAVES=str(LEAVES_OF_BATCH),
            LANCANG_ANCHORING__MAX_AGE="PT1S",
            LANCANG_ANCHORING__RESEND_AFTER="PT3S",
            LANCANG_ANCHORING__REPLACE_AFTER="PT10S",
        )
        self.started += 1
        log = self.home / f"worker-{self.started}.log"
        command = [sys.executable, "-m", "tests.support.anchoring_worker"]
        with log.open("wb") as stream:
            popen = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdout=stream, stderr=stream
            )
        self.workers.append(Process(popen, log))

    def kill(self, worker: Process) -> None:
        worker.popen.send_signal(signal.SIGKILL)
        worker.popen.wait()
        self.workers.remove(worker)

    def is_settled(self) -> bool:
        with self.database.read() as session:
            status = queue_status(session, now=system_clock())
            return status.queued == 0 and status.in_progress == 0

    def stop(self) -> None:
        for worker in list(self.workers):
            self.kill(worker)
        self.database.dispose()
        self.chain.stop()


@pytest.fixture
def ground(tmp_path: Path, postgres: PostgresServer) -> Iterator[Field]:
    made = Field(tmp_path, postgres, postgres.create())
    yield made
    made.stop()
    postgres.drop(made.database_name)


def test_killed_at_random_behind_bad_lines(ground: Field) -> None:
    seed = random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")  # shown when the test fails
    ground.found_and_issue(CERTIFICATES)
    node = urlsplit(ground.chain.ensure_running().url)
    with ExitStack() as stack:
        rpc = stack.enter_context(RpcProxy(("127.0.0.1", node.port or 0)))
        line = stack.enter_context(LineProxy(("127.0.0.1", ground.server.port)))
        for _ in range(WORKERS):
            ground.start_worker(rpc, line)
        _torment(ground, rpc, line, random.Random(seed))  # noqa: S311  (can be repeated)
        rpc.choose = lambda _method: Fault.NONE
        _wait_until_settled(ground)
        assert sum(rpc.done[fault] for fault in rpc.done if fault is not Fault.NONE) > 0

    _assert_one_anchor_for_every_batch(ground)
    _assert_everybody_agrees(ground)
    _assert_every_certificate_is_genuine(ground)


def _torment(ground: Field, rpc: RpcProxy, line: LineProxy, dice: random.Random) -> None:
    """Kill, cut and spoil: most processes are killed at work, some while they are starting."""
    never = threading.Event()
    for _ in range(KILLS):
        rpc.choose = at_random(dice.choice([0.05, 0.2, 0.4]), dice.randrange(2**32))
        victim = dice.choice(ground.workers)
        if dice.random() < 0.8:
            _wait(victim.is_at_work, victim.log)
        never.wait(dice.uniform(0.1, 3.0))
        if dice.random() < 0.5:
            line.cut()
            never.wait(dice.uniform(0.1, 0.5))
        ground.kill(victim)
        ground.start_worker(rpc, line)


def _wait(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + SETTLED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-4000:]
        time.sleep(0.2)


def _wait_until_settled(ground: Field) -> None:
    def settled() -> bool:
        gone = [worker for worker in ground.workers if worker.popen.poll() is not None]
        assert not gone, f"a worker gave up: {gone[0].log.read_text()[-4000:]}"
        return ground.is_settled()

    _wait(settled, ground.workers[0].log)


def _assert_one_anchor_for_every_batch(ground: Field) -> None:
    with ground.database.read() as session:
        states = session.execute(
            select(LedgerWriteRow.state, BatchRow.root, BatchRow.size).join(
                BatchRow, BatchRow.id == LedgerWriteRow.id
            )
        ).all()
        leaves = session.scalar(select(func.count()).select_from(LeafRow))
    assert {state for state, _, _ in states} == {WriteState.PUBLISHED}
    roots = [root for _, root, _ in states]
    assert len(roots) == len(set(roots))
    assert sum(size for _, _, size in states) == leaves
    chain = open_chain(Settings(home=ground.home))
    anchored = [anchor.root for anchor in chain.anchors(at=chain.final())]
    assert sorted(anchored) == sorted(roots)


def _assert_everybody_agrees(ground: Field) -> None:
    chain = open_chain(Settings(home=ground.home))
    trees = TreeShelf(FolderObjectStore(ground.home / "objects"))
    report = reconcile(ground.database, chain, trees, now=system_clock())
    assert not report.discrepancies


def _assert_every_certificate_is_genuine(ground: Field) -> None:
    trees = TreeShelf(FolderObjectStore(ground.home / "objects"))
    with ground.database.read() as session:
        leaves = session.scalars(select(IssuedTokenRow.leaf)).all()
        receipts = [build_receipt(public_receipt(session, leaf, trees=trees)) for leaf in leaves]
    assert len(receipts) == CERTIFICATES
    url = ground.chain.ensure_running().url
    profile = load_profile(ground.home / "profile.json").with_endpoints([url], quorum=1)
    now = int(time.time())
    with RpcTrustSource(profile, now=now) as source:
        verdicts = {
            verify(
                Submission(receipts=(receipt,)),
                Question(checked_at=now),
                profile=profile,
                source=source,
                sm2=open_sm2(),
            ).overall
            for receipt in receipts
        }
    assert verdicts == {Overall.VALID_WITH_NOTES}
