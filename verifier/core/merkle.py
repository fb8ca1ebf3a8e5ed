"""The tree under an anchor: RFC 9162, section 2.1, over SHA-256.

A node is SHA-256(0x01 || left || right). A level with an odd number of nodes hands its last node
up unchanged, which gives the recursive tree of RFC 9162 exactly. Node `j` of level `k` is
therefore the root over leaves `j * 2**k` up to the end of that span or of the tree, and the heads
of the aligned 1024-leaf subtrees are the nodes of level 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from struct import iter_unpack
from typing import Self

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import (
    MAX_BATCH_LEAVES,
    MAX_PATH_NODES,
    MAX_SUBTREE_PATH,
    SUBTREE_LEAVES,
)

_NODE_PREFIX = b"\x01"
_PAIR_BYTES = 2 * DIGEST_BYTES
_CHUNK_NODES = 4096  # nodes joined at a time: a level is never a list of objects
_CHUNK_BYTES = _CHUNK_NODES * _PAIR_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Path of a leaf to the root of its tree.

    Attributes:
        index: Position of the leaf, counted from 0.
        size: Number of leaves in the tree.
        path: Sibling digests from the leaf upwards, 32 bytes each.
    """

    index: int
    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtreeProof:
    """Path of a leaf to the head of its 1024-leaf subtree; what an offline code carries.

    Attributes:
        index: Position of the leaf inside the subtree, counted from 0.
        leaves: Number of leaves in the subtree, 1024 except in a partial last one.
        path: Sibling digests from the leaf upwards, at most 10, fewer in a partial subtree.
    """

    index: int
    leaves: int
    path: tuple[bytes, ...]


