"""What a verifier remembers of the bundles it used, so that nobody can put an old one back."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from verifier.bundle.opening import OpenedBundle
from verifier.chain.profile import Profile
from verifier.core.errors import MalformedEvidenceError, UntrustedBundleError
from verifier.core.json_members import Members
from verifier.core.strict_json import JsonObject, canonical_json, parse_json_object

_VERSION: Final = 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_BYTES: Final = 64 * 1024  # several hundred profiles


@dataclass(frozen=True, slots=True)
class BundleMemory:
    """The newest bundle used under each profile, in one file that processes share.

    Attributes:
        path: The file; it and its folder are made when they are missing. A lock file lies beside.
    """

    path: Path

    def accept(self, profile: Profile, opened: OpenedBundle) -> None:
        """Remember a bundle, unless a later one was used before.

        Raises:
            UntrustedBundleError: A later one was used before (`older_than_seen`), another one about
                the same block (`conflicting`), or the memory cannot be read or written (`memory`):
                without it an old bundle could not be told from the newest.
        """
        block, digest = opened.bundle.home.block, opened.file.digest.hex()
        try:
            with self._locked():
                seen = self._read()
                if self._is_new(seen.get(profile.fingerprint()), block, digest):
                    seen[profile.fingerprint()] = {"block": block, "sha256": digest}
                    self._write({"bundles": _VERSION, "seen": seen})
        except (OSError, MalformedEvidenceError) as error:
            message = f"what was used before cannot be read or kept in {self.path}: {error}"
            raise UntrustedBundleError("memory", message) from error

    def _is_new(self, known: object, block: int, digest: str) -> bool:
        if not isinstance(known, dict):
            return True
        entry = Members(known, "bundle memory")
        entry.expect("block", "sha256")
        newest, name = entry.integer("block"), entry.text("sha256", pattern=_DIGEST)
        if block < newest:
            message = f"it is about block {block}; one about block {newest} was used before"
            raise UntrustedBundleError("older_than_seen", message)
        if block == newest and digest != name:
            message = f"another bundle about block {block} was used before: {name}"
            raise UntrustedBundleError("conflicting", message)
        return block > newest

    def _read(self) -> JsonObject:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        what = "bundle memory"
        members = Members(parse_json_object(data, what=what, max_bytes=_MOST_BYTES), what)
        members.expect("bundles", "seen")
        members.integer("bundles", least=_VERSION, most=_VERSION)
        return members.child("seen").value

    def _write(self, value: JsonObject) -> None:
        """Put the file in place so that it is the old one or the new one, whatever happens."""
        descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical_json(value))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # until the descriptor is closed
            yield
        finally:
            os.close(descriptor)
