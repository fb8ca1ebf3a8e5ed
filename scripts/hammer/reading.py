"""Readers: every round pins one final block and verifies every receipt as of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

from scripts.hammer.api import Api, TryAgainError
from scripts.hammer.memory import Memory, Place, Promise, WrongAnswerError
from verifier.chain.profile import Profile
from verifier.checks.facts import TrustSource
from verifier.core.encoding import b64u, unb64u
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.receipt import Receipt, parse_receipt
from verifier.core.sm2 import Sm2Verify
from verifier.service import Question, Submission, verify


@dataclass(frozen=True, slots=True)
class _Read:
    """A receipt of a promise."""

    promise: Promise
    receipt: bytes


@dataclass(slots=True, kw_only=True)
class Reader:
    """Checks everything that was acknowledged.

    Attributes:
        profile: The checker's trust profile.
        open_source: Opens the chain; all answers of one source are of one final block.
        open_api: Connects to the registry without a token.
        memory: What was acknowledged.
        threads: How many receipts are fetched at once.
        dice: Chooses which kept promises are looked at again.
        sm2: Verifies co-signatures; None where nothing on this machine can.
        again: How many kept promises are looked at again in a round.
    """

    profile: Profile
    open_source: Callable[[], AbstractContextManager[TrustSource]]
    open_api: Callable[[], Api]
    memory: Memory
    threads: int
    dice: random.Random
    sm2: Sm2Verify | None = None
    again: int = 200

    def round(self) -> int | None:
        """Look at every open promise and at some of the kept ones; return the common block.

        Returns:
            Height of the block, None when the chain did not answer: then nothing was judged.

        Raises:
            WrongAnswerError: The first wrong answer.
        """
        chosen = self._chosen()
        with self.open_source() as source:
            try:
                block = source.head().block
                for read in self._fetch(chosen):
                    self._judge(read, source, block)
            except EvidenceUnavailableError:
                return None
        return block

    def _chosen(self) -> list[Promise]:
        every = self.memory.all()
        unkept = [promise for promise in every if promise.final_after is None]
        kept = [promise for promise in every if promise.final_after is not None]
        return [*unkept, *self.dice.sample(kept, min(self.again, len(kept)))]

    def _fetch(self, promises: Sequence[Promise]) -> Iterator[_Read]:
        """Yield receipts; what cannot be read now is left for a later round."""
        with ThreadPoolExecutor(self.threads) as pool:
            shares = [promises[start :: self.threads] for start in range(self.threads)]
            for reads in pool.map(self._fetch_share, shares):
                yield from reads

    def _fetch_share(self, promises: Sequence[Promise]) -> list[_Read]:
        reads = []
        with self.open_api() as api:
            for promise in promises:
                try:
                    receipt = api.receipt(promise.leaf)
                except TryAgainError:
                    continue
                if receipt is None:
                    self.memory.note_missing(promise)
                else:
                    reads.append(_Read(promise, receipt))
        return reads

    def _judge(self, read: _Read, source: TrustSource, block: int) -> None:
        receipt = parse_receipt(read.receipt)
        own = _own_proof(read, receipt)
        anchors = [proof.anchor for proof in receipt.proofs]
        if own is None or any(anchor is None or anchor.block > block for anchor in anchors):
            self.memory.note_pending(read.promise)
            return
        report = verify(
            Submission(receipts=(read.receipt,)),
            Question(checked_at=int(time.time())),
            profile=self.profile,
            source=source,
            sm2=self.sm2,
        )
        self.memory.note_verdict(read.promise, own, report)


def _own_proof(read: _Read, receipt: Receipt) -> Place | None:
    """Return where the certificate's own leaf is said to be anchored."""
    if receipt.token is None:
        raise WrongAnswerError("lost", "a receipt without a token", id=read.promise.identifier)
    leaf = unb64u(read.promise.leaf, what="leaf")
    for proof in receipt.proofs:
        if proof.leaf == leaf and (anchor := proof.anchor) is not None:
            place = proof.inclusion
            return anchor.chain_id, anchor.contract, b64u(anchor.root), place.index
    return None
