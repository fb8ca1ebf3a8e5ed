"""The published bundle, and what this registry keeps that anybody needs to make one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registry.anchoring.trees import TreeShelf
from registry.bundles.errors import BundleNotPublishedError, DeltaNotKeptError, OlderBundleError
from registry.bundles.repository import all_documents, find_document, find_tree, large_trees
from registry.kit.database import Database
from registry.kit.errors import UnavailableError
from registry.kit.files import write_atomically
from registry.settings import Settings
from verifier.bundle.content import decode_content
from verifier.bundle.delta import Delta
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.core.limits import MAX_BUNDLE_DELTAS, SUBTREE_LEAVES
from verifier.core.merkle import subtree_count

_NEWEST: Final = "newest.bundle"


@dataclass(frozen=True, slots=True)
class StoredLibrary:
    """What this registry keeps by hash; implements `verifier.bundle.library.Library`."""

    database: Database
    trees: TreeShelf

    def fetch_document(self, digest: bytes) -> bytes | None:
        """Return a scope document by its SHA-256, None when it is none of this registry."""
        with self.database.read() as session:
            return find_document(session, digest)

    def fetch_heads(self, root: bytes) -> bytes | None:
        """Return the subtree heads of a stored tree, 32 bytes each, None without such a tree.

        Raises:
            NotFoundError: The stored tree is missing.
            DamagedObjectError: The stored tree is damaged.
        """
        with self.database.read() as session:
            name = find_tree(session, root)
        if name is None:
            return None
        tree = self.trees.get(name)
        subtrees = range(subtree_count(tree.size))
        return b"".join(tree.way(subtree * SUBTREE_LEAVES).head for subtree in subtrees)

    def export(self, folder: Path) -> int:
        """Write everything into a folder, named as `FolderLibrary` reads it.

        Returns:
            How many files there are.
        """
        with self.database.read() as session:
            documents = all_documents(session)
            roots = large_trees(session, above=SUBTREE_LEAVES)
        folder.mkdir(parents=True, exist_ok=True)
        for digest in documents:
            (folder / f"{digest.hex()}.json").write_bytes(self.fetch_document(digest) or b"")
        for root in roots:
            (folder / f"{root.hex()}.heads").write_bytes(self.fetch_heads(root) or b"")
        return len(documents) + len(roots)


@dataclass(frozen=True, slots=True)
class BundleShelf:
    """The newest published bundle and deltas that lead to it, in a folder.

    A device that has an earlier one follows the deltas one by one, each named by its base.
    """

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> BundleShelf:
        """Return the shelf of an installation."""
        return cls(settings.home / "bundles")

    def publish(self, file: BundleFile) -> bool:
        """Make a bundle the newest one, with the delta from the one before.

        Returns:
            Whether anything was written; the same bundle again with as many signatures is not.

        Raises:
            OlderBundleError: A later one is published, or another one about the same block.
            UnavailableError: The folder cannot be written.
        """
        try:
            before: BundleFile | None = parse_bundle_file(self.newest())
        except BundleNotPublishedError:
            before = None
        if before is not None and before.digest == file.digest:
            if before.signatures == file.signatures:
                return False
        elif before is not None:
            self._check_newer(before, file)
            delta = Delta.between(before, file).encode()
            self._write(self._delta(before.digest), delta)
        self._write(self.folder / _NEWEST, file.encode())
        self._forget_old_deltas()
        return True

    def newest(self) -> bytes:
        """Return the newest published bundle.

        Raises:
            BundleNotPublishedError: There is none.
        """
        return self.newest_path().read_bytes()

    def newest_path(self) -> Path:
        """Return the file of the newest published bundle, which is only replaced as a whole.

        Raises:
            BundleNotPublishedError: There is none.
        """
        path = self.folder / _NEWEST
        if not path.is_file():
            raise BundleNotPublishedError("no trust bundle has been published here")
        return path

    def delta(self, base: bytes) -> bytes:
        """Return the delta that begins at a bundle.

        Args:
            base: SHA-256 of the bundle's content.

        Raises:
            DeltaNotKeptError: There is none.
        """
        try:
            return self._delta(base).read_bytes()
        except FileNotFoundError:
            raise DeltaNotKeptError(f"no delta begins at the bundle {base.hex()}") from None

    def _delta(self, base: bytes) -> Path:
        return self.folder / "deltas" / f"{base.hex()}.delta"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error

    def _check_newer(self, before: BundleFile, file: BundleFile) -> None:
        old = decode_content(before.content).home.block
        new = decode_content(file.content).home.block
        if new <= old:
            message = f"this one is about block {new}; one about block {old} is published"
            raise OlderBundleError(message)

    def _forget_old_deltas(self) -> None:
        deltas = sorted(
            (self.folder / "deltas").glob("*.delta"), key=lambda path: path.stat().st_mtime_ns
        )
        for path in deltas[:-MAX_BUNDLE_DELTAS]:
            path.unlink(missing_ok=True)
