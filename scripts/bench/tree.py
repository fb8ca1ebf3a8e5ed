"""One million leaves: CPU, memory a leaf, and a proof from stored levels."""

from __future__ import annotations

import hashlib
import os
import sys
import tracemalloc
from typing import Final

from scripts.bench.figure import Figure, compared, cpu_seconds
from verifier.core.merkle import Tree

LEAVES: Final = 1_000_000
BYTES_A_LEAF: Final = 64
GOAL_SECONDS: Final = 2.0
GOAL_MEMORY: Final = 1.5


def measure() -> list[Figure]:
    """Return building time, peak memory and proof time."""
    leaves = os.urandom(32 * LEAVES)
    seconds = min(cpu_seconds(lambda: Tree.build(leaves), 1) for _ in range(3))
    hashes = cpu_seconds(lambda: _bare_hashes(LEAVES), 1)
    tracemalloc.start()
    tree = Tree.build(leaves)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    proof, one_hash = compared(
        lambda: tree.proof(654_321), lambda: hashlib.sha256(leaves[:65]).digest(), times=2000
    )
    sys.stdout.flush()
    return [
        Figure(part="build a tree of one million leaves", ours=seconds, peer=GOAL_SECONDS,
               peer_name="goal", unit="s CPU", goal=1.0),
        Figure(part="build a tree of one million leaves", ours=seconds, peer=hashes,
               peer_name="one million bare SHA-256 of 65 bytes", unit="s CPU"),
        Figure(part="peak memory of building, a leaf", ours=peak / LEAVES, peer=BYTES_A_LEAF,
               peer_name="64 bytes", unit="B", goal=GOAL_MEMORY),
        Figure(part="proof on demand", ours=proof * 1e6, peer=50.0, peer_name="goal",
               unit="µs CPU", goal=1.0),
        Figure(part="proof on demand", ours=proof * 1e6, peer=one_hash * 1e6,
               peer_name="one SHA-256", unit="µs CPU"),
    ]  # fmt: skip


def _bare_hashes(count: int) -> None:
    block = bytes(65)
    sha256 = hashlib.sha256
    for _ in range(count):
        sha256(block).digest()
