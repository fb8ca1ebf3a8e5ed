"""A `TrustSource` that answers from a bundle, without a network.

A bundle knows everything up to its block and nothing after it. So what is not in it is not "no": it
may have come later. Only what the bundle does say is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain as joined
from typing import TypeVar

from verifier.bundle.place import Place
from verifier.bundle.records import Bundle
from verifier.chain.succession import earliest_anchor, one_body, one_key
from verifier.checks.evidence import BUNDLE_LIMIT_SECONDS
from verifier.checks.facts import (
    NOT_IN_BUNDLE,
    AnchorFacts,
    BodyFacts,
    Head,
    KeyFacts,
    StatusFacts,
)
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.receipt import HeadProof

Fact = TypeVar("Fact")


class BundleTrustSource:
    """Answers from one bundle; implements `TrustBundle`.

    Args:
        bundle: Accepted under the checker's profile.
        now: The checker's clock, Unix seconds. A bundle that is too old for it, or newer than it,
            answers nothing.
    """

    def __init__(self, bundle: Bundle, *, now: int) -> None:
        self._bundle = bundle
        self._now = now
        self._places = [
            Place(chain, generation)
            for chain in bundle.chains
            for generation in reversed(chain.generations)
        ]

    @property
    def block(self) -> Head:
        """The block that the bundle is about, whatever its age."""
        home = self._bundle.home
        return Head(
            chain_id=home.chain_id, block=home.block, block_hash=home.block_hash, time=home.time
        )

    def head(self) -> Head:
        """See `TrustSource`."""
        self._check_age()
        return self.block

    def find_body(self, body_id: bytes) -> BodyFacts | None:
        """See `TrustSource`. A body that is not in the bundle may have been registered since."""
        self._check_age()
        found = ((place, place.find_body(body_id)) for place in self._places)
        return _found(one_body([place.said(body) for place, body in found if body is not None]))

    def find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        """See `TrustSource`. A key that is not in the bundle may have been registered since."""
        self._check_age()
        found = ((place, place.find_key(body_id, thumbprint)) for place in self._places)
        return _found(one_key([place.said(key) for place, key in found if key is not None]))

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """See `TrustSource`. A root that is not in the bundle may have been anchored since."""
        self._check_age()
        found = (place.find_anchor(root, size) for place in self._places)
        return _found(earliest_anchor([anchor for anchor in found if anchor is not None]))

    def status(self, body_id: bytes, *, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """See `TrustSource`. The events are always there, so every past moment has its answer."""
        self._check_age()
        if not any(body_id in place.bodies for place in self._places):
            raise _not_covered("the body")
        said = [place.status(body_id, list_number, index, leaf) for place in self._places]
        events = joined.from_iterable(each.events for each in said)
        return StatusFacts(
            revoked=any(each.revoked for each in said),
            suspended_by_body=any(each.suspended_by_body for each in said),
            suspended_by_party=any(each.suspended_by_party for each in said),
            events=tuple(sorted(events, key=lambda event: (event.time, event.block))),
        )

    def find_heads(self, head: bytes) -> tuple[HeadProof, ...]:
        """Return the way of a subtree's head to every root in the bundle that it belongs to."""
        return tuple(joined.from_iterable(place.find_heads(head) for place in self._places))

    def documents_of(self, body_id: bytes) -> Mapping[bytes, bytes]:
        """Return the scope documents that any generation names for a body, by SHA-256."""
        bodies = (place.find_body(body_id) for place in self._places)
        return {
            scope.document_hash: self._bundle.documents[scope.document_hash]
            for body in bodies
            if body is not None
            for scope in body.scopes
        }

    def _check_age(self) -> None:
        age = self._now - self._bundle.home.time
        if age < 0:
            message = f"the clock is {-age} s behind the block of the bundle"
            raise EvidenceUnavailableError("bundle_ahead_of_clock", message)
        if age > BUNDLE_LIMIT_SECONDS:
            raise EvidenceUnavailableError("bundle_too_old", f"the bundle is {age} s old")


def _found(fact: Fact | None) -> Fact:
    if fact is None:
        raise _not_covered("it")
    return fact


def _not_covered(what: str) -> EvidenceUnavailableError:
    return EvidenceUnavailableError(NOT_IN_BUNDLE, f"{what} is not in the bundle")
