"""The content of a bundle: one encoding, and no reading of anything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bundles import bundle_of
from tests.support.evidence_builders import NOW, World, body_of, durian
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.records import Bundle, GenerationRecord
from verifier.bundle.rows import ANCHOR_BYTES, AnchorRow
from verifier.bundle.table import Table
from verifier.checks.facts import StatusEvent, StatusFacts
from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_ITEMS
from verifier.core.merkle import Tree
from verifier.core.strict_cbor import dump_cbor, parse_cbor


def full_world() -> World:
    """A world with everything that a bundle can hold."""
    world = World()
    world.issue(durian())
    body = body_of(durian())
    events = (
        StatusEvent(kind="suspended", reason=7, by_party=True, block=150, time=NOW - 9000),
        StatusEvent(kind="revoked", reason=4, by_party=False, block=160, time=NOW - 8000),
    )
    world.set_status(body, revoked=True, suspended_by_party=True, events=events)
    world.source.revoked_leaves[b"\x05" * 32] = StatusFacts(
        revoked=True, suspended_by_body=False, suspended_by_party=False, events=events[1:]
    )
    return world


BUNDLE = bundle_of(full_world())
DATA = encode_content(BUNDLE)


def generation_with(change: Callable[[GenerationRecord], GenerationRecord]) -> Bundle:
    chain = BUNDLE.home
    return replace(BUNDLE, chains=(replace(chain, generations=(change(chain.generations[0]),)),))


def test_what_was_written_is_read() -> None:
    assert decode_content(DATA) == BUNDLE
    assert encode_content(decode_content(DATA)) == DATA


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_says_something_else(at: int, flip: int) -> None:
    changed = DATA[:at] + bytes([DATA[at] ^ flip]) + DATA[at + 1 :]
    try:
        bundle = decode_content(changed)
    except MalformedEvidenceError:
        return
    assert bundle != BUNDLE
    assert encode_content(bundle) == changed


@given(st.integers(0, len(DATA) - 1))
def test_a_cut_off_bundle_is_refused(length: int) -> None:
    with pytest.raises(MalformedEvidenceError):
        decode_content(DATA[:length])


@given(st.binary(max_size=300))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidenceError):
        decode_content(data)


def test_more_than_the_limit_is_not_looked_at() -> None:
    with pytest.raises(LimitExceededError):
        decode_content(bytes(MAX_BUNDLE_BYTES + 1))


def test_more_items_than_the_limit_are_not_made() -> None:
    many = b"\x9a" + (MAX_BUNDLE_ITEMS + 1).to_bytes(4) + bytes(MAX_BUNDLE_ITEMS + 1)
    with pytest.raises(LimitExceededError):
        decode_content(many)


def edited(edit: Callable[[Any], None]) -> bytes:
    value = parse_cbor(DATA, what="bundle", max_bytes=len(DATA), max_depth=12)
    edit(value)
    return dump_cbor(value)


def registry_of(value: Any) -> Any:
    return value["chains"][0]["generations"][0]["trust_registry"]


def ledger_of(value: Any) -> Any:
    return value["chains"][0]["generations"][0]["certificate_ledger"]


def flagged(events: bytes) -> bytes:
    """Write the first "by the party" as 2 instead of 1."""
    return events[:33] + b"\x02" + events[34:]


def drop(parent: Any, place: int | str) -> None:
    del parent[place]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda v: v.update(bundle=2), "version"),
        (lambda v: v.update(more=1), "members"),
        (lambda v: v.update(chains=[]), "inconsistent"),
        (lambda v: v["chains"].append(v["chains"][0]), "inconsistent"),
        (lambda v: v["chains"][0].update(block=True), "type"),
        (lambda v: v["chains"][0].update(genesis=b"short"), "length"),
        (lambda v: v["documents"].reverse(), "order"),
        (lambda v: drop(v["documents"], 0), "inconsistent"),
        (lambda v: v["documents"].append(v["documents"][-1]), "order"),
        (lambda v: drop(registry_of(v)["parties"], 0), "inconsistent"),
        (lambda v: drop(registry_of(v)["bodies"], 0), "inconsistent"),
        (lambda v: drop(registry_of(v)["bodies"][0][6], 0), "inconsistent"),
        (lambda v: drop(registry_of(v)["operators"], 0), "inconsistent"),
        (lambda v: registry_of(v).update(counts=[0, 0, 0, 0]), "inconsistent"),
        (lambda v: registry_of(v)["bodies"][0].append(1), "members"),
        (lambda v: registry_of(v)["bodies"][0].__setitem__(0, 9), "inconsistent"),
        (lambda v: registry_of(v)["bodies"][0].__setitem__(1, "web.example"), "did"),
        (lambda v: registry_of(v)["bodies"][0].__setitem__(2, 9), "inconsistent"),
        (lambda v: registry_of(v)["parties"][0].__setitem__(1, "xx"), "inconsistent"),
        (lambda v: ledger_of(v).update(anchors=b""), "inconsistent"),
        (lambda v: ledger_of(v).update(events=b""), "inconsistent"),
        (lambda v: ledger_of(v).update(leaves=b""), "inconsistent"),
        (lambda v: ledger_of(v).update(words=b""), "inconsistent"),
        (lambda v: ledger_of(v).update(events=flagged(ledger_of(v)["events"])), "inconsistent"),
        (lambda v: ledger_of(v).update(words=b"x"), "length"),
        (lambda v: ledger_of(v).update(heads=bytes(32)), "inconsistent"),
    ],
)
def test_parts_that_are_wrong_or_left_out_are_refused(
    edit: Callable[[Any], None], reason: str
) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        decode_content(edited(edit))
    assert caught.value.reason == reason


def test_sections_of_a_later_builder_are_left_alone() -> None:
    def edit(value: Any) -> None:
        value["chains"][0]["generations"][0]["recognition_ledger"] = {"version": 1, "x": [1]}

    assert decode_content(edited(edit)) == BUNDLE


def with_anchors(*rows: AnchorRow, heads: bytes = b"") -> Bundle:
    table = Table.of((row.pack() for row in rows), ANCHOR_BYTES)
    return generation_with(
        lambda each: replace(each, ledger=replace(each.ledger, anchors=table, heads=heads))
    )


ANCHOR = AnchorRow(root=b"\x01" * 32, size=1025, ordinal=0, operator=0, block=9, time=NOW)


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param(with_anchors(ANCHOR), id="no heads"),
        pytest.param(with_anchors(ANCHOR, heads=bytes(96)), id="too many heads"),
        pytest.param(with_anchors(replace(ANCHOR, ordinal=1, size=1)), id="the first is missing"),
        pytest.param(
            with_anchors(replace(ANCHOR, size=1), replace(ANCHOR, size=2)), id="one place twice"
        ),
        pytest.param(with_anchors(replace(ANCHOR, operator=1, size=1)), id="no operator"),
        pytest.param(with_anchors(replace(ANCHOR, size=0)), id="no leaves"),
        pytest.param(with_anchors(replace(ANCHOR, size=2**20 + 1)), id="too many leaves"),
    ],
)
def test_anchors_that_cannot_be_are_refused(bundle: Bundle) -> None:
    with pytest.raises(MalformedEvidenceError) as caught:
        decode_content(encode_content(bundle))
    assert caught.value.reason == "inconsistent"


def test_heads_stand_once_for_a_tree_that_two_operators_anchored() -> None:
    tree = Tree.build(bytes([n % 256]) * 32 for n in range(1025))
    heads = b"".join(tree.subtree_heads())
    anchors = [replace(ANCHOR, root=tree.root, ordinal=number) for number in (0, 1)]
    bundle = with_anchors(*anchors, heads=heads)

    assert decode_content(encode_content(bundle)) == bundle
