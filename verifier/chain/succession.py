"""One answer from several generations of contracts.

Contracts have no proxies; a new generation follows an old one, and certificates of the old one
live on. So a fact is looked up in every generation, the newest first. What was recorded in favour
of somebody counts only if its generation was in charge at that time, so that whoever controls a
retired contract can add nothing; what was recorded against somebody always counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from verifier.checks.facts import AnchorFacts, BodyFacts, BodyState, KeyFacts

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Said(Generic[Fact]):
    """A fact as one generation has it.

    Attributes:
        fact: The fact.
        retired_at: Block time at which the generation ceased to be in charge, None while it is.
    """

    fact: Fact
    retired_at: int | None

    def in_charge_at(self, moment: int) -> bool:
        """Tell whether the generation could record something at Unix time `moment`."""
        return self.retired_at is None or moment < self.retired_at


def one_body(said: Sequence[Said[BodyFacts]]) -> BodyFacts | None:
    """Return a body with its whole history.

    Args:
        said: What the generations know of it, newest first.
    """
    known = [entry for entry in said if entry.in_charge_at(entry.fact.registered_at)]
    if not known:
        return None
    oldest_first = known[::-1]
    return replace(
        known[0].fact,
        registered_at=min(entry.fact.registered_at for entry in known),
        statuses=tuple(
            status
            for entry in oldest_first
            for status in entry.fact.statuses
            if entry.in_charge_at(status.recorded_at) or status.state is not BodyState.ACTIVE
        ),
        scopes=tuple(
            scope
            for entry in oldest_first
            for scope in entry.fact.scopes
            if entry.in_charge_at(scope.recorded_at)
        ),
    )


def one_key(said: Sequence[Said[KeyFacts]]) -> KeyFacts | None:
    """Return a key as registered first, with every limit that any generation put on it.

    Args:
        said: What the generations know of it, newest first.
    """
    known = [entry.fact for entry in said if entry.in_charge_at(entry.fact.registered_at)]
    if not known:
        return None
    # The generation that reaches furthest back speaks for the revocation as a whole.
    revoked = min(
        (key for key in known if key.revoked_at is not None),
        key=lambda key: key.revoked_at or 0,
        default=known[0],
    )
    return replace(
        known[0],
        registered_at=min(key.registered_at for key in known),
        sign_until=_earliest([key.sign_until for key in known]),
        anchor_until=_earliest([key.anchor_until for key in known]),
        revoked_at=revoked.revoked_at,
        revocation_recorded_at=revoked.revocation_recorded_at,
        compromised_since=_earliest([key.compromised_since for key in known]),
    )


def earliest_anchor(anchors: Sequence[AnchorFacts]) -> AnchorFacts | None:
    """Return the anchor with the earliest time, the first of equals, None of none."""
    return min(anchors, key=lambda anchor: anchor.time, default=None)


def _earliest(moments: Sequence[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
