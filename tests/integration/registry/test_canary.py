"""A canary goes the way of every certificate and says how long that takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from registry.bodies.errors import BodyNotFoundError
from registry.canary import Canary, CanaryLateError, Flight, prometheus_text
from registry.certificates.issuing import Issuer
from registry.certificates.models import CertificateRow
from tests.support.evidence_builders import InMemoryTrustSource, trust_profile
from tests.support.registry_world import LI, WANG, World, samples
from verifier.checks.facts import RevocationReason, StatusEvent, StatusFacts
from verifier.checks.verdict import Overall
from verifier.core.errors import EvidenceUnavailableError

LAB = samples()["bodies"][0]["id"]


@dataclass
class Air:
    """The time that passes while a canary is under way, and what happens in it."""

    world: World
    seconds: float = 0.0
    events: dict[int, Callable[[], object]] = field(default_factory=dict)
    looks: int = 0

    def pause(self, seconds: float) -> None:
        self.seconds += seconds
        self.looks += 1
        self.events.get(self.looks, lambda: None)()

    def canary(self, **parts: Any) -> Canary:
        given: dict[str, Any] = {
            "database": self.world.database,
            "trees": self.world.trees,
            "open_issuer": self._open_issuer,
            "profile": trust_profile(),
            "open_source": lambda: nullcontext(self.world.trust_source()),
            "clock": self.world.clock,
            "monotonic": lambda: self.seconds,
            "pause": self.pause,
        }
        return Canary(**given | parts)

    @contextmanager
    def _open_issuer(self) -> Any:
        issuer: Issuer = self.world.issuer()
        yield issuer

    def fly(self, **parts: Any) -> Flight:
        return self.canary(**parts).fly(LAB, maker=LI, approver=WANG, patience=30)


@pytest.fixture
def air(world: World) -> Air:
    return Air(world)


def test_says_how_long_it_took_and_that_it_is_genuine(air: Air) -> None:
    air.events[3] = air.world.anchor
    flight = air.fly()

    assert flight.is_genuine
    assert flight.line is None
    assert flight.number.startswith("CANARY-")
    assert (flight.signed_seconds, flight.final_seconds) == (0.0, 6.0)


def test_is_marked_and_claims_nothing(air: Air) -> None:
    air.events[1] = air.world.anchor
    number = air.fly().number
    with air.world.database.read() as session:
        statement = select(CertificateRow.demonstration).where(CertificateRow.number == number)
        assert session.scalars(statement).all() == [True]


def test_is_late_when_nobody_anchors(air: Air) -> None:
    with pytest.raises(CanaryLateError, match="30 s"):
        air.fly()
    assert air.seconds == 32.0


def test_a_dead_chain_is_waited_out(air: Air) -> None:
    dead = True

    def source() -> AbstractContextManager[InMemoryTrustSource]:
        if dead:
            raise EvidenceUnavailableError("chain_unreachable", "no answer")
        return nullcontext(air.world.trust_source())

    def revive() -> None:
        nonlocal dead
        dead = False

    air.events |= {1: air.world.anchor, 4: revive}
    flight = air.fly(open_source=source)
    assert flight.is_genuine
    assert flight.final_seconds == 8.0


def test_a_verdict_that_is_wrong_is_told_with_its_line(air: Air) -> None:
    class Revoking(InMemoryTrustSource):
        def status(self, *_: object, **__: object) -> StatusFacts:
            event = StatusEvent(
                kind="revoked", reason=RevocationReason.ERROR, by_party=False, block=1, time=1
            )
            return StatusFacts(
                revoked=True, suspended_by_body=False, suspended_by_party=False, events=(event,)
            )

    def source() -> AbstractContextManager[InMemoryTrustSource]:
        honest = air.world.trust_source()
        lying = Revoking(honest.head())
        lying.bodies, lying.keys, lying.anchors = honest.bodies, honest.keys, honest.anchors
        return nullcontext(lying)

    air.events[1] = air.world.anchor
    flight = air.fly(open_source=source)
    assert flight.overall is Overall.NOT_VALID
    assert flight.line == ("not_revoked", "revoked")


def test_an_unknown_body_is_named_before_anything_is_stored(air: Air) -> None:
    with pytest.raises(BodyNotFoundError, match="nobody"):
        air.canary().fly("nobody", maker=LI, approver=WANG, patience=1)


class TestFigures:
    AT = datetime(2026, 11, 21, 8, tzinfo=UTC)

    def test_of_a_canary_that_arrived(self) -> None:
        flight = Flight(
            number="CANARY-1",
            signed_seconds=0.25,
            final_seconds=12.0,
            block=7,
            overall=Overall.VALID_WITH_NOTES,
            line=None,
        )
        lines = prometheus_text(flight, at=self.AT).splitlines()
        assert "lancang_canary_genuine 1" in lines
        assert "lancang_canary_final_seconds 12.000" in lines
        assert f"lancang_canary_timestamp_seconds {int(self.AT.timestamp())}" in lines

    def test_of_one_that_did_not(self) -> None:
        text = prometheus_text(None, at=self.AT)
        assert "lancang_canary_genuine 0\n" in text
        assert "final_seconds" not in text
