"""One generation of contracts in a bundle, and how things are found in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import TypeVar

from verifier.bundle.records import BodyRecord, ChainRecord, GenerationRecord, KeyRecord
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
from verifier.chain.succession import Said
from verifier.checks.facts import (
    AnchorFacts,
    BodyFacts,
    BodyKind,
    BodyState,
    BodyStatusFact,
    KeyFacts,
    ScopeFact,
    StatusEvent,
    StatusFacts,
)
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.ids import body_id
from verifier.core.limits import SUBTREE_LEAVES
from verifier.core.merkle import Tree, subtree_count, subtree_leaves
from verifier.core.receipt import HeadProof

Fact = TypeVar("Fact")


class Place:
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


@lru_cache(maxsize=16)  # many codes of one batch; such a tree has 64 KiB at most
def _tree_over(heads: bytes) -> Tree:
    return Tree.build(heads)


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
