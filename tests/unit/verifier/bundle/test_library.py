"""Hash-named documents and heads from people who need not be trusted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from verifier.bundle.library import (
    BundleIncompleteError,
    FolderLibrary,
    RegistryLibrary,
    Shelves,
    are_heads,
)
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError, UntrustedProfileError
from verifier.core.hashing import leaf_digest
from verifier.core.limits import MAX_DOCUMENT_BYTES
from verifier.core.merkle import Tree

DOCUMENT = b'{"scope":1}'
DIGEST = hashlib.sha256(DOCUMENT).digest()
TREE = Tree.build(leaf_digest(number.to_bytes(4)) for number in range(2500))
HEADS = b"".join(TREE.subtree_heads())


class TestHeads:
    def test_of_a_partial_last_subtree_are_recognised(self) -> None:
        assert are_heads(HEADS, TREE.root, 2500)

    @pytest.mark.parametrize("size", [1, 1024, 1025, 2048, 2049, 3072, 2**20])
    def test_fit_one_size_and_order(self, size: int) -> None:
        tree = Tree.build(leaf_digest(number.to_bytes(4)) for number in range(min(size, 4000)))
        heads = b"".join(tree.subtree_heads())
        assert are_heads(heads, tree.root, tree.size)
        assert not are_heads(heads, tree.root, tree.size + 1024)

    @pytest.mark.parametrize(
        "heads",
        [
            b"",
            HEADS[:-32],
            HEADS[:-1],
            HEADS + HEADS[:32],
            HEADS[32:64] + HEADS[:32] + HEADS[64:],
            bytes(96),
        ],
    )
    def test_that_lead_elsewhere_are_none(self, heads: bytes) -> None:
        assert not are_heads(heads, TREE.root, 2500)


def registry(answer: Callable[[httpx.Request], httpx.Response]) -> RegistryLibrary:
    return RegistryLibrary("https://registry.example/", transport=httpx.MockTransport(answer))


def streamed(status: int, content: bytes) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(content))


class TestRegistry:
    def test_is_asked_by_hash(self) -> None:
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(request.url.path)
            return streamed(200, DOCUMENT)

        library = registry(answer)
        assert library.fetch_document(DIGEST) == DOCUMENT
        assert library.fetch_heads(TREE.root) == DOCUMENT
        assert asked == [f"/v1/documents/{b64u(DIGEST)}", f"/v1/heads/{b64u(TREE.root)}"]

    def test_that_has_nothing_says_so(self) -> None:
        assert registry(lambda _: streamed(404, b"{}")).fetch_document(DIGEST) is None

    @pytest.mark.parametrize(
        "answer",
        [
            lambda _: streamed(500, b""),
            lambda _: streamed(302, b""),
            lambda _: streamed(200, bytes(MAX_DOCUMENT_BYTES + 1)),
        ],
    )
    def test_that_fails_is_unreachable(
        self, answer: Callable[[httpx.Request], httpx.Response]
    ) -> None:
        with pytest.raises(EvidenceUnavailableError) as caught:
            registry(answer).fetch_document(DIGEST)
        assert caught.value.reason == "library_unreachable"

    def test_is_asked_in_confidence_only(self) -> None:
        with pytest.raises(UntrustedProfileError):
            RegistryLibrary("http://registry.example/")


class TestShelves:
    def test_pass_over_what_is_wrong_missing_or_silent(self, tmp_path: Path) -> None:
        good = tmp_path / "good"
        good.mkdir()
        (good / f"{DIGEST.hex()}.json").write_bytes(DOCUMENT)
        (good / f"{TREE.root.hex()}.heads").write_bytes(HEADS)
        shelves = Shelves(
            [
                registry(lambda _: streamed(200, b"something else")),
                registry(lambda _: streamed(503, b"")),
                FolderLibrary(tmp_path / "empty"),
                FolderLibrary(good),
            ]
        )

        assert shelves.document(DIGEST) == DOCUMENT
        assert shelves.heads(TREE.root, 2500) == HEADS
        shelves.check()

    def test_name_everything_that_nobody_has(self, tmp_path: Path) -> None:
        (tmp_path / f"{DIGEST.hex()}.json").mkdir()  # cannot be read
        shelves = Shelves([FolderLibrary(tmp_path)])

        assert shelves.document(DIGEST) == shelves.heads(TREE.root, 2500) == b""

        with pytest.raises(BundleIncompleteError) as caught:
            shelves.check()
        document, heads = caught.value.missing
        assert document.startswith(f"document {DIGEST.hex()} (")
        assert heads == f"heads of the tree {TREE.root.hex()} over 2500 leaves"
