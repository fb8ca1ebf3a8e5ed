"""Tree objects and proofs from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.proofs import prove
from registry.anchoring.trees import TreeShelf, dump_tree, load_tree
from registry.kit.objects import DamagedObjectError, FolderObjectStore
from verifier.core.hashing import leaf_digest
from verifier.core.merkle import Tree, root_from_path, root_from_subtree


def tree_of(size: int) -> Tree:
    return Tree.build(leaf_digest(b"%d" % number) for number in range(size))


@given(st.integers(1, 70))
def test_a_tree_comes_back_and_ends_with_its_root(size: int) -> None:
    tree = tree_of(size)
    data = dump_tree(tree)
    assert data[-32:] == tree.root
    assert load_tree(data).levels == tree.levels


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
        load_tree(damaged)


@given(st.integers(1, 60), st.data())
def test_proofs_lead_to_the_root_both_ways(size: int, data: st.DataObject) -> None:
    tree = tree_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = prove(tree, index)
    assert tree.root == root_from_path(proof.leaf, index=index, size=size, path=proof.path)
    part = proof.subtree
    head = root_from_path(proof.leaf, index=part.index, size=part.leaves, path=part.path)
    assert head == part.head
    assert tree.root == root_from_subtree(
        head, subtree=part.subtree, size=size, path=part.head_path
    )


def test_the_shelf_keeps_the_trees_used_last(tmp_path: Path) -> None:
    shelf = TreeShelf(FolderObjectStore(tmp_path), max_leaves=10)
    names = [shelf.put(tree_of(size)) for size in (4, 5, 6)]
    for name in names:
        shelf.get(name)
    assert list(shelf._kept) == [names[2]]  # 5 and 6 leaves are more than 10
    shelf.get(names[0])
    shelf.get(names[2])
    assert list(shelf._kept) == [names[0], names[2]]
