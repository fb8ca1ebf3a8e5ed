"""Tree objects and proofs from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.proofs import SealedBatch, prove
from registry.anchoring.trees import StoredTree, TreeShelf, dump_tree
from registry.kit.objects import DamagedObjectError, FolderObjectStore
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import Tree, root_from_path


def tree_of(size: int) -> Tree:
    return Tree.build(leaf_digest(b"%d" % number) for number in range(size))


@given(st.integers(1, 70))
def test_a_tree_comes_back_and_ends_with_its_root(size: int) -> None:
    tree = tree_of(size)
    data = dump_tree(tree)
    assert data[-32:] == tree.root
    stored = StoredTree(data)
    assert stored.load().levels == tree.levels
    assert (stored.size, stored.root) == (tree.size, tree.root)
    assert stored.leaves() == tree.levels[0]
    assert stored.holds(tree)
    assert not stored.holds(tree_of(size + 1))


@given(st.integers(1, 40), st.data())
def test_damaged_objects_are_refused(size: int, data: st.DataObject) -> None:
    whole = dump_tree(tree_of(size))
    damaged = data.draw(
        st.one_of(
            st.integers(0, len(whole) - 1).map(lambda end: whole[:end]),
            st.binary(min_size=1, max_size=40).map(lambda more: whole + more),
            st.just(b"lancang-tree/2" + whole[14:]),
            st.just(whole[:15] + bytes(4) + whole[19:]),
            st.just(whole[:15] + (2**20 + 1).to_bytes(4) + whole[19:]),
        )
    )
    with pytest.raises(DamagedObjectError):
        StoredTree(damaged)


def sealed(tree: Tree) -> SealedBatch:
    return SealedBatch(root=tree.root, size=tree.size, tree_object=None, anchor=None)


@given(st.integers(1, 60) | st.integers(1020, 2100), st.data())
def test_proofs_are_those_of_the_tree(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    stored = StoredTree(dump_tree(tree))
    proof = prove(stored, index, leaf=tree.leaf(index), batch=sealed(tree))
    assert proof.path == tree.proof(index).path
    assert tree.root == root_from_path(proof.leaf, index=index, size=size, path=proof.path)
    part, within = proof.subtree, tree.subtree_proof(index)
    assert (part.index, part.leaves, part.path) == (within.index, within.leaves, within.path)
    assert part.head == tree.subtree_heads()[part.subtree]
    assert part.head_path == tree.head_proof(part.subtree)


@given(st.integers(2, 40), st.data())
def test_a_wrong_leaf_place_or_batch_gives_no_proof(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    stored = StoredTree(dump_tree(tree))
    with pytest.raises(DamagedObjectError):
        prove(stored, index, leaf=leaf_digest(b"stranger"), batch=sealed(tree))
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
    with pytest.raises(DamagedObjectError):
        prove(stored, other, leaf=tree.leaf(index), batch=sealed(tree))
    with pytest.raises(DamagedObjectError):
        prove(stored, index, leaf=tree.leaf(index), batch=sealed(tree_of(size + 1)))


def test_the_shelf_keeps_the_trees_used_last(tmp_path: Path) -> None:
    shelf = TreeShelf(FolderObjectStore(tmp_path), max_leaves=10)
    names = [shelf.put(tree_of(size)) for size in (4, 5, 6)]
    for name in names:
        shelf.get(name)
    assert list(shelf._open) == [names[2]]  # 5 and 6 leaves are more than 10
    shelf.get(names[0])
    shelf.get(names[2])
    assert list(shelf._open) == [names[0], names[2]]
