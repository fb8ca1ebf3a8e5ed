"""Several nodes as one chain: what decides about a ledger write must be said by enough of them.

One node can be stale, cut off or lying. A transaction is handed to all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from registry.anchoring.domain import SendOutcome
from registry.anchoring.errors import (
    ChainDisagreesError,
    ChainUnavailableError,
    StateUnavailableError,
)
from registry.anchoring.fees import Fees
from registry.anchoring.ports import (
    AnchorMark,
    AnchorRecord,
    AuditedChain,
    BlockRef,
    Receipt,
    Revocation,
    StatusWord,
)

_T = TypeVar("_T")
# The most favourable answer counts: one node that has the transaction is enough.
_BEST_OUTCOME: Final = (
    SendOutcome.ACCEPTED,
    SendOutcome.KNOWN,
    SendOutcome.NONCE_TOO_LOW,
    SendOutcome.UNDERPRICED,
    SendOutcome.NO_GAS_MONEY,
    SendOutcome.REFUSED,
)


class NodeGroup:
    """Implements `registry.anchoring.ports.Chain` over several nodes of one chain.

    Args:
        nodes: One chain for each node, of distinct operators.
        quorum: How many must say the same.

    Raises:
        ValueError: The quorum cannot be reached.
    """

    def __init__(self, nodes: Sequence[AuditedChain], *, quorum: int) -> None:
        if not 1 <= quorum <= len(nodes):
            raise ValueError(f"{len(nodes)} nodes cannot give a quorum of {quorum}")
        self._nodes = nodes
        self._quorum = quorum

    @property
    def chain_id(self) -> int:
        """See `Chain.chain_id`."""
        return self._nodes[0].chain_id

    @property
    def ledger(self) -> str:
        """See `Chain.ledger`."""
        return self._nodes[0].ledger

    @property
    def ledgers(self) -> tuple[str, ...]:
        """See `Chain.ledgers`."""
        return self._nodes[0].ledgers

    def at_ledger(self, contract: str) -> NodeGroup:
        """See `Chain.at_ledger`."""
        return NodeGroup([node.at_ledger(contract) for node in self._nodes], quorum=self._quorum)

    def speaks_for(self, block: int) -> bool:
        """See `Chain.speaks_for`."""
        return self._nodes[0].speaks_for(block)

    def head(self) -> BlockRef:
        """Return the newest block that enough nodes have."""
        return self._common_block(lambda node: node.head())

    def final(self) -> BlockRef:
        """Return the newest block that enough nodes call final."""
        return self._common_block(lambda node: node.final())

    def block_at(self, number: int) -> BlockRef | None:
        """See `Chain.block_at`."""
        return self._agreed(lambda node: node.block_at(number))

    def transaction_count(self, account: str, at: BlockRef) -> int:
        """See `Chain.transaction_count`."""
        return self._agreed(lambda node: node.transaction_count(account, at))

    def balance(self, account: str) -> int:
        """Return the balance that the first node to answer tells."""
        return self._first(lambda node: node.balance(account))

    def quote(self) -> Fees:
        """Return the fees that the first node to answer tells."""
        return self._first(lambda node: node.quote())

    def estimate_gas(self, account: str, to: str | None, data: bytes) -> int | None:
        """Return what the first node to answer estimates."""
        return self._first(lambda node: node.estimate_gas(account, to, data))

    def send(self, raw: bytes) -> SendOutcome:
        """Hand a transaction to every node and return the best of their answers."""
        outcomes, problem = self._ask_all(lambda node: node.send(raw))
        if not outcomes:
            raise problem or ChainUnavailableError("no node answers")
        return min(outcomes, key=_BEST_OUTCOME.index)

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """See `Chain.receipt`."""
        return self._agreed(lambda node: node.receipt(transaction_hash))

    def find_anchor(self, root: bytes, size: int, *, at: BlockRef) -> AnchorMark | None:
        """See `Chain.find_anchor`."""
        return self._agreed(lambda node: node.find_anchor(root, size, at=at))

    def find_anchor_transaction(self, root: bytes, *, at: BlockRef) -> bytes | None:
        """See `Chain.find_anchor_transaction`."""
        return self._agreed(lambda node: node.find_anchor_transaction(root, at=at))

    def status_word(
        self, body_id: bytes, list_number: int, word: int, *, at: BlockRef
    ) -> StatusWord:
        """See `Chain.status_word`."""
        return self._agreed(lambda node: node.status_word(body_id, list_number, word, at=at))

    def is_leaf_revoked(self, body_id: bytes, leaf: bytes, *, at: BlockRef) -> bool:
        """See `Chain.is_leaf_revoked`."""
        return self._agreed(lambda node: node.is_leaf_revoked(body_id, leaf, at=at))

    def anchors(self, *, at: BlockRef, since: int = 0) -> Iterator[AnchorRecord]:
        """See `AuditedChain.anchors`."""
        return iter(self._agreed(lambda node: tuple(node.anchors(at=at, since=since))))

    def revocations(self, *, until: BlockRef, since: int = 0) -> Iterator[Revocation]:
        """See `AuditedChain.revocations`."""
        return iter(self._agreed(lambda node: tuple(node.revocations(until=until, since=since))))

    def _common_block(self, ask: Callable[[AuditedChain], BlockRef]) -> BlockRef:
        """Return the highest block that as many nodes as the quorum have reached, and agree on."""
        blocks, problem = self._ask_all(ask)
        if len(blocks) < self._quorum:
            raise problem or ChainUnavailableError("too few nodes answer")
        heights = sorted((block.number for block in blocks), reverse=True)
        block = self._agreed(lambda node: node.block_at(heights[self._quorum - 1]))
        if block is None:
            raise ChainDisagreesError("nodes no longer have the block that they just named")
        return block

    def _agreed(self, ask: Callable[[AuditedChain], _T]) -> _T:
        """Return the answer of as many nodes as the quorum, as soon as there are so many."""
        answers: Counter[_T] = Counter()
        problem: ChainUnavailableError | None = None
        for node in self._nodes:
            try:
                answer = ask(node)
            except ChainUnavailableError as error:
                problem = _worse(problem, error)
                continue
            answers[answer] += 1
            if answers[answer] >= self._quorum:
                return answer
        if len(answers) > 1 or problem is None:
            raise ChainDisagreesError(f"fewer than {self._quorum} nodes say the same")
        raise problem

    def _first(self, ask: Callable[[AuditedChain], _T]) -> _T:
        problem: ChainUnavailableError | None = None
        for node in self._nodes:
            try:
                return ask(node)
            except ChainUnavailableError as error:
                problem = error
        raise problem or ChainUnavailableError("no node answers")

    def _ask_all(
        self, ask: Callable[[AuditedChain], _T]
    ) -> tuple[list[_T], ChainUnavailableError | None]:
        answers: list[_T] = []
        problem: ChainUnavailableError | None = None
        for node in self._nodes:
            try:
                answers.append(ask(node))
            except ChainUnavailableError as error:
                problem = error
        return answers, problem


def _worse(
    first: ChainUnavailableError | None, second: ChainUnavailableError
) -> ChainUnavailableError:
    """Prefer an outage to a missing state: only if every node lacks it there is another way."""
    if first is not None and isinstance(second, StateUnavailableError):
        return first
    return second
