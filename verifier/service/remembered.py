"""Asking once for what many documents have in common."""

from __future__ import annotations

from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    Head,
    KeyFacts,
    StatusFacts,
    TrustSource,
)


class RememberedSource:
    """A `TrustSource` that asks another one only once for every body, key and anchor.

    A thousand certificates of one laboratory in one batch share all three. The status belongs to
    each of them alone and is asked for every time. What could not be had is asked for again.

    Args:
        source: Answers from one final state, so that an answer stays true while it is kept.
    """

    def __init__(self, source: TrustSource) -> None:
        self._source = source
        self._head: Head | None = None
        self._bodies: dict[bytes, BodyFacts | None] = {}
        self._keys: dict[tuple[bytes, bytes], KeyFacts | None] = {}
        self._anchors: dict[tuple[bytes, int], AnchorFacts | None] = {}

    def head(self) -> Head:
        """See `TrustSource`."""
        if self._head is None:
            self._head = self._source.head()
        return self._head

    def find_body(self, body_id: bytes) -> BodyFacts | None:
        """See `TrustSource`."""
        if body_id not in self._bodies:
            self._bodies[body_id] = self._source.find_body(body_id)
        return self._bodies[body_id]

    def find_key(self, body_id: bytes, thumbprint: bytes) -> KeyFacts | None:
        """See `TrustSource`."""
        place = (body_id, thumbprint)
        if place not in self._keys:
            self._keys[place] = self._source.find_key(body_id, thumbprint)
        return self._keys[place]

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """See `TrustSource`."""
        place = (root, size)
        if place not in self._anchors:
            self._anchors[place] = self._source.find_anchor(root, size)
        return self._anchors[place]

    def status(self, body_id: bytes, *, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """See `TrustSource`."""
        return self._source.status(body_id, list_number=list_number, index=index, leaf=leaf)
