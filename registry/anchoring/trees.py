"""Trees of batches in the object store: written once at sealing, read for every proof.

A tree object is self-describing, so that a batch can be found again without the database:

    "lancang-tree/1" || 0x00 || number of leaves, 4 bytes big-endian || levels from the leaves up

Its last 32 bytes are the root. A proof of one leaf among a million reads at most 21 nodes of it, so
a stored tree is mapped and read node by node, never loaded.
"""

from __future__ import annotations

import mmap
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from registry.kit.objects import DamagedObjectError, ObjectStore
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BATCH_LEAVES, MAX_SUBTREE_PATH
from verifier.core.merkle import Tree

KIND: Final = "trees"
_MAGIC: Final = b"lancang-tree/1\x00"
_HEADER_BYTES: Final = len(_MAGIC) + 4


def dump_tree(tree: Tree) -> bytes:
    """Return the object that keeps a tree."""
    return b"".join((_MAGIC, tree.size.to_bytes(4), *tree.levels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From a leaf to the root by the head of its 1024-leaf subtree.

    Attributes:
        below: Siblings from the leaf to the head.
        head: The head, 32 bytes; the root itself in a tree of no more than 1024 leaves.
        above: Siblings from the head to the root. `below + above` is the path of RFC 9162: a node
            that is handed up has no sibling in its subtree nor in the whole tree.
    """

    below: tuple[bytes, ...]
    head: bytes
    above: tuple[bytes, ...]


class StoredTree:
    """A tree object, read where it lies.

    Args:
        data: The object; kept, not copied.

    Attributes:
        size: Number of leaves.

    Raises:
        DamagedObjectError: On construction, when it has not the shape of a tree object. A node
            that is wrong inside the right shape shows in the name of the object.
    """

    __slots__ = ("_data", "_levels", "size")

    def __init__(self, data: bytes | mmap.mmap) -> None:
        size = int.from_bytes(data[len(_MAGIC) : _HEADER_BYTES])
        if data[: len(_MAGIC)] != _MAGIC or not 1 <= size <= MAX_BATCH_LEAVES:
            raise DamagedObjectError("not a tree object")
        self._data = data
        self._levels = tuple(_levels(size))
        start, nodes = self._levels[-1]
        if start + nodes * DIGEST_BYTES != len(data):
            raise DamagedObjectError(f"a tree object of {size} leaves has another length")
        self.size = size

    @property
    def root(self) -> bytes:
        """The root, 32 bytes."""
        return self._data[-DIGEST_BYTES:]

    def leaf(self, index: int) -> bytes:
        """Return the leaf at a position counted from 0.

        Raises:
            MalformedEvidenceError: The tree has no such leaf.
        """
        if not 0 <= index < self.size:
            message = f"leaf index {index} is outside a tree of {self.size} leaves"
            raise MalformedEvidenceError("inclusion proof", message)
        start = _HEADER_BYTES + index * DIGEST_BYTES
        return self._data[start : start + DIGEST_BYTES]

    def way(self, index: int) -> Way:
        """Return the way of the leaf at `index` to the root.

        Nothing is hashed here: the store compares an object with its name when it is opened.

        Raises:
            MalformedEvidenceError: The tree has no such leaf.

        Source: RFC 9162, section 2.1.3.1.
        """
        head = self.leaf(index)
        data, position = self._data, index
        below: list[bytes] = []
        above: list[bytes] = []
        path = below
        for height, (start, nodes) in enumerate(self._levels):
            if height == MAX_SUBTREE_PATH:
                path = above
                at = start + position * DIGEST_BYTES
                head = data[at : at + DIGEST_BYTES]
            sibling = position ^ 1
            if sibling < nodes:
                at = start + sibling * DIGEST_BYTES
                path.append(data[at : at + DIGEST_BYTES])
            position >>= 1
        if path is below:
            head = self.root
        return Way(below=tuple(below), head=head, above=tuple(above))

    def holds(self, tree: Tree) -> bool:
        """Tell whether this is exactly that tree, every level of it."""
        view = memoryview(self._data)
        return self.size == tree.size and all(
            view[start : start + nodes * DIGEST_BYTES] == level
            for (start, nodes), level in zip(self._levels, tree.levels, strict=True)
        )

    def load(self) -> Tree:
        """Return the tree in memory, 64 bytes for each leaf."""
        return Tree.from_levels(
            self._data[start : start + nodes * DIGEST_BYTES] for start, nodes in self._levels
        )

    def leaves(self) -> bytes:
        """Return the leaves in their order, joined."""
        start, nodes = self._levels[0]
        return self._data[start : start + nodes * DIGEST_BYTES]


def _levels(size: int) -> Iterator[tuple[int, int]]:
    """Yield where each level begins in a tree object, and how many nodes it has."""
    start, nodes = _HEADER_BYTES, size
    yield start, nodes
    while nodes > 1:
        start, nodes = start + nodes * DIGEST_BYTES, (nodes + 1) // 2
        yield start, nodes


class TreeShelf:
    """Stored trees; those used last stay open. May be used by many threads.

    Args:
        objects: The store.
        max_leaves: How many leaves the open trees may have together. From a folder they are mapped
            and the operating system keeps what is used of them; another store hands out 64 bytes
            of memory for each leaf.
    """

    def __init__(self, objects: ObjectStore, *, max_leaves: int = 2 * MAX_BATCH_LEAVES) -> None:
        self._objects = objects
        self._max_leaves = max_leaves
        self._open: OrderedDict[bytes, StoredTree] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, tree: Tree) -> bytes:
        """Keep a tree durably and return the name of its object."""
        return self._objects.put(KIND, dump_tree(tree))

    def get(self, name: bytes) -> StoredTree:
        """Return a stored tree.

        Raises:
            NotFoundError: There is no such object.
            DamagedObjectError: The object is damaged.
        """
        with self._lock:
            if (kept := self._open.get(name)) is not None:
                self._open.move_to_end(name)
                return kept
        tree = self.read(name)
        with self._lock:
            self._open[name] = tree
            while sum(kept.size for kept in self._open.values()) > self._max_leaves:
                self._open.popitem(last=False)
        return tree

    def read(self, name: bytes) -> StoredTree:
        """Return a stored tree as the store has it at this moment, and do not keep it open.

        Raises:
            NotFoundError: There is no such object.
            DamagedObjectError: The object is damaged.
        """
        return StoredTree(self._objects.get(KIND, name))

    def names(self) -> Iterator[bytes]:
        """Yield the names of all stored trees."""
        return self._objects.names(KIND)
