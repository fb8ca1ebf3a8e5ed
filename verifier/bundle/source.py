"""A `TrustSource` that answers from a bundle, without a network.

A bundle knows everything up to its block and nothing after it. So what is not in it is not "no": it
may have come later. Only what the bundle does say is an answer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import chain as joined
from typing import TypeVar

from verifier.bundle.records import BodyRecord, Bundle, ChainRecord, GenerationRecord, KeyRecord
from verifier.bundle.rows import (
    WORD_BITS,
    AnchorRow,
    EventRow,
    LeafRow,
    WordRow,
    leaf_prefix,
    word_prefix,
)
from verifier.chain.records import read_key
from verifier.chain.succession import Said, earliest_anchor, one_body, one_key
from verifier.checks.evidence import BUNDLE_LIMIT_SECONDS
from verifier.checks.facts import (
    NOT_IN_BUNDLE,
    AnchorFacts,
    BodyFacts,
    BodyKind,
    BodyState,
    BodyStatusFact,
    Head,
    KeyFacts,
    ScopeFact,
    StatusEvent,
    StatusFacts,
)
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import body_id
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import Tree, subtree_count, subtree_leaves
from verifier.core.receipt import HeadProof

Fact = TypeVar("Fact")


class _Place:
    """One generation of contracts in a bundle, with what finds things in it."""

    def __init__(self, chain: ChainRecord, record: GenerationRecord) -> None:
        self.chain = chain
        self.record = record

    @cached_property
    def bodies(self) -> dict[bytes, int]:
        """Number of every body by its id."""
        registry = self.record.registry
        return {
            body_id(registry.parties[body.party].party, body.did): number
            for number, body in enumerate(registry.bodies)
        }

    @cached_property
    def trees(self) -> tuple[list[int], list[AnchorRow]]:
        """Where the heads of each tree begin, in bytes, with the anchors of those trees."""
        starts: list[int] = []
        anchors: list[AnchorRow] = []
        at = 0
        for row in self.record.ledger.anchors:
            anchor = AnchorRow.unpack(row)
            known = anchors and (anchors[-1].root, anchors[-1].size) == (anchor.root, anchor.size)
            if anchor.size <= SUBTREE_LEAVES or known:
                continue
            starts.append(at)
            anchors.append(anchor)
            at += subtree_count(anchor.size) * DIGEST_BYTES
        return starts, anchors

    def covers(self, block: int) -> bool:
        """Tell whether the generation speaks for a block."""
        until = self.record.until_block
        return self.record.from_block <= block and (until is None or block < until)

    def said(self, fact: Fact) -> Said[Fact]:
        """Return a fact with the time until which this generation could state it."""
        return Said(fact, self.record.retired_at)

    def find_body(self, wanted: bytes) -> BodyFacts | None:
        """Return a body as this generation has it."""
        number = self.bodies.get(wanted)
        if number is None:
            return None
        registry = self.record.registry
        body = registry.bodies[number]
        party = registry.parties[body.party]
        return BodyFacts(
            body_id=wanted,
            party=party.party,
            country=party.country,
            party_removed_at=party.removed_at,
            did=body.did,
            kind=BodyKind(body.kind),
            registered_at=body.registered_at,
            statuses=tuple(
                BodyStatusFact(
                    state=BodyState(each.state),
                    effective_from=each.effective_from,
                    recorded_at=each.recorded_at,
                )
                for each in body.statuses
            ),
            scopes=tuple(
                ScopeFact(
                    document_hash=each.document_hash,
                    effective_from=each.effective_from,
                    effective_until=each.effective_until,
                    recorded_at=each.recorded_at,
                )
                for each in body.scopes
            ),
        )

    def find_key(self, body: bytes, thumbprint: bytes) -> KeyFacts | None:
        """Return a key as this generation has it.

        Raises:
            EvidenceUnavailableError: As `verifier.chain.records.read_key`.
        """
        number = self.bodies.get(body)
        if number is None:
            return None
        key = _key_of(self.record.registry.bodies[number], thumbprint)
        return None if key is None else read_key(thumbprint, _as_on_chain(key))

    def find_anchor(self, root: bytes, size: int) -> AnchorFacts | None:
        """Return the earliest anchor of a tree in this generation's blocks."""
        ledger = self.record.ledger
        for row in ledger.anchors.starting_with(AnchorRow.prefix(root, size)):
            anchor = AnchorRow.unpack(row)
            if not self.covers(anchor.block):
                return None
            return AnchorFacts(
                chain_id=self.chain.chain_id,
                contract=ledger.address,
                operator=self.record.registry.operators[anchor.operator].address,
                root=root,
                size=size,
                block=anchor.block,
                time=anchor.time,
            )
        return None

    def status(self, body: bytes, list_number: int, index: int, leaf: bytes) -> StatusFacts:
        """Return the status of an entry and of a leaf as this generation has it."""
        number = self.bodies.get(body)
        if number is None:
            return _status_of(WordRow(body=0, list_number=0, word=0), 0, ())
        ledger = self.record.ledger
        word_number, bit = divmod(index, WORD_BITS)
        prefix = word_prefix(number, list_number, word_number)
        clear = WordRow(body=number, list_number=list_number, word=word_number)
        word = next(map(WordRow.unpack, ledger.words.starting_with(prefix)), clear)
        changes = map(EventRow.unpack, ledger.events.starting_with(prefix))
        revocations = ledger.leaves.starting_with(leaf_prefix(number, leaf))
        ordered = sorted(
            [
                *(
                    (change.block, change.position, change.event())
                    for change in changes
                    if change.mask >> bit & 1
                ),
                *(
                    (revoked.block, revoked.position, revoked.event())
                    for revoked in map(LeafRow.unpack, revocations)
                ),
            ],
            key=lambda entry: entry[:2],
        )
        return _status_of(word, bit, tuple(event for _, _, event in ordered))

    def find_heads(self, head: bytes) -> Iterator[HeadProof]:
        """Yield the way of a subtree's head to every anchored root that it belongs to."""
        for row in self.record.ledger.anchors.starting_with(head):
            size = AnchorRow.unpack(row).size  # a tree of one subtree: the head is its root
            if size <= SUBTREE_LEAVES:
                yield HeadProof(head=head, leaves=size, subtree=0, size=size, path=())
        heads, at = self.record.ledger.heads, -1
        while (at := heads.find(head, at + 1)) >= 0:
            if at % DIGEST_BYTES == 0:
                yield self._way(head, at)

    def _way(self, head: bytes, at: int) -> HeadProof:
        starts, anchors = self.trees
        number = bisect_right(starts, at) - 1
        start, size = starts[number], anchors[number].size
        subtree = (at - start) // DIGEST_BYTES
        end = start + subtree_count(size) * DIGEST_BYTES
        tree = _tree_over(self.record.ledger.heads[start:end])
        return HeadProof(
            head=head,
            leaves=subtree_leaves(subtree, size=size),
            subtree=subtree,
            size=size,
            path=tree.proof(subtree).path,
        )


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
            _Place(chain, generation)
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


