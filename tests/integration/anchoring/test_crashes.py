"""A process that dies at any point, and the next one that goes on: exactly one anchor per batch.

The worker is killed before and after every call to the chain and around every transaction of the
database, at each of these points in turn; then another process finishes the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry.anchoring.domain import BatchPolicy
from registry.anchoring.errors import ChainUnavailableError
from tests.support.anchoring import Installation


class Killed(BaseException):
    """The end of the process: nothing handles it."""


class Fuse:
    """Kills at the n-th point, counted from 1; 0 never kills."""

    def __init__(self, points: int) -> None:
        self.left = points
        self.passed = 0

    def __call__(self, *_where: object) -> None:
        self.passed += 1
        self.left -= 1
        if self.left == 0:
            raise Killed


@contextmanager
def explosive(home: Installation, fuse: Fuse) -> Iterator[None]:
    """Let `fuse` see every boundary between this process and the world."""
    begin = home.database.begin

    @contextmanager
    def begin_and_pass() -> Iterator[Session]:
        fuse("begin")
        with begin() as session:
            yield session
            fuse("before commit")
        fuse("after commit")

    home.database.begin = begin_and_pass  # type: ignore[method-assign]
    home.chain.faults = fuse
    try:
        yield
    finally:
        del home.database.begin  # type: ignore[method-assign]
        home.chain.faults = lambda _name, _moment: None


def run_and_die(home: Installation, fuse: Fuse) -> bool:
    """Work and mine until everything is published or the fuse is burnt; tell whether it was."""
    try:
        with explosive(home, fuse), home.worker() as worker:
            for _ in range(8):
                if not worker.round(flush=True).unfinished:
                    return False
                home.chain.mine()
                home.pass_time(12)
    except Killed:
        return True
    raise AssertionError("the work did not end")


def test_killed_at_every_point(home: Installation) -> None:
    whole = Fuse(0)
    home.queue(b"one", b"two", b"three")
    assert not run_and_die(home, whole)
    assert whole.passed > 40

    for point in range(1, whole.passed + 1):
        signed = home.signer.signed
        leaves = home.queue(*(b"%d of run %d" % (i, point) for i in range(3)))
        assert run_and_die(home, Fuse(point)), f"point {point} was not reached"
        home.finish()
        home.assert_anchored_once(leaves)
        # Signed twice at most: killed between signing and writing it down, which nobody saw.
        assert home.signer.signed - signed <= 2, f"point {point}"
    nonces = [attempt.nonce for attempt in home.attempts()]
    assert nonces == list(range(whole.passed + 1))


faults = st.sampled_from(["kill", "reorganise", "forget", "spike", "calm", "outage", "queue"])


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(st.tuples(faults, st.integers(1, 30)), max_size=12))
def test_any_sequence_of_faults_ends_with_one_anchor_per_batch(
    install: Callable[[], Installation], script: list[tuple[str, int]]
) -> None:
    home = install()
    home.policy = BatchPolicy(max_leaves=2)
    home.chain.depth = 4
    base_fee = home.chain.base_fee
    leaves = home.queue(b"first", b"second", b"third")

    for step, (fault, number) in enumerate(script):
        if fault == "queue":
            leaves += home.queue(b"step %d" % step)
        elif fault == "kill":
            try:
                with explosive(home, Fuse(number)), home.worker() as worker:
                    worker.round(flush=True)
            except Killed:
                pass
        elif fault == "reorganise":
            # Not below what is final, as on a chain that keeps its word.
            home.chain.reorganise(min(number, 3, len(home.chain.blocks) - 1))
        elif fault == "forget":
            home.chain.forget_pool()
        elif fault == "spike":
            home.chain.base_fee = base_fee * number
        elif fault == "calm":
            home.chain.base_fee = base_fee
        else:
            _outage(home, after=number)
        if fault != "reorganise":
            home.chain.mine(number % 3)
        home.pass_time(number * 7)

    home.chain.base_fee = base_fee
    home.finish(rounds=40)
    home.assert_anchored_once(leaves)
    home.database.dispose()


def _outage(home: Installation, *, after: int) -> None:
    """Let the node die after some calls, before or after it did what it was told."""
    calls = 0

    def die(_name: str, _moment: str) -> None:
        nonlocal calls
        calls += 1
        if calls >= after:
            raise ChainUnavailableError("connection reset")

    home.chain.faults = die
    with home.worker() as worker:
        worker.round(flush=True)
    home.chain.faults = lambda _name, _moment: None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_sending(home: Installation, moment: str) -> None:
    leaves = home.queue(b"one")

    def kill(name: str, when: str) -> None:
        if (name, when) == ("send", moment):
            raise Killed

    home.chain.faults = kill
    with pytest.raises(Killed), home.worker() as worker:
        worker.round(flush=True)
    home.chain.faults = lambda _name, _moment: None
    assert len(home.attempts()) == 1  # what was sent, or not, had been written down before
    home.finish()
    home.assert_anchored_once(leaves)
    assert home.signer.signed == 1
