"""From queue to published proof, on a chain that behaves."""

from __future__ import annotations

import pytest

from registry.anchoring.domain import BatchPolicy, Event, LeafKind, Waiting
from registry.anchoring.errors import LeafExistsError
from registry.anchoring.publisher import Advance
from registry.anchoring.queue import enqueue, queue_status
from registry.anchoring.records import Batch
from tests.support.anchoring import Installation
from verifier.core.hashing import leaf_digest
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import root_from_path, root_from_subtree


def test_one_batch_from_queue_to_published(home: Installation) -> None:
    leaves = home.queue(*(b"entry %d" % i for i in range(5)))
    seen: list[Batch | Advance] = []

    with home.worker(seen.append) as worker:
        assert worker.round(flush=True).waiting == {1: Waiting.PENDING}
        pending = home.proof(leaves[0])
        assert pending is not None
        assert pending.anchor is None  # sealed: an offline code can be printed, marked as pending
        home.chain.mine()
        assert worker.round().waiting == {1: Waiting.NOT_FINAL}
        home.chain.mine(2)
        assert worker.round().unfinished == 0

    home.assert_anchored_once(leaves)
    assert isinstance(seen[0], Batch)
    assert home.events_of(1) == [
        Event.SEAL,
        Event.STORE,
        Event.SIGN,
        Event.SEND,
        Event.MINE,
        Event.FINALISE,
        Event.PUBLISH,
    ]
    proof = home.proof(leaves[3])
    assert proof is not None
    assert proof.anchor is not None
    assert proof.anchor.block == 1
    assert proof.anchor.transaction == home.attempts()[0].hash


def test_proof_leads_over_the_subtree_head_to_the_root(home: Installation) -> None:
    leaves = home.queue(*(b"entry %d" % i for i in range(SUBTREE_LEAVES + 3)))
    home.finish()

    proof = home.proof(leaves[SUBTREE_LEAVES + 1])
    assert proof is not None
    part = proof.subtree
    assert (part.subtree, part.index, part.leaves) == (1, 1, 3)
    head = root_from_path(proof.leaf, index=part.index, size=part.leaves, path=part.path)
    assert head == part.head
    assert proof.root == root_from_subtree(
        head, subtree=part.subtree, size=proof.size, path=part.head_path
    )


def test_the_queue_is_closed_by_size_and_by_age(home: Installation) -> None:
    home.policy = BatchPolicy(max_leaves=3, max_age=60)
    home.queue(*(b"entry %d" % i for i in range(7)))

    with home.worker() as worker:
        worker.round()
        assert [size for _, _, size in home.batches()] == [3, 3]
        home.pass_time(60)
        worker.round()
        assert [size for _, _, size in home.batches()] == [3, 3, 1]


def test_leaves_keep_the_order_of_the_queue(home: Installation) -> None:
    leaves = home.queue(*(b"entry %d" % i for i in range(20)))
    home.finish()
    proofs = [home.proof(leaf) for leaf in leaves]
    assert [proof.index for proof in proofs if proof is not None] == list(range(20))


def test_batches_in_flight_take_consecutive_nonces(home: Installation) -> None:
    home.policy = BatchPolicy(max_leaves=1)
    leaves = home.queue(b"one", b"two", b"three")
    with home.worker() as worker:
        worker.round()
        assert [attempt.nonce for attempt in home.attempts()] == [0, 1, 2]
    home.finish()
    home.assert_anchored_once(leaves)


def test_unknown_and_queued_leaves_have_no_proof(home: Installation) -> None:
    leaves = home.queue(b"one")
    assert home.proof(bytes(32)) is None
    assert home.proof(leaves[0]) is None


class TestQueue:
    def test_a_leaf_is_queued_once(self, home: Installation) -> None:
        home.queue(b"one")
        with pytest.raises(LeafExistsError):
            home.queue(b"one")

    def test_a_leaf_of_another_entry_is_refused(self, home: Installation) -> None:
        with home.database.begin() as session, pytest.raises(ValueError, match="not that of"):
            enqueue(
                session,
                bytes(32),
                kind=LeafKind.CERTIFICATE,
                entry=b"entry",
                certificate_id=None,
            )

    def test_nothing_is_queued_when_the_caller_fails(self, home: Installation) -> None:
        class LaterError(Exception):
            pass

        def sign_and_fail() -> None:
            with home.database.begin() as session:
                enqueue(
                    session,
                    leaf_digest(b"entry"),
                    kind=LeafKind.CERTIFICATE,
                    entry=b"entry",
                    certificate_id=None,
                )
                raise LaterError

        with pytest.raises(LaterError):
            sign_and_fail()
        home.queue(b"entry")

    def test_status_counts_what_waits(self, home: Installation) -> None:
        home.queue(b"one", b"two")
        with home.worker() as worker:
            worker.round(flush=True)
        home.pass_time(700)
        home.queue(b"three")

        with home.database.read() as session:
            status = queue_status(session, now=home.now)
        assert (status.queued, status.in_progress, status.delay.name) == (1, 2, "LATE")
        home.finish()
        with home.database.read() as session:
            status = queue_status(session, now=home.now)
        assert (status.queued, status.in_progress, status.oldest_at) == (0, 0, None)
