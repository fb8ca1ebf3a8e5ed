"""A measured figure beside its peer, and how CPU time is taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_ROUNDS: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement.

    Attributes:
        part: What was measured, e.g. "issue a certificate, 25 disclosures".
        ours: Our figure in `unit`.
        peer: The figure beside it, in the same unit.
        peer_name: What the peer or limit is.
        unit: Unit of both, e.g. "µs CPU".
        goal: Largest allowed `ours / peer`, or None where the peer is shown for orientation only.
        at_least: True where the goal is a smallest ratio instead (we are to be faster).
    """

    part: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """Our figure divided by the peer's."""
        return self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of one call, averaged over `times` calls."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def compared(
    ours: Callable[[], object], peer: Callable[[], object], *, times: int, rounds: int = _ROUNDS
) -> tuple[float, float]:
    """Return the median CPU seconds of one call of each, measured in turns.

    Taking turns puts both under the same noise; the first call of each is not counted.
    """
    ours()
    peer()
    pairs = [(cpu_seconds(ours, times), cpu_seconds(peer, times)) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
