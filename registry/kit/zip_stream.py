"""A ZIP archive that is sent while it is written, one file at a time in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath


def zip_stream(files: Iterable[tuple[str, bytes]], *, at: datetime) -> Iterator[bytes]:
    """Yield an archive, stored without compression; what is packed is compressed already.

    Args:
        files: Names and contents. A name that comes again gets a number.
        at: Time that every file in it shows.
    """
    sink = _Sink()
    seen: dict[str, int] = {}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(_free_name(name, seen), at.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
            yield sink.take()
    yield sink.take()


def _free_name(name: str, seen: dict[str, int]) -> str:
    seen[name] = seen.get(name, 0) + 1
    if seen[name] == 1:
        return name
    path = PurePosixPath(name)
    return _free_name(str(path.with_name(f"{path.stem}-{seen[name]}{path.suffix}")), seen)


class _Sink(io.RawIOBase):
    """Takes what is written until somebody fetches it; cannot be wound back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # zipfile writes bytes alone
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken
