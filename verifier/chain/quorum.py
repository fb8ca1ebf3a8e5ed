"""Answers on which enough distinct operators agree, all about one final block.

A single node can lie, lag behind or be silent. With a quorum of k, whatever is returned here was
said by k operators in the same words; a node alone can only make an answer unavailable.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from verifier.chain.chain_profile import ChainProfile, Finality, FinalityRule
from verifier.chain.endpoint import authority
from verifier.chain.rpc import BlockHeader, RpcNode, mismatch, unreachable
from verifier.core.errors import EvidenceUnavailableError

MAX_HEAD_AHEAD_SECONDS: Final = 15 * 60  # tolerance between block times and the clock given
GRACE_SECONDS: Final = 2.0  # for the slowest nodes, once a quorum has said which block is final

Answer = TypeVar("Answer", bound=Hashable)


class Quorum:
    """Nodes of one chain, and how many operators must agree.

    Args:
        nodes: Whom to ask; at least one.
        size: Number of distinct operators that must give the same answer.
    """

    def __init__(self, nodes: Sequence[RpcNode], size: int) -> None:
        self._nodes = tuple(nodes)
        self._size = size

    async def ask(self, question: Callable[[RpcNode], Awaitable[Answer]]) -> Answer:
        """Ask every node the same and return the answer of the quorum.

        It is returned as soon as no other answer can reach the quorum any more, so that one slow
        node does not hold up the rest.

        Args:
            question: Asks one node; raises `EvidenceUnavailableError` without a usable answer.

        Raises:
            EvidenceUnavailableError: `chain_disagrees` when answers differ and none has the
                quorum, or two have; else what all nodes failed with if that is the same for all,
                otherwise `chain_unreachable`.
        """
        poll: _Poll[Answer] = _Poll(self._size)
        asked = {asyncio.ensure_future(question(node)): node for node in self._nodes}
        waiting = set(asked)
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    poll.count(task, asked[task].endpoint.witness)
                poll.close_if_decided({asked[task].endpoint.witness for task in waiting})
                if poll.decided:
                    break
        finally:
            await _abandon(waiting)
        return poll.result()


class _Poll(Generic[Answer]):
    """Answers received so far, by the operators that gave them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._votes: dict[Answer, set[str]] = {}
        self._failures: list[EvidenceUnavailableError] = []
        self.decided = False

    def count(self, task: asyncio.Future[Answer], witness: str) -> None:
        try:
            self._votes.setdefault(task.result(), set()).add(witness)
        except EvidenceUnavailableError as error:
            self._failures.append(error)

    def close_if_decided(self, waiting: set[str]) -> None:
        """Close once one answer has the quorum and no other, known or new, can still reach it."""
        rivals = [votes | waiting for votes in self._votes.values() if not self._enough(votes)]
        self.decided = len(self._winners()) == 1 and not any(map(self._enough, [*rivals, waiting]))

    def result(self) -> Answer:
        winners = self._winners()
        if len(winners) == 1:
            return winners[0]
        if len(self._votes) > 1:
            raise EvidenceUnavailableError("chain_disagrees", "the nodes give different answers")
        raise summary_of(self._failures)

    def _winners(self) -> list[Answer]:
        return [answer for answer, votes in self._votes.items() if self._enough(votes)]

    def _enough(self, votes: set[str]) -> bool:
        return len(votes) >= self._size


def summary_of(failures: Sequence[EvidenceUnavailableError]) -> EvidenceUnavailableError:
    """Return one error for those of several nodes: their common reason, or `chain_unreachable`."""
    if not failures:
        return unreachable("too few nodes give an answer")
    reasons = {failure.reason for failure in failures}
    reason = reasons.pop() if len(reasons) == 1 else "chain_unreachable"
    return EvidenceUnavailableError(reason, "; ".join(dict.fromkeys(map(str, failures))))


@dataclass(frozen=True, slots=True)
class Pin:
    """A final block and the nodes that agree on it."""

    header: BlockHeader
    quorum: Quorum