def root_from_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Recompute the root that an inclusion proof leads to.

    The caller compares the result with an anchored root; this function trusts nothing and
    decides nothing.

    Args:
        leaf: Leaf digest, 32 bytes.
        index: Position of the leaf, counted from 0.
        size: Number of leaves in the tree.
        path: Sibling digests from the leaf upwards, 32 bytes each.

    Returns:
        The root, 32 bytes.

    Raises:
        LimitExceededError: `path` has more than `MAX_PATH_NODES` nodes.
        MalformedEvidenceError: A digest has the wrong length, `index` is outside the tree, or
            the path is too short or too long for it.

    Source: RFC 9162, section 2.1.3.2.
    """
    _check_path(leaf, index=index, size=size, path=path)
    node, position, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise MalformedEvidenceError("inclusion path", "too long for this tree")
        if position & 1 or position == last:
            node = sha256(_NODE_PREFIX + sibling + node).digest()
            while not position & 1 and position:  # levels where the node was handed up unchanged
                position, last = position >> 1, last >> 1
        else:
            node = sha256(_NODE_PREFIX + node + sibling).digest()
        position, last = position >> 1, last >> 1
    if last != 0:
        raise MalformedEvidenceError("inclusion path", "too short for this tree")
    return node


def root_from_subtree(head: bytes, *, subtree: int, size: int, path: Sequence[bytes]) -> bytes:
    """Recompute the root of a tree from the head of one of its 1024-leaf subtrees.

    Args:
        head: Root of the subtree, 32 bytes, as recomputed by `root_from_path`.
        subtree: Number of the subtree: its first leaf has position 1024 * `subtree`.
        size: Number of leaves in the whole tree.
        path: Sibling digests from the head upwards.

    Returns:
        The root, 32 bytes.

    Raises:
        LimitExceededError: `path` has more than `MAX_PATH_NODES` nodes.
        MalformedEvidenceError: As for `root_from_path`.
    """
    return root_from_path(head, index=subtree, size=subtree_count(size), path=path)


def subtree_count(size: int) -> int:
    """Return how many aligned 1024-leaf subtrees a tree of `size` leaves has."""
    return -(-size // SUBTREE_LEAVES)


def subtree_leaves(subtree: int, *, size: int) -> int:
    """Return the number of leaves in one subtree of a tree of `size` leaves.

    A verifier that joins a subtree proof with the head's own path must find that number in the
    former; otherwise the two do not speak about the same tree.

    Raises:
        MalformedEvidenceError: The tree has no such subtree.
    """
    if not 0 <= subtree < subtree_count(size):
        message = f"subtree {subtree} is outside a tree of {size} leaves"
        raise MalformedEvidenceError("subtree proof", message)
    return min(SUBTREE_LEAVES, size - subtree * SUBTREE_LEAVES)


@dataclass(frozen=True, slots=True)
class Tree:
    """All levels of one batch's tree, each a contiguous run of 32-byte nodes, 64 bytes per leaf.

    Made by `build` or `from_levels`, which check what they are given.

    Attributes:
        levels: From the leaves up to the root, immutable; what a registry stores.
    """

    levels: tuple[bytes, ...]

    @classmethod
    def build(cls, leaves: bytes | bytearray | memoryview | Iterable[bytes]) -> Self:
        """Hash a batch of leaves into a tree.

        One level is held beside the next while that one is hashed, so that the peak is the tree
        itself (64 bytes per leaf) when `leaves` is `bytes`, which is not copied.

        Args:
            leaves: Leaf digests in batch order, either joined in one buffer or one by one.

        Raises:
            LimitExceededError: More than `MAX_BATCH_LEAVES` leaves.
            MalformedEvidenceError: No leaf, or one that is not 32 bytes long.
        """
        level = _leaf_level(leaves)
        levels = [level]
        while len(level) > DIGEST_BYTES:
            level = _parents(level)
            levels.append(level)
        return cls(tuple(levels))

    @classmethod
    def from_levels(cls, levels: Iterable[bytes]) -> Self:
        """Reload a tree from its stored levels without hashing anything.

        Only the shape is checked. A damaged node gives proofs that lead to another root, so the
        caller verifies a proof before publishing it.

        Raises:
            LimitExceededError: More than `MAX_BATCH_LEAVES` leaves.
            MalformedEvidenceError: The levels are not those of one tree.
        """
        stored = tuple(bytes(level) for level in levels)
        if not stored:
            raise MalformedEvidenceError("tree levels", "there are none")
        nodes = _count_leaves(stored[0])
        if len(stored) != (nodes - 1).bit_length() + 1:
            message = f"{len(stored)} levels over {nodes} leaves"
            raise MalformedEvidenceError("tree levels", message)
        for height, level in enumerate(stored):
            expected = (
                -(-nodes >> height) * DIGEST_BYTES
            )  # every level has half as many, rounded up
            if len(level) != expected:
                message = f"level {height} has {len(level)} bytes instead of {expected}"
                raise MalformedEvidenceError("tree levels", message)
        return cls(stored)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.levels[0]) // DIGEST_BYTES

    @property
    def root(self) -> bytes:
        """The root, 32 bytes."""
        return self.levels[-1]

    def leaf(self, index: int) -> bytes:
        """Return the leaf at a position counted from 0."""
        self._check_index(index)
        return _node(self.levels[0], index)

    def proof(self, index: int) -> InclusionProof:
        """Return the path of the leaf at `index` to the root.

        Raises:
            MalformedEvidenceError: The tree has no such leaf.

        Source: RFC 9162, section 2.1.3.1.
        """
        self._check_index(index)
        path = self._siblings(index, from_level=0, to_level=len(self.levels) - 1)
        return InclusionProof(index=index, size=self.size, path=path)

    def subtree_heads(self) -> tuple[bytes, ...]:
        """Return the roots of the aligned 1024-leaf subtrees, the last possibly partial."""
        level = self.levels[self._head_level]
        return tuple(level[at : at + DIGEST_BYTES] for at in range(0, len(level), DIGEST_BYTES))

    def subtree_proof(self, index: int) -> SubtreeProof:
        """Return the path of the leaf at `index` (in the whole tree) to the head of its subtree.

        Raises:
            MalformedEvidenceError: The tree has no such leaf.
        """
        self._check_index(index)
        subtree, within = divmod(index, SUBTREE_LEAVES)
        return SubtreeProof(
            index=within,
            leaves=subtree_leaves(subtree, size=self.size),
            path=self._siblings(index, from_level=0, to_level=self._head_level),
        )

    def head_proof(self, subtree: int) -> tuple[bytes, ...]:
        """Return the path of a subtree's head to the root, for `root_from_subtree`.

        Raises:
            MalformedEvidenceError: The tree has no such subtree.
        """
        subtree_leaves(subtree, size=self.size)
        return self._siblings(subtree, from_level=self._head_level, to_level=len(self.levels) - 1)

    @property
    def _head_level(self) -> int:
        return min(MAX_SUBTREE_PATH, len(self.levels) - 1)

    def _siblings(self, position: int, *, from_level: int, to_level: int) -> tuple[bytes, ...]:
        path = []
        for level in self.levels[from_level:to_level]:
            sibling = _node(level, position ^ 1)
            if sibling:  # empty beyond the end: the node was handed up unchanged
                path.append(sibling)
            position >>= 1
        return tuple(path)

    def _check_index(self, index: int) -> None:
        if not 0 <= index < self.size:
            message = f"leaf index {index} is outside a tree of {self.size} leaves"
            raise MalformedEvidenceError("inclusion proof", message)


def _check_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> None:
    if len(path) > MAX_PATH_NODES:
        raise LimitExceededError("inclusion path", actual=len(path), limit=MAX_PATH_NODES)
    if not 0 <= index < size:
        message = f"leaf index {index} is outside a tree of {size} leaves"
        raise MalformedEvidenceError("inclusion path", message)
    if len(leaf) != DIGEST_BYTES or any(len(digest) != DIGEST_BYTES for digest in path):
        message = f"every digest must be {DIGEST_BYTES} bytes long"
        raise MalformedEvidenceError("inclusion path", message)


def _leaf_level(leaves: bytes | bytearray | memoryview | Iterable[bytes]) -> bytes:
    if isinstance(leaves, bytes | bytearray | memoryview):
        level = bytes(leaves)
    else:
        level = b"".join(_joined_chunks(leaves))
    _count_leaves(level)
    return level


def _joined_chunks(leaves: Iterable[bytes]) -> Iterator[bytes]:
    """Join leaves some at a time, so that a stream of them never exists as separate objects."""
    remaining = iter(leaves)
    while chunk := tuple(islice(remaining, _CHUNK_NODES)):
        if any(len(leaf) != DIGEST_BYTES for leaf in chunk):
            raise MalformedEvidenceError("leaves", f"every leaf must be {DIGEST_BYTES} bytes long")
        yield b"".join(chunk)


def _count_leaves(level: bytes) -> int:
    count, rest = divmod(len(level), DIGEST_BYTES)
    if rest or not count:
        message = f"{len(level)} bytes are not one or more digests of {DIGEST_BYTES} bytes"
        raise MalformedEvidenceError("leaves", message)
    if count > MAX_BATCH_LEAVES:
        raise LimitExceededError("leaves", actual=count, limit=MAX_BATCH_LEAVES)
    return count


def _node(level: bytes, position: int) -> bytes:
    at = position * DIGEST_BYTES
    return level[at : at + DIGEST_BYTES]


def _parents(level: bytes) -> bytes:
    """Hash one level into the next; the shape of this loop was chosen by measurement."""
    paired = len(level) - len(level) % _PAIR_BYTES
    view = memoryview(level)
    chunks = [
        b"".join(
            [
                sha256(_NODE_PREFIX + pair).digest()
                for (pair,) in iter_unpack("64s", view[at : min(at + _CHUNK_BYTES, paired)])
            ]
        )
        for at in range(0, paired, _CHUNK_BYTES)
    ]
    return b"".join([*chunks, level[paired:]])
