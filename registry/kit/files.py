"""Files that are either complete and on the disk, or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes | bytearray | memoryview) -> None:
    """Put a file in place of whatever is there; readable by its owner alone.

    It is written under a temporary name in the same folder, synchronised and renamed, and the
    folder is synchronised too. Missing folders are made.

    Raises:
        OSError: It cannot be written; what was there is unchanged.
    """
    _make_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _synchronise_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Create a folder with its parents, each of them durably."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in missing:
        _synchronise_folder(path.parent)


def _synchronise_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
