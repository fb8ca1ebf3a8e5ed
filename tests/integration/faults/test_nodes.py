"""A node behind a bad line, a node that is wrong, a node that lies: through a proxy, on a chain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest

from registry.anchoring.domain import WriteState
from registry.anchoring.errors import (
    ChainDisagreesError,
    ChainMismatchError,
    ChainUnavailableError,
)
from registry.anchoring.node_group import NodeGroup
from tests.support.fault_ground import GENUINE, Ground
from tests.support.fault_proxy import PASSING, Fault, RpcProxy, spoiled
from verifier.checks.verdict import Overall

pytestmark = [pytest.mark.chain, pytest.mark.xdist_group("faults")]

EVERY = "every"
METHODS = (
    EVERY,
    "eth_sendRawTransaction",
    "eth_chainId",
    "eth_getBlockByNumber",
    "eth_call",
    "eth_estimateGas",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
)
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
WITHOUT_EFFECT = {Fault.NOTHING, Fault.STALE}  # on anything but the methods that they are about


@pytest.fixture
def proxy(ground: Ground) -> Iterator[RpcProxy]:
    node = urlsplit(ground.live.url)
    with RpcProxy(("127.0.0.1", node.port or 0)) as running:
        yield running


@pytest.mark.parametrize("method", METHODS if THOROUGH else METHODS[:1])
def test_every_fault_is_waited_out(ground: Ground, proxy: RpcProxy, method: str) -> None:
    """One batch for each fault: it comes no further than the node's answers carry it."""
    for write, fault in enumerate(PASSING, start=1):
        ground.issue(f"{method}-{write}")
        with (
            spoiled(proxy, partial(_spoil, fault, method)),
            ground.worker(ground.chain(proxy.url)) as worker,
        ):
            rounds = []
            for _ in range(3):
                rounds.append(worker.round(flush=True))
                ground.live.mine()
        if method == EVERY or fault not in WITHOUT_EFFECT:
            problem = rounds[-1].problem
            assert isinstance(problem, ChainUnavailableError) or rounds[-1].waiting, fault
            assert ground.state(write) is not WriteState.PUBLISHED, fault
            assert proxy.done[fault], fault
        with ground.worker(ground.chain(proxy.url)) as worker:  # the line is good again
            while worker.round(flush=True).unfinished:
                ground.live.mine()
    ground.assert_whole()


def test_wrong_chain(ground: Ground, proxy: RpcProxy) -> None:
    ground.issue("WRONG-1")
    with (
        spoiled(proxy, lambda _method: Fault.WRONG_CHAIN),
        pytest.raises(ChainMismatchError),
        ground.worker(ground.chain(proxy.url)) as worker,
    ):
        worker.round(flush=True)
    assert set(ground.states()) <= {WriteState.SEALED}
    ground.finish()
    ground.assert_whole()


def test_lying_root(ground: Ground, proxy: RpcProxy) -> None:
    """Outvoted by two, a stop of the work with one, and no verdict for a checker."""
    ground.issue("TRUE-1")
    ground.finish()
    ground.issue("LIE-1")
    liar, honest = ground.chain(proxy.url), ground.chain()
    with ground.worker(NodeGroup([honest, honest], quorum=2)) as worker:
        worker._seal(flush=True)
        worker.publisher.advance(2)
    proxy.lie = (ground.roots()[0], ground.roots()[1])
    with spoiled(proxy, lambda _method: Fault.LIE):
        head = honest.head()
        assert liar.find_anchor(ground.roots()[1], ground.sizes()[1], at=head) is not None
        with ground.worker(NodeGroup([liar, honest], quorum=2)) as worker:
            assert isinstance(worker.round().problem, ChainDisagreesError)
        assert ground.state(2) is WriteState.SEALED
        ground.live.mine(2)
        assert ground.verdicts(proxy.url, ground.live.url) <= {GENUINE, Overall.CANNOT_CONFIRM}
        with ground.worker(NodeGroup([liar, honest, ground.chain()], quorum=2)) as worker:
            while worker.round().unfinished:
                ground.live.mine()
    assert proxy.done[Fault.LIE]
    ground.assert_whole()


def _spoil(fault: Fault, method: str, asked: str) -> Fault:
    return fault if method in {EVERY, asked} else Fault.NONE
