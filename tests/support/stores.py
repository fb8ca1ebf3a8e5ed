"""Object stores that go wrong when a test wants them to."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.kit.objects import ObjectStore, ObjectStoreUnavailableError


@dataclass
class MoodyStore:
    """A store in front of another one.

    Attributes:
        away: Nothing can be done.
        puts_left: How many objects can be written before the store goes away; None: any number.
        written: Kinds of the objects that were given to it.
    """

    inner: ObjectStore
    away: bool = False
    puts_left: int | None = None
    written: list[str] = field(default_factory=list)

    def put(self, kind: str, data: bytes | bytearray | memoryview) -> bytes:
        """Keep, unless it is away."""
        if self.puts_left is not None:
            self.away = self.away or self.puts_left == 0
            self.puts_left -= 1
        self.probe()
        self.written.append(kind)
        return self.inner.put(kind, data)

    def get(self, kind: str, name: bytes) -> bytes | mmap.mmap:
        """Return, unless it is away."""
        self.probe()
        return self.inner.get(kind, name)

    def names(self, kind: str) -> Iterator[bytes]:
        """List, unless it is away."""
        self.probe()
        return self.inner.names(kind)

    def probe(self) -> None:
        """Say whether it is away."""
        if self.away:
            raise ObjectStoreUnavailableError("the store is away")
