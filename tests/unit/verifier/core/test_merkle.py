"""Published vectors, an independent recursive tree, then hostile proofs."""

from __future__ import annotations

import json
import tracemalloc
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.errors import LimitExceededError, MalformedEvidenceError
from verifier.core.hashing import leaf_digest
from verifier.core.limits import MAX_BATCH_LEAVES, MAX_SUBTREE_PATH, SUBTREE_LEAVES
from verifier.core.merkle import (
    Tree,
    root_from_path,
    root_from_subtree,
    subtree_count,
    subtree_leaves,
)

VECTORS = Path(__file__).parents[3] / "vectors" / "rfc9162"
INCLUSION = sorted((VECTORS / "inclusion").rglob("*.json"))
SUBTREE_INCLUSION = sorted((VECTORS / "subtreeinclusion").rglob("*.json"))

# The tree of RFC 9162 as that text defines it, recursion and all. Slow and obviously right.


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = naive_split(len(leaves))
    if index < split:
        return [*naive_path(leaves[:split], index), naive_root(leaves[split:])]
    return [*naive_path(leaves[split:], index - split), naive_root(leaves[:split])]


def naive_split(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def make_leaves(size: int) -> list[bytes]:
    return [leaf_digest(number.to_bytes(4, "big")) for number in range(size)]


def vector_id(path: Path) -> str:
    return "/".join(path.relative_to(VECTORS).with_suffix("").parts)


def decode(vector: dict[str, object]) -> tuple[bytes, list[bytes], bytes]:
    proof = vector["proof"] or []
    assert isinstance(proof, list)
    leaf, root = (b64decode(str(vector[name])) for name in ("leafHash", "root"))
    return leaf, [b64decode(digest) for digest in proof], root


def proves(root: bytes, leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> bool:
    try:
        return root_from_path(leaf, index=index, size=size, path=path) == root
    except MalformedEvidenceError:
        return False


class TestPublishedVectors:
    def test_all_of_them_are_here(self) -> None:
        assert len(INCLUSION) == 98
        assert len(SUBTREE_INCLUSION) == 204

    @pytest.mark.parametrize("file", INCLUSION, ids=vector_id)
    def test_inclusion(self, file: Path) -> None:
        vector = json.loads(file.read_text("utf-8"))
        leaf, path, root = decode(vector)

        accepted = proves(root, leaf, index=vector["leafIdx"], size=vector["treeSize"], path=path)

        assert accepted is not vector["wantErr"], vector["desc"]

    @pytest.mark.parametrize("file", SUBTREE_INCLUSION, ids=vector_id)
    def test_inclusion_in_a_subtree(self, file: Path) -> None:
        vector = json.loads(file.read_text("utf-8"))
        leaf, path, root = decode(vector)
        start, end = vector["start"], vector["end"]

        accepted = proves(root, leaf, index=vector["leafIdx"] - start, size=end - start, path=path)

        assert accepted is not vector["wantErr"], vector["desc"]


class TestAgreementWithTheRecursiveDefinition:
    @pytest.mark.parametrize("size", range(1, 66))
    def test_every_leaf_of_every_small_tree(self, size: int) -> None:
        leaves = make_leaves(size)
        tree = Tree.build(leaves)

        assert tree.root == naive_root(leaves)
        for index in range(size):
            assert list(tree.proof(index).path) == naive_path(leaves, index)

    @given(st.integers(1, 2100), st.data())
    def test_trees_over_several_subtrees(self, size: int, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, size - 1))
        leaves = make_leaves(size)
        tree = Tree.build(leaves)
        proof = tree.proof(index)

        assert tree.root == naive_root(leaves)
        assert list(proof.path) == naive_path(leaves, index)
        assert (proof.index, proof.size) == (index, size)
        assert root_from_path(leaves[index], index=index, size=size, path=proof.path) == tree.root

    @given(st.integers(1, 2100), st.data())
    def test_subtree_heads_are_nodes_of_the_tree(self, size: int, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, size - 1))
        leaves = make_leaves(size)
        tree = Tree.build(leaves)
        subtree = index // SUBTREE_LEAVES
        span = leaves[subtree * SUBTREE_LEAVES : (subtree + 1) * SUBTREE_LEAVES]
        heads, proof = tree.subtree_heads(), tree.subtree_proof(index)

        assert len(heads) == subtree_count(size)
        assert heads[subtree] == naive_root(span)
        assert list(proof.path) == naive_path(span, index % SUBTREE_LEAVES)
        assert proof.leaves == len(span) == subtree_leaves(subtree, size=size)

        head = root_from_path(leaves[index], index=proof.index, size=proof.leaves, path=proof.path)
        path = tree.head_proof(subtree)
        assert head == heads[subtree]
        assert root_from_subtree(head, subtree=subtree, size=size, path=path) == tree.root
        assert proof.path + path == tree.proof(index).path

    @pytest.mark.parametrize(
        ("size", "index", "levels"),
        [
            pytest.param(1024, 0, 10, id="full subtree"),
            pytest.param(1025, 1024, 0, id="a partial subtree of one leaf is its own head"),
            pytest.param(1024 + 600, 1024 + 599, 6, id="last leaf of a ragged subtree"),
            pytest.param(1, 0, 0, id="a tree of one leaf"),
            pytest.param(3, 2, 1, id="a tree smaller than a subtree"),
        ],
    )
    def test_length_of_a_subtree_path(self, size: int, index: int, levels: int) -> None:
        path = Tree.build(make_leaves(size)).subtree_proof(index).path

        assert len(path) == levels <= MAX_SUBTREE_PATH


