"""Nodes that are dead, slow, stale, wrong or lying, over real connections."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.support.rpc_node import (
    NOW,
    OPERATOR,
    Generation,
    RpcNodeDouble,
    profile_document,
    time_of,
)
from tests.support.rpc_server import serve, unused_url
from verifier.chain import quorum, rpc
from verifier.chain.profile import parse_profile
from verifier.chain.source import RpcTrustSource
from verifier.core.errors import EvidenceUnavailableError

ROOT = hashlib.sha256(b"root").digest()
PATIENCE = 1.0  # seconds for one call in these tests


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "CALL_SECONDS", PATIENCE)
    monkeypatch.setattr(rpc, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(quorum, "GRACE_SECONDS", 0.2)


def honest() -> RpcNodeDouble:
    anchors: dict[tuple[bytes, int], Any] = {(ROOT, 7): (OPERATOR, time_of(50), 50, 7, 1, ROOT)}
    return RpcNodeDouble([Generation(anchors=anchors)])


def lying() -> RpcNodeDouble:
    anchors: dict[tuple[bytes, int], Any] = {(ROOT, 7): (OPERATOR, 1, 1, 7, 1, ROOT)}
    return RpcNodeDouble([Generation(anchors=anchors)])


def empty(_: list[Any]) -> str:
    return "0x"


FAULTS: dict[str, tuple[RpcNodeDouble, str, str]] = {
    "500": (honest(), "500", "chain_unreachable"),
    "429": (honest(), "429", "chain_unreachable"),
    "redirect": (honest(), "redirect", "chain_unreachable"),
    "silent": (honest(), "silent", "chain_unreachable"),
    "dripping headers": (honest(), "dripping headers", "chain_unreachable"),
    "dripping body": (honest(), "dripping body", "chain_unreachable"),
    "truncated": (honest(), "truncated", "chain_unreachable"),
    "drops": (honest(), "drops", "chain_unreachable"),
    "huge": (honest(), "huge", "chain_unreachable"),
    "endless": (honest(), "endless", "chain_unreachable"),
    "empty answers": (
        RpcNodeDouble(honest().generations, says={"eth_call": empty}),
        "",
        "chain_fault",
    ),
    "no contract": (RpcNodeDouble([]), "", "chain_fault"),
    "wrong chain": (RpcNodeDouble(chain_id=5), "", "chain_mismatch"),
    "stale": (RpcNodeDouble(head=40), "", "head_too_old"),
}


@contextmanager
def source(*nodes: tuple[RpcNodeDouble, str] | str, quorum: int) -> Iterator[RpcTrustSource]:
    """Open a source over served nodes, or over URLs."""
    with ExitStack() as stack:
        urls = {
            f"operator {number}": node
            if isinstance(node, str)
            else stack.enter_context(serve(*node))
            for number, node in enumerate(nodes)
        }
        document = profile_document(urls, quorum=quorum, max_head_age_seconds=30)
        profile = parse_profile(json.dumps(document).encode())
        yield stack.enter_context(RpcTrustSource(profile, now=NOW))


@pytest.mark.parametrize(("node", "fault", "problem"), FAULTS.values(), ids=FAULTS)
class TestOneFaultyNode:
    def test_alone_it_makes_the_answer_unavailable_in_time(
        self, node: RpcNodeDouble, fault: str, problem: str
    ) -> None:
        begun = time.monotonic()
        with source((node, fault), quorum=1) as trust:
            with pytest.raises(EvidenceUnavailableError) as caught:
                trust.find_anchor(ROOT, 7)
            with pytest.raises(EvidenceUnavailableError):
                trust.find_body(bytes(32))
        assert caught.value.reason == problem
        assert time.monotonic() - begun < 5 * PATIENCE

    def test_beside_two_good_ones_it_changes_nothing(
        self, node: RpcNodeDouble, fault: str, problem: str
    ) -> None:
        del problem
        with source((honest(), ""), (node, fault), (honest(), ""), quorum=2) as trust:
            anchor = trust.find_anchor(ROOT, 7)
        assert anchor is not None
        assert anchor.time == time_of(50)

    def test_beside_one_good_one_there_is_no_answer(
        self, node: RpcNodeDouble, fault: str, problem: str
    ) -> None:
        with (
            source((honest(), ""), (node, fault), quorum=2) as trust,
            pytest.raises(EvidenceUnavailableError) as caught,
        ):
            trust.find_anchor(ROOT, 7)
        assert caught.value.reason == problem


def test_nobody_listens() -> None:
    with (
        source(unused_url(), quorum=1) as trust,
        pytest.raises(EvidenceUnavailableError) as caught,
    ):
        trust.head()
    assert caught.value.reason == "chain_unreachable"


def test_a_liar_is_never_believed_alone() -> None:
    for nodes in ([lying(), honest()], [honest(), lying()]):
        with (
            source(*((node, "") for node in nodes), quorum=2) as trust,
            pytest.raises(EvidenceUnavailableError) as caught,
        ):
            trust.find_anchor(ROOT, 7)
        assert caught.value.reason == "chain_disagrees"


def test_a_silent_node_costs_one_time_out_only() -> None:
    begun = time.monotonic()
    with source((honest(), ""), (honest(), "silent"), (honest(), ""), quorum=2) as trust:
        for _ in range(10):
            trust.find_anchor(ROOT, 7)
    assert time.monotonic() - begun < 2 * PATIENCE


def test_a_slow_node_does_not_hold_up_a_quorum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "CALL_SECONDS", 60)
    monkeypatch.setattr(quorum, "GRACE_SECONDS", 0.2)
    begun = time.monotonic()
    with source((honest(), ""), (honest(), "silent"), (honest(), ""), quorum=2) as trust:
        assert trust.find_anchor(ROOT, 7) is not None
    assert time.monotonic() - begun < 10