async def pin_final_block(chain: ChainProfile, nodes: Sequence[RpcNode], *, now: int) -> Pin:
    """Agree with a quorum of nodes on one final block of the right chain.

    It is the highest block that a quorum calls final and names by the same hash and time.

    Args:
        chain: Identity, finality rule, largest age and quorum.
        nodes: Whom to ask.
        now: Unix time by the checker's clock.

    Raises:
        EvidenceUnavailableError: `chain_unreachable`, `chain_fault` or `chain_mismatch` (another
            chain id or genesis block) when too few nodes are usable; `chain_disagrees` when they
            name different blocks; `head_too_old` or `head_in_future` when the block's time does
            not fit the clock.
    """
    finals, failures = await _final_numbers(chain, nodes)
    if len(_witnesses(node for node, _ in finals)) < chain.quorum:
        raise summary_of(failures)
    header = await _highest_agreed(finals, chain.quorum)
    _check_age(header, chain, now)
    return Pin(header, Quorum([node for node, _ in finals], chain.quorum))


async def pin_earlier_block(pin: Pin, number: int) -> Pin:
    """Agree with the same nodes on a block at or below the pinned one.

    Raises:
        EvidenceUnavailableError: The block is not final yet (`chain_unreachable`), or no quorum
            for it, see `Quorum.ask`.
    """
    if number > pin.header.number:
        raise unreachable(f"block {number} is not final; the last one is {pin.header.number}")
    return Pin(await pin.quorum.ask(functools.partial(RpcNode.block, tag=number)), pin.quorum)


async def _final_numbers(
    chain: ChainProfile, nodes: Sequence[RpcNode]
) -> tuple[list[tuple[RpcNode, int]], list[EvidenceUnavailableError]]:
    """Return the usable nodes with their last final blocks, and why the others are not usable.

    Once a quorum has answered, the rest gets a little more time and is then left out.
    """
    asked = {asyncio.ensure_future(_final_number(node, chain)): node for node in nodes}
    finals: list[tuple[RpcNode, int]] = []
    failures: list[EvidenceUnavailableError] = []
    waiting = set(asked)
    try:
        while waiting:
            enough = len(_witnesses(node for node, _ in finals)) >= chain.quorum
            done, waiting = await asyncio.wait(
                waiting,
                timeout=GRACE_SECONDS if enough else None,
                return_when=asyncio.ALL_COMPLETED if enough else asyncio.FIRST_COMPLETED,
            )
            for task in done:
                try:
                    finals.append((asked[task], task.result()))
                except EvidenceUnavailableError as error:
                    failures.append(error)
            if enough:
                break
    finally:
        await _abandon(waiting)
    return finals, failures


async def _abandon(tasks: Iterable[asyncio.Future[Answer]]) -> None:
    abandoned = list(tasks)
    for task in abandoned:
        task.cancel()
    await asyncio.gather(*abandoned, return_exceptions=True)


async def _highest_agreed(finals: Sequence[tuple[RpcNode, int]], size: int) -> BlockHeader:
    problem = EvidenceUnavailableError("chain_disagrees", "the nodes name different final blocks")
    for height in sorted({number for _, number in finals}, reverse=True):
        nodes = [node for node, number in finals if number >= height]
        if len(_witnesses(nodes)) < size:
            continue
        try:
            return await Quorum(nodes, size).ask(functools.partial(RpcNode.block, tag=height))
        except EvidenceUnavailableError as error:
            problem = error
    raise problem


async def _final_number(node: RpcNode, chain: ChainProfile) -> int:
    """Return the number of the node's last final block, once it proved to be on the right chain."""
    name = authority(node.endpoint.url)
    chain_id, genesis = await asyncio.gather(node.quantity("eth_chainId"), node.block(0))
    if chain_id != chain.chain_id:
        raise mismatch(f"{name}: chain id {chain_id} instead of {chain.chain_id}")
    if genesis.hash != chain.genesis:
        raise mismatch(f"{name}: another chain with the id {chain_id}, its genesis block differs")
    return await _last_final(node, chain.finality)


async def _last_final(node: RpcNode, finality: Finality) -> int:
    if finality.rule is FinalityRule.FINALIZED:
        return (await node.block("finalized")).number
    latest = (await node.block("latest")).number
    return max(0, latest - (finality.depth or 0))


def _check_age(header: BlockHeader, chain: ChainProfile, now: int) -> None:
    age = now - header.time
    if age > chain.max_head_age_seconds:
        raise EvidenceUnavailableError(
            "head_too_old",
            f"chain {chain.chain_id}: the last final block is {age} s old, "
            f"the profile allows {chain.max_head_age_seconds}",
        )
    if -age > MAX_HEAD_AHEAD_SECONDS:
        raise EvidenceUnavailableError(
            "head_in_future",
            f"chain {chain.chain_id}: the last final block is {-age} s ahead of this clock",
        )


def _witnesses(nodes: Iterable[RpcNode]) -> set[str]:
    return {node.endpoint.witness for node in nodes}