@given(st.integers(1, 300), st.data())
def test_no_changed_proof_leads_to_the_root(size: int, data: st.DataObject) -> None:
    tree = Tree.build(make_leaves(size))
    index = data.draw(st.integers(0, size - 1))
    leaf, path = tree.leaf(index), list(tree.proof(index).path)
    change = data.draw(st.sampled_from(["leaf", "node", "drop", "insert", "swap", "index"]))
    at = data.draw(st.integers(0, max(0, len(path) - 1)))
    if change == "leaf":
        leaf = bytes([leaf[0] ^ 1]) + leaf[1:]
    elif change == "node" and path:
        path[at] = bytes([path[at][0] ^ 0x80]) + path[at][1:]
    elif change == "drop" and path:
        del path[at]
    elif change == "insert":
        path.insert(at, bytes(32))
    elif change == "swap" and len(path) > 1:
        path[at], path[at - 1] = path[at - 1], path[at]
    elif change == "index" and size > 1:
        index = (index + data.draw(st.integers(1, size - 1))) % size
    else:
        return

    assert not proves(tree.root, leaf, index=index, size=size, path=path)


class TestHostileProofs:
    LEAF = bytes(32)

    def test_path_too_long(self) -> None:
        with pytest.raises(MalformedEvidenceError, match="too long"):
            root_from_path(self.LEAF, index=0, size=1, path=[self.LEAF])

    def test_path_too_short(self) -> None:
        with pytest.raises(MalformedEvidenceError, match="too short"):
            root_from_path(self.LEAF, index=0, size=2, path=[])

    @pytest.mark.parametrize(("index", "size"), [(2, 2), (-1, 2), (0, 0), (0, -3)])
    def test_index_outside_the_tree(self, index: int, size: int) -> None:
        with pytest.raises(MalformedEvidenceError, match=f"outside a tree of {size} leaves"):
            root_from_path(self.LEAF, index=index, size=size, path=[self.LEAF])

    @pytest.mark.parametrize("length", [0, 31, 33])
    def test_digest_of_another_length(self, length: int) -> None:
        with pytest.raises(MalformedEvidenceError, match="32 bytes"):
            root_from_path(bytes(length), index=0, size=1, path=[])
        with pytest.raises(MalformedEvidenceError, match="32 bytes"):
            root_from_path(self.LEAF, index=0, size=2, path=[bytes(length)])

    def test_unbounded_path_is_refused_before_hashing(self) -> None:
        with pytest.raises(LimitExceededError) as caught:
            root_from_path(self.LEAF, index=0, size=2**64, path=[self.LEAF] * 41)
        assert caught.value.limit == 40

    def test_an_inner_node_is_no_leaf(self) -> None:
        tree = Tree.build(make_leaves(4))
        pair = tree.levels[0][:64]

        assert leaf_digest(pair) != tree.levels[1][:32]

    def test_subtree_outside_the_tree(self) -> None:
        with pytest.raises(MalformedEvidenceError, match="outside a tree of 1024 leaves"):
            subtree_leaves(1, size=1024)
        with pytest.raises(MalformedEvidenceError, match="outside a tree"):
            Tree.build(make_leaves(1024)).head_proof(1)


