"""Trees of batches in the object store: written once at sealing, read for every proof.

A tree object is self-describing, so that a batch can be found again without the database:

    "lancang-tree/1" || 0x00 || number of leaves, 4 bytes big-endian || levels from the leaves up

Its last 32 bytes are the root.
"""

from __future__ import annotations

import mmap
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from registry.kit.objects import DamagedObjectError, ObjectStore
from verifier.core.errors import MalformedEvidenceError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BATCH_LEAVES
from verifier.core.merkle import Tree

KIND: Final = "trees"
_MAGIC: Final = b"lancang-tree/1\x00"
_HEADER_BYTES: Final = len(_MAGIC) + 4


def dump_tree(tree: Tree) -> bytes:
    """Return the object that keeps a tree."""
    return b"".join((_MAGIC, tree.size.to_bytes(4), *tree.levels))


def load_tree(data: bytes | mmap.mmap) -> Tree:
    """Return the tree of an object.

    Raises:
        DamagedObjectError: It is no tree object.
    """
    size = int.from_bytes(data[len(_MAGIC) : _HEADER_BYTES])
    if data[: len(_MAGIC)] != _MAGIC or not 1 <= size <= MAX_BATCH_LEAVES:
        raise DamagedObjectError("not a tree object")
    try:
        return Tree.from_levels(_levels(data, size))
    except MalformedEvidenceError as error:
        raise DamagedObjectError(f"not a tree object: {error}") from error


def _levels(data: bytes | mmap.mmap, nodes: int) -> Iterator[bytes]:
    start = _HEADER_BYTES
    while True:
        end = start + nodes * DIGEST_BYTES
        yield data[start:end]
        start = end
        if nodes == 1:
            break
        nodes = (nodes + 1) // 2
    if start != len(data):
        raise DamagedObjectError("a tree object has trailing bytes")


class TreeShelf:
    """Trees read from the object store, the most recently used ones kept in memory.

    Args:
        objects: The store.
        max_leaves: How many leaves the kept trees may have together; 64 bytes of memory each.
    """

    def __init__(self, objects: ObjectStore, *, max_leaves: int = 2 * MAX_BATCH_LEAVES) -> None:
        self._objects = objects
        self._max_leaves = max_leaves
        self._kept: OrderedDict[bytes, Tree] = OrderedDict()

    def put(self, tree: Tree) -> bytes:
        """Keep a tree durably and return the name of its object."""
        return self._objects.put(KIND, dump_tree(tree))

    def get(self, name: bytes) -> Tree:
        """Return a stored tree.

        Raises:
            NotFoundError: There is no such object.
            DamagedObjectError: The object is damaged.
        """
        if (tree := self._kept.get(name)) is not None:
            self._kept.move_to_end(name)
            return tree
        tree = load_tree(self._objects.get(KIND, name))
        self._kept[name] = tree
        while sum(kept.size for kept in self._kept.values()) > self._max_leaves:
            self._kept.popitem(last=False)
        return tree

    def names(self) -> Iterator[bytes]:
        """Yield the names of all stored trees."""
        return self._objects.names(KIND)
