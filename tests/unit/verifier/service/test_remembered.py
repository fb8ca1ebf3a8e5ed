"""Asking once for what many documents have in common."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.support.evidence_builders import (
    InMemoryTrustSource,
    World,
    cement,
    durian,
    trust_profile,
)
from verifier.core.errors import EvidenceUnavailableError
from verifier.service import verify
from verifier.service.remembered import RememberedSource


class Counting:
    """Counts the questions that reach a source."""

    def __init__(self, source: InMemoryTrustSource) -> None:
        self.source = source
        self.asked: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self.source, name)


def test_many_documents_of_one_body_cost_one_question_each_for_body_and_key() -> None:
    world = World()
    evidence = [world.issue(durian()), world.issue(durian()), world.issue(cement())]
    counting = Counting(world.source)
    source = RememberedSource(counting)

    for each in evidence:
        report = verify(
            each.submission(),
            world.question(),
            profile=trust_profile(demonstration=True),
            source=source,
        )
        assert report.overall == "valid_with_notes"

    assert counting.asked["head"] == 1
    assert counting.asked["find_body"] == 2
    assert counting.asked["find_key"] == 2
    assert counting.asked["status"] == 3


def test_not_known_is_remembered_too() -> None:
    counting = Counting(World().source)
    source = RememberedSource(counting)

    assert source.find_body(bytes(32)) is source.find_body(bytes(32)) is None
    assert source.find_anchor(bytes(32), 1) is source.find_anchor(bytes(32), 1) is None
    assert counting.asked == {"find_body": 1, "find_anchor": 1}


def test_a_source_that_was_silent_is_asked_again() -> None:
    world = World()
    source = RememberedSource(world.source)
    world.source.silence = "chain_unreachable"
    with pytest.raises(EvidenceUnavailableError):
        source.head()

    world.source.silence = None

    assert source.head() == world.source.block