class TestBuildingAndStoring:
    @pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=str)
    def test_one_buffer_is_the_same_as_single_digests(
        self, make: type[bytes | bytearray | memoryview]
    ) -> None:
        leaves = make_leaves(77)

        assert Tree.build(make(b"".join(leaves))) == Tree.build(iter(leaves))

    def test_bytes_are_not_copied(self) -> None:
        buffer = b"".join(make_leaves(5))

        assert Tree.build(buffer).levels[0] is buffer

    @pytest.mark.parametrize("leaves", [b"", [], bytes(33), [bytes(32), bytes(31), bytes(33)]])
    def test_what_is_not_a_run_of_digests(self, leaves: bytes | list[bytes]) -> None:
        with pytest.raises(MalformedEvidenceError):
            Tree.build(leaves)

    def test_more_than_one_batch(self) -> None:
        with pytest.raises(LimitExceededError):
            Tree.build(bytes(32 * (MAX_BATCH_LEAVES + 1)))

    @given(st.integers(1, 1100))
    def test_reloading_gives_the_same_tree(self, size: int) -> None:
        tree = Tree.build(make_leaves(size))

        assert Tree.from_levels(list(tree.levels)) == tree

    @pytest.mark.parametrize(
        "spoil",
        [
            pytest.param(lambda levels: [], id="none"),
            pytest.param(lambda levels: levels[:-1], id="root missing"),
            pytest.param(lambda levels: [*levels, levels[-1]], id="root twice"),
            pytest.param(lambda levels: [levels[0], *levels[2:]], id="level missing"),
            pytest.param(lambda levels: [levels[0][:-1], *levels[1:]], id="cut leaf"),
            pytest.param(lambda levels: [levels[0], levels[1] + bytes(32), *levels[2:]], id="wide"),
        ],
    )
    def test_stored_levels_of_no_tree(self, spoil: object) -> None:
        levels = list(Tree.build(make_leaves(11)).levels)
        assert callable(spoil)

        with pytest.raises(MalformedEvidenceError):
            Tree.from_levels(spoil(levels))

    @pytest.mark.parametrize("index", [-1, 11])
    def test_proof_of_a_leaf_that_is_not_there(self, index: int) -> None:
        tree = Tree.build(make_leaves(11))

        for ask in (tree.proof, tree.subtree_proof, tree.leaf):
            with pytest.raises(MalformedEvidenceError, match="outside a tree of 11 leaves"):
                ask(index)

    @pytest.mark.parametrize("joined", [True, False], ids=["buffer", "stream"])
    def test_memory_stays_near_the_tree_itself(self, *, joined: bool) -> None:
        count = 20_000
        buffer = bytes(32 * count)
        stream = (buffer[at : at + 32] for at in range(0, len(buffer), 32))
        tracemalloc.start()
        try:
            tree = Tree.build(buffer if joined else stream)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        held = sum(map(len, tree.levels))

        assert held <= 65 * count
        assert peak + (len(buffer) if joined else 0) <= 96 * count
