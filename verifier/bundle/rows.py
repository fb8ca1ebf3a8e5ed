"""The rows of a bundle's tables (docs/trust-bundle.md, section 1).

Integers are big-endian, so that rows sort by them. A body is named by its number, counted from 0,
in the order in which its registry lists bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from struct import Struct
from typing import Final, Self

from verifier.checks.facts import StatusEvent

_ANCHOR: Final = Struct(">32sIIIQQ")
_WORD: Final = Struct(">III32s32s32s")
_EVENT: Final = Struct(">IIIQIQBBB32s")
_LEAF: Final = Struct(">I32sQIQB")

ANCHOR_BYTES: Final = _ANCHOR.size
WORD_BYTES: Final = _WORD.size
EVENT_BYTES: Final = _EVENT.size
LEAF_BYTES: Final = _LEAF.size
WORD_BITS: Final = 256

KINDS: Final = {1: "revoked", 2: "suspended", 3: "resumed"}
_KIND_NUMBERS: Final = {name: number for number, name in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorRow:
    """An anchor: `ordinal` is its place in the ledger, `operator` its place in the registry."""

    root: bytes
    size: int
    ordinal: int
    operator: int
    block: int
    time: int

    @classmethod
    def unpack(cls, row: bytes) -> Self:
        """Return the anchor in a row."""
        root, size, ordinal, operator, block, time = _ANCHOR.unpack(row)
        return cls(root=root, size=size, ordinal=ordinal, operator=operator, block=block, time=time)

    def pack(self) -> bytes:
        """Return the row."""
        return _ANCHOR.pack(
            self.root, self.size, self.ordinal, self.operator, self.block, self.time
        )

    @staticmethod
    def prefix(root: bytes, size: int) -> bytes:
        """Return what the rows of a root over `size` leaves begin with, the earliest first."""
        return root + size.to_bytes(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRow:
    """Status bits of 256 entries of one list; a word whose bits are all clear has no row."""

    body: int
    list_number: int
    word: int
    revoked: int = 0
    by_body: int = 0
    by_party: int = 0

    @classmethod
    def unpack(cls, row: bytes) -> Self:
        """Return the word in a row."""
        body, list_number, word, *masks = _WORD.unpack(row)
        revoked, by_body, by_party = map(int.from_bytes, masks)
        return cls(
            body=body,
            list_number=list_number,
            word=word,
            revoked=revoked,
            by_body=by_body,
            by_party=by_party,
        )

    def pack(self) -> bytes:
        """Return the row."""
        masks = (mask.to_bytes(32) for mask in (self.revoked, self.by_body, self.by_party))
        return _WORD.pack(self.body, self.list_number, self.word, *masks)

    @property
    def is_clear(self) -> bool:
        """Whether no bit is set."""
        return not (self.revoked or self.by_body or self.by_party)

    def after(self, event: EventRow) -> WordRow:
        """Return the word as a change of status leaves it."""
        if event.kind == "revoked":
            return replace(self, revoked=self.revoked | event.mask)
        name = "by_party" if event.by_party else "by_body"
        before: int = getattr(self, name)
        suspends = event.kind == "suspended"
        return replace(self, **{name: before | event.mask if suspends else before & ~event.mask})


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A change of the status of up to 256 entries; `position` is its place in the block's log."""

    body: int
    list_number: int
    word: int
    block: int
    position: int
    time: int
    kind: str
    by_party: bool
    reason: int
    mask: int

    @classmethod
    def unpack(cls, row: bytes) -> Self:
        """Return the change in a row.

        Raises:
            KeyError: Its kind is unknown.
        """
        body, number, word, block, position, time, kind, by_party, reason, mask = _EVENT.unpack(row)
        return cls(
            body=body,
            list_number=number,
            word=word,
            block=block,
            position=position,
            time=time,
            kind=KINDS[kind],
            by_party=bool(by_party),
            reason=reason,
            mask=int.from_bytes(mask),
        )

    def pack(self) -> bytes:
        """Return the row."""
        return _EVENT.pack(
            self.body,
            self.list_number,
            self.word,
            self.block,
            self.position,
            self.time,
            _KIND_NUMBERS[self.kind],
            self.by_party,
            self.reason,
            self.mask.to_bytes(32),
        )

    def event(self) -> StatusEvent:
        """Return the change as the checks take it."""
        return StatusEvent(
            kind=self.kind,
            reason=self.reason,
            by_party=self.by_party,
            block=self.block,
            time=self.time,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafRow:
    """The revocation of one leaf."""

    body: int
    leaf: bytes
    block: int
    position: int
    time: int
    reason: int

    @classmethod
    def unpack(cls, row: bytes) -> Self:
        """Return the revocation in a row."""
        body, leaf, block, position, time, reason = _LEAF.unpack(row)
        return cls(body=body, leaf=leaf, block=block, position=position, time=time, reason=reason)

    def pack(self) -> bytes:
        """Return the row."""
        return _LEAF.pack(self.body, self.leaf, self.block, self.position, self.time, self.reason)

    def event(self) -> StatusEvent:
        """Return the revocation as the checks take it."""
        return StatusEvent(
            kind="revoked", reason=self.reason, by_party=False, block=self.block, time=self.time
        )


def word_prefix(body: int, list_number: int, word: int) -> bytes:
    """Return what the rows of one word, of words and of events, begin with."""
    return body.to_bytes(4) + list_number.to_bytes(4) + word.to_bytes(4)


def leaf_prefix(body: int, leaf: bytes) -> bytes:
    """Return what the revocations of one leaf begin with."""
    return body.to_bytes(4) + leaf


def replay(events: Iterable[EventRow]) -> Iterator[WordRow]:
    """Yield the words that changes lead to, without those that end up clear.

    Args:
        events: In the order of their rows, which is by word and then by time.
    """
    word: WordRow | None = None
    for event in events:
        place = (event.body, event.list_number, event.word)
        if word is None or (word.body, word.list_number, word.word) != place:
            if word is not None and not word.is_clear:
                yield word
            word = WordRow(body=event.body, list_number=event.list_number, word=event.word)
        word = word.after(event)
    if word is not None and not word.is_clear:
        yield word
