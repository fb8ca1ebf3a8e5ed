"""Where the documents and subtree heads come from that the chain names by hash alone.

Whoever keeps them need not be trusted: a document must have the hash, heads must hash up to the
anchored root. Several libraries are asked in turn; one that lacks something or is wrong is passed
over.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import httpx

from verifier.chain.endpoint import authority, check_url
from verifier.chain.transfer import Reply, TransferError, exchange, open_client
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError, MalformedEvidenceError, VerifierError
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import MAX_BATCH_LEAVES, MAX_DOCUMENT_BYTES
from verifier.core.merkle import Tree, subtree_count

ANSWER_SECONDS: Final = 20.0
_HEADS_BYTES: Final = subtree_count(MAX_BATCH_LEAVES) * DIGEST_BYTES


class BundleIncompleteError(VerifierError):
    """Something that the chain names by hash could not be had, so no bundle was made.

    Attributes:
        missing: What is missing, by name.
    """

    code = "bundle_incomplete"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"missing: {', '.join(missing)}")
        self.missing = tuple(missing)


class Library(Protocol):
    """Port to a collection of hash-named things; what it returns is checked by the caller."""

    def fetch_document(self, digest: bytes) -> bytes | None:
        """Return the document with this SHA-256, None when it is not there.

        Raises:
            EvidenceUnavailableError: No usable answer in time.
        """
        ...

    def fetch_heads(self, root: bytes) -> bytes | None:
        """Return the subtree heads of the tree with this root, joined; None when not there.

        Raises:
            EvidenceUnavailableError: No usable answer in time.
        """
        ...


class FolderLibrary:
    """Files in a folder: documents as `<SHA-256>.json`, heads as `<root>.heads`, in hexadecimal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fetch_document(self, digest: bytes) -> bytes | None:
        """See `Library`."""
        return self._read(f"{digest.hex()}.json", MAX_DOCUMENT_BYTES)

    def fetch_heads(self, root: bytes) -> bytes | None:
        """See `Library`."""
        return self._read(f"{root.hex()}.heads", _HEADS_BYTES)

    def _read(self, name: str, most: int) -> bytes | None:
        try:
            with (self._folder / name).open("rb") as file:
                return file.read(most + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{self._folder / name}: {error.strerror or error}"
            raise EvidenceUnavailableError("library_unreachable", message) from error


class RegistryLibrary:
    """A registry, over HTTP.

    Args:
        url: Its base address, https or on this machine.
        transport: Replaces the network, for tests.

    Raises:
        UntrustedProfileError: On construction, when the address may not be asked.
    """

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = check_url(url).rstrip("/")
        self._transport = transport

    def fetch_document(self, digest: bytes) -> bytes | None:
        """See `Library`. Not to be called inside an event loop."""
        return self._fetch(f"/v1/documents/{b64u(digest)}", MAX_DOCUMENT_BYTES)

    def fetch_heads(self, root: bytes) -> bytes | None:
        """See `Library`. Not to be called inside an event loop."""
        return self._fetch(f"/v1/heads/{b64u(root)}", _HEADS_BYTES)

    def _fetch(self, path: str, most: int) -> bytes | None:
        try:
            reply = asyncio.run(self._get(path, most))
        except TransferError as error:
            raise self._unreachable(str(error)) from error
        if reply.status == httpx.codes.NOT_FOUND:
            return None
        if reply.status != httpx.codes.OK:
            raise self._unreachable(f"HTTP status {reply.status}")
        return reply.body

    async def _get(self, path: str, most: int) -> Reply:
        async with open_client(self._url, self._transport) as client:
            return await exchange(
                client, "GET", f"{self._url}{path}", max_bytes=most, seconds=ANSWER_SECONDS
            )

    def _unreachable(self, message: str) -> EvidenceUnavailableError:
        return EvidenceUnavailableError(
            "library_unreachable", f"registry {authority(self._url)}: {message}"
        )


class Shelves:
    """Several libraries as one whose answers are right; notes what none of them has.

    Attributes:
        missing: Names of what was asked for in vain, each with what a library said about it.
    """

    def __init__(self, libraries: Sequence[Library]) -> None:
        self._libraries = tuple(libraries)
        self.missing: list[str] = []

    def document(self, digest: bytes) -> bytes:
        """Return a document; empty when it is missing, which is noted."""
        problems: list[str] = []
        for library in self._libraries:
            try:
                content = library.fetch_document(digest)
            except EvidenceUnavailableError as error:
                problems.append(str(error))
                continue
            if content is not None and hashlib.sha256(content).digest() == digest:
                return content
        self._note(f"document {digest.hex()}", problems)
        return b""

    def heads(self, root: bytes, size: int) -> bytes:
        """Return the subtree heads of a tree; empty when they are missing, which is noted."""
        problems: list[str] = []
        for library in self._libraries:
            try:
                heads = library.fetch_heads(root)
            except EvidenceUnavailableError as error:
                problems.append(str(error))
                continue
            if heads is not None and are_heads(heads, root, size):
                return heads
        self._note(f"heads of the tree {root.hex()} over {size} leaves", problems)
        return b""

    def _note(self, name: str, problems: Sequence[str]) -> None:
        self.missing.append(f"{name} ({'; '.join(problems)})" if problems else name)

    def check(self) -> None:
        """Refuse to go on when something was missing.

        Raises:
            BundleIncompleteError: Naming everything.
        """
        if self.missing:
            raise BundleIncompleteError(self.missing)


def are_heads(heads: bytes, root: bytes, size: int) -> bool:
    """Tell whether these are the heads of the 1024-leaf subtrees of a tree, the last maybe partial.

    The heads of aligned subtrees are the leaves of a tree of their own with the same root.
    """
    if len(heads) != subtree_count(size) * DIGEST_BYTES:
        return False
    try:
        return Tree.build(heads).root == root
    except MalformedEvidenceError:
        return False