@lru_cache(maxsize=16)  # many codes of one batch; such a tree has 64 KiB at most
def _tree_over(heads: bytes) -> Tree:
    return Tree.build(heads)


def _found(fact: Fact | None) -> Fact:
    if fact is None:
        raise _not_covered("it")
    return fact


def _not_covered(what: str) -> EvidenceUnavailableError:
    return EvidenceUnavailableError(NOT_IN_BUNDLE, f"{what} is not in the bundle")


def _key_of(body: BodyRecord, thumbprint: bytes) -> KeyRecord | None:
    return next((key for key in body.keys if key.thumbprint == thumbprint), None)


def _as_on_chain(key: KeyRecord) -> dict[str, object]:
    """Return a key as `keyOf` answers it: 0 for none."""
    return {
        "algorithm": key.algorithm,
        "purpose": key.purpose,
        "registeredAt": key.registered_at,
        "signUntil": key.sign_until or 0,
        "anchorUntil": key.anchor_until or 0,
        "revokedAt": key.revoked_at or 0,
        "revocationRecordedAt": key.revocation_recorded_at or 0,
        "compromisedSince": key.compromised_since or 0,
        "publicKey": key.public_key,
    }


def _status_of(word: WordRow, bit: int, events: tuple[StatusEvent, ...]) -> StatusFacts:
    by_leaf = any(event.kind == "revoked" for event in events)
    return StatusFacts(
        revoked=bool(word.revoked >> bit & 1) or by_leaf,
        suspended_by_body=bool(word.by_body >> bit & 1),
        suspended_by_party=bool(word.by_party >> bit & 1),
        events=events,
    )
