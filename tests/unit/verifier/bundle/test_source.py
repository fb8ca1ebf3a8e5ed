"""What a bundle answers, and what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.bundles import bundle_of
from tests.support.evidence_builders import (
    ANCHORED,
    DAY,
    NOW,
    STATUS,
    World,
    body_of,
    durian,
)
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.records import Bundle, GenerationRecord
from verifier.bundle.rows import LEAF_BYTES
from verifier.bundle.source import BundleTrustSource
from verifier.bundle.table import Table
from verifier.checks.facts import StatusEvent, TrustSource
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import Tree, root_from_subtree

BODY = body_of(durian())
LEAF = b"\x07" * 32
REVOKED = StatusEvent(kind="revoked", reason=4, by_party=False, block=160, time=NOW - 8000)
SUSPENDED = StatusEvent(kind="suspended", reason=7, by_party=True, block=150, time=NOW - 9000)


def source_of(bundle: Bundle, *, now: int = NOW) -> BundleTrustSource:
    return BundleTrustSource(decode_content(encode_content(bundle)), now=now)


def reason(question: Callable[[], object]) -> str:
    with pytest.raises(EvidenceUnavailableError) as caught:
        question()
    return caught.value.reason


def status_of(source: TrustSource, index: int = STATUS.index, leaf: bytes = LEAF) -> object:
    return source.status(BODY, list_number=STATUS.list_number, index=index, leaf=leaf)


class TestAnswers:
    def test_are_those_of_the_chain(self) -> None:
        world = World()
        world.issue(durian())
        world.set_status(BODY, revoked=True, suspended_by_party=True, events=(SUSPENDED, REVOKED))
        source = source_of(bundle_of(world))

        assert source.head() == world.source.head() == source.block
        for body in world.source.bodies:
            assert source.find_body(body) == world.source.find_body(body)
        for (body, thumbprint), key in world.source.keys.items():
            assert source.find_key(body, thumbprint) == key
        for anchor in world.source.anchors.values():
            assert source.find_anchor(anchor.root, anchor.size) == anchor
        assert status_of(source) == status_of(world.source)
        for index in (0, STATUS.index - 1, STATUS.index + 1, STATUS.index ^ 256):
            assert status_of(source, index) == status_of(world.source, index)

    def test_a_revoked_leaf_is_revoked_whatever_its_index(self) -> None:
        bundle = bundle_of(World())
        generation = bundle.home.generations[0]
        row = (0).to_bytes(4) + LEAF + (9).to_bytes(8) + bytes(4) + (NOW - 5).to_bytes(8) + b"\x03"
        ledger = replace(generation.ledger, leaves=Table.of([row], LEAF_BYTES))
        numbers = list(World().source.bodies)
        source = source_of(_with(bundle, replace(generation, ledger=ledger)))

        revoked = source.status(numbers[0], list_number=9, index=9, leaf=LEAF)
        assert revoked.revoked
        assert [(event.reason, event.time) for event in revoked.events] == [(3, NOW - 5)]
        assert not source.status(numbers[0], list_number=9, index=9, leaf=bytes(32)).revoked
        assert not source.status(numbers[1], list_number=9, index=9, leaf=LEAF).revoked

    def test_documents_are_those_of_the_body(self) -> None:
        world = World()
        source = source_of(bundle_of(world))

        for body in world.source.bodies:
            assert source.documents_of(body) == world.documents_of(body)
        assert source.documents_of(bytes(32)) == {}

    @pytest.mark.parametrize("size", [1, 2, 1023, 1024, 1025, 2048, 2500, 5000])
    def test_every_head_leads_to_its_root(self, size: int) -> None:
        world = World()
        leaves = [leaf_digest(number.to_bytes(4)) for number in range(size)]
        _, _, tree = world.anchor(leaves, at=ANCHORED)
        other, _, _ = world.anchor(leaves[:1500], at=ANCHORED + 1)
        assert other
        heads = {
            each.root: b"".join(each.subtree_heads())
            for each in (tree, Tree.build(leaves[:1500]))
            if each.size > 1024
        }
        source = source_of(bundle_of(world, heads=heads))

        for number, head in enumerate(tree.subtree_heads()):
            ways = [way for way in source.find_heads(head) if way.size == size]
            assert [(way.subtree, way.path) for way in ways] == [(number, tree.head_proof(number))]
            way = ways[0]
            root = root_from_subtree(head, subtree=way.subtree, size=size, path=way.path)
            assert source.find_anchor(root, size) is not None
        assert source.find_heads(bytes(32)) == ()
        joined = b"".join(tree.subtree_heads())
        assert source.find_heads(joined[16:48]) == (), "halves of two heads are none"


def _with(bundle: Bundle, *generations: GenerationRecord) -> Bundle:
    return replace(bundle, chains=(replace(bundle.home, generations=generations),))


class TestWhatItDoesNotKnow:
    def test_is_never_no(self) -> None:
        world = World()
        world.issue(durian())
        source = source_of(bundle_of(world))
        anchor = next(iter(world.source.anchors.values()))

        for question in (
            lambda: source.find_body(bytes(32)),
            lambda: source.find_key(BODY, bytes(32)),
            lambda: source.find_key(bytes(32), bytes(32)),
            lambda: source.find_anchor(bytes(32), 1),
            lambda: source.find_anchor(anchor.root, anchor.size + 1),
            lambda: source.status(bytes(32), list_number=0, index=0, leaf=LEAF),
        ):
            assert reason(question) == "not_in_bundle"

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (-1, "bundle_ahead_of_clock"),
            (0, None),
            (7 * DAY, None),
            (7 * DAY + 1, "bundle_too_old"),
        ],
    )
    def test_nothing_is_known_by_a_clock_that_does_not_fit(
        self, age: int, expected: str | None
    ) -> None:
        world = World()
        bundle = bundle_of(world)
        source = source_of(bundle, now=bundle.home.time + age)
        questions: list[Callable[[], object]] = [
            source.head,
            lambda: source.find_body(BODY),
            lambda: source.find_key(
                BODY, world.signers[BODY, next(iter(world.signers))[1]].thumbprint
            ),
            lambda: status_of(source),
        ]
        for question in questions:
            if expected is None:
                question()
            else:
                assert reason(question) == expected
        assert source.block.block == 200


def test_facts_are_looked_up_on_every_chain() -> None:
    world, there = World(), World()
    there.issue(durian())
    there.set_status(BODY, revoked=True, events=(REVOKED,))
    home, other = bundle_of(world), bundle_of(there, chain_id=2)
    both = replace(home, chains=(home.home, other.home))
    source = source_of(both)
    anchor = next(iter(there.source.anchors.values()))

    assert source.block == world.source.block
    assert source.find_anchor(anchor.root, anchor.size) == replace(anchor, chain_id=2)
    assert source.status(
        BODY, list_number=STATUS.list_number, index=STATUS.index, leaf=LEAF
    ).revoked


class TestGenerations:
    """A retired generation of contracts can add nothing; what it held against somebody counts."""

    def test_facts_of_both_are_put_together(self) -> None:
        world = World()
        world.issue(durian())
        world.set_status(BODY, revoked=True, events=(REVOKED,))
        old = bundle_of(world).home.generations[0]
        retired = replace(old, until_block=180, retired_at=NOW - 600)
        young_world = World()
        young = bundle_of(young_world).home.generations[0]
        young = replace(
            young,
            from_block=180,
            registry=replace(young.registry, address="0x" + "44" * 20),
            ledger=replace(young.ledger, address="0x" + "55" * 20),
        )
        source = source_of(_with(bundle_of(world), retired, young))
        anchor = next(iter(world.source.anchors.values()))

        assert source.find_anchor(anchor.root, anchor.size) == anchor
        status = source.status(BODY, list_number=STATUS.list_number, index=STATUS.index, leaf=LEAF)
        assert (status.revoked, status.events) == (True, (REVOKED,))

    def test_an_anchor_in_a_block_of_the_next_generation_does_not_count(self) -> None:
        world = World()
        world.issue(durian())
        generation = bundle_of(world).home.generations[0]
        retired = replace(generation, until_block=100, retired_at=NOW - 3 * DAY)
        source = source_of(_with(bundle_of(world), retired))
        anchor = next(iter(world.source.anchors.values()))

        assert anchor.block == 100
        assert reason(lambda: source.find_anchor(anchor.root, anchor.size)) == "not_in_bundle"
