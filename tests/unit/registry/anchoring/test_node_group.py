"""Several nodes as one chain: stale, dead and lying ones are outvoted or stop the work."""

from __future__ import annotations

from copy import copy

import pytest

from registry.anchoring.domain import SendOutcome
from registry.anchoring.errors import (
    ChainDisagreesError,
    ChainMismatchError,
    ChainUnavailableError,
)
from registry.anchoring.node_group import NodeGroup
from registry.anchoring.ports import Receipt
from tests.support.fake_chain import FakeChain


def dead(_name: str, _moment: str) -> None:
    raise ChainUnavailableError("connection refused")


def stale(chain: FakeChain, blocks: int) -> FakeChain:
    """Return a node that has not seen the newest blocks."""
    node = copy(chain)
    node.blocks = chain.blocks[:-blocks]
    return node


@pytest.fixture
def chain() -> FakeChain:
    fake = FakeChain()
    fake.mine(10)
    return fake


def test_head_is_what_enough_nodes_have(chain: FakeChain) -> None:
    group = NodeGroup([chain, stale(chain, 3), stale(chain, 6)], quorum=2)
    assert group.head().number == 7
    assert group.final().number == 5
    assert NodeGroup([chain, stale(chain, 3)], quorum=1).head().number == 10


def test_a_dead_node_is_passed_over(chain: FakeChain) -> None:
    broken = copy(chain)
    broken.faults = dead
    group = NodeGroup([broken, chain, copy(chain)], quorum=2)
    assert group.head().number == 10
    assert group.balance("0x") == chain.money
    assert group.transaction_count("0x", chain.head()) == 0


def test_too_few_living_nodes(chain: FakeChain) -> None:
    broken = copy(chain)
    broken.faults = dead
    group = NodeGroup([broken, chain], quorum=2)
    with pytest.raises(ChainUnavailableError, match="connection refused"):
        group.head()
    with pytest.raises(ChainUnavailableError, match="connection refused"):
        group.receipt(bytes(32))


def test_nodes_on_two_branches(chain: FakeChain) -> None:
    other = copy(chain)
    other.blocks = list(chain.blocks)
    other.reorganise(4)
    with pytest.raises(ChainDisagreesError):
        NodeGroup([chain, other], quorum=2).block_at(9)
    assert NodeGroup([chain, other, copy(chain)], quorum=2).block_at(9) == chain.block_at(9)


def test_a_receipt_that_one_node_makes_up(chain: FakeChain) -> None:
    class Liar(FakeChain):
        def receipt(self, transaction_hash: bytes) -> Receipt | None:
            return Receipt(
                transaction_hash=transaction_hash, succeeded=True, block=1, block_hash=bytes(32)
            )

    liar = Liar()
    liar.blocks = chain.blocks
    assert NodeGroup([liar, chain, copy(chain)], quorum=2).receipt(bytes(32)) is None
    with pytest.raises(ChainDisagreesError):
        NodeGroup([liar, chain], quorum=2).receipt(bytes(32))


def test_the_best_answer_to_sending_counts(chain: FakeChain) -> None:
    class Refusing(FakeChain):
        def send(self, raw: bytes) -> SendOutcome:
            del raw
            return SendOutcome.REFUSED

    broken = copy(chain)
    broken.faults = dead
    raw = b'{"from": "0x1", "nonce": 0, "max_fee": 10000000000, "priority": 1, "gas": 1}'
    assert NodeGroup([Refusing(), broken, chain], quorum=2).send(raw) is SendOutcome.ACCEPTED
    assert NodeGroup([Refusing(), broken], quorum=1).send(raw) is SendOutcome.REFUSED
    with pytest.raises(ChainUnavailableError):
        NodeGroup([broken], quorum=1).send(raw)


def test_a_node_of_another_chain_stops_everything(chain: FakeChain) -> None:
    def mismatch(_name: str, _moment: str) -> None:
        raise ChainMismatchError("another chain")

    foreign = copy(chain)
    foreign.faults = mismatch
    with pytest.raises(ChainMismatchError):
        NodeGroup([chain, foreign, copy(chain)], quorum=2).head()


@pytest.mark.parametrize("quorum", [0, 3])
def test_impossible_quorums(chain: FakeChain, quorum: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        NodeGroup([chain, chain], quorum=quorum)
