"""From a thousand to a million leaves: sealed, sent, final, provable; cost of a proof and a check.

Each size runs in a process of its own, so that its peak memory is its own, on the real contracts of
one embedded chain. What is measured begins where signing ends: the leaves stand in the queue.
`python -m scripts.bench.growth SIZE HOME` measures one size and prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from registry.anchoring.crew import crew, equip
from registry.anchoring.domain import LeafKind
from registry.anchoring.proofs import find_proof, prove, read_batch
from registry.anchoring.trees import TreeShelf
from registry.certificates.contents import open_contents
from registry.kit import schema
from registry.kit.database import Database
from registry.object_store import open_object_store
from scripts.bench.figure import Figure, compared, cpu_seconds
from tests.support.live_anchoring import LiveChain
from verifier.core.merkle import Tree, root_from_path

if TYPE_CHECKING:
    from verifier.core.certificate import IssuedCertificate
    from verifier.core.keys import PublicKey

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
OUT: Final = Path("out/bench")
GOAL_SECONDS: Final = 30.0
GOAL_MEGABYTES: Final = 300.0
GOAL_PROOF_US: Final = 50.0
GOAL_FLAT: Final = 1.15  # a path of 20 nodes instead of 10 is ten hashes more
_PROOFS: Final = 3_000
_ROUNDS: Final = 5


def measure() -> list[Figure]:
    """Return the figures of the largest size, and how they grew; draw the growth."""
    # Imported here and below: the measured process loads what it needs for its work alone.
    from scripts.bench.plot import save_growth  # noqa: PLC0415

    results: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="lancang-growth-") as folder:
        live = LiveChain(Path(folder) / "chain")
        try:
            live.found()
            for size in SIZES:
                results[size] = _in_own_process(size, Path(folder))
        finally:
            live.stop()
    (OUT / "growth-measured.json").write_text(json.dumps(results, indent=1))
    save_growth(
        "From a thousand to a million leaves",
        {
            "seal, send, final, published (s CPU)": _line(results, "cpu_seconds"),
            "the same (s wall)": _line(results, "wall_seconds"),
            "peak memory of the process (MB)": _line(results, "peak_megabytes"),
            "proof, warm batch (µs CPU)": _line(results, "proof_us"),
            "proof with its SQL (µs CPU)": _line(results, "proof_sql_us"),
            "verify one certificate (µs CPU)": _line(results, "verify_us"),
        },
        OUT / "growth-lines.png",
    )
    return _figures(results)


def _figures(results: dict[int, dict[str, float]]) -> list[Figure]:
    most = results[SIZES[-1]]
    return [
        Figure(part=f"{SIZES[-1]:,} leaves sealed, sent, final and published",
               ours=most["cpu_seconds"], peer=GOAL_SECONDS, peer_name="goal", unit="s CPU",
               goal=1.0),
        # No goal of its own: a shared machine's other work and its disk are in it.
        Figure(part="  the same by the clock on the wall", ours=most["wall_seconds"],
               peer=GOAL_SECONDS, peer_name="goal", unit="s"),
        Figure(part="  peak memory of the process", ours=most["peak_megabytes"],
               peer=GOAL_MEGABYTES, peer_name="goal", unit="MB", goal=1.0),
        Figure(part="proof on demand, warm batch", ours=most["proof_us"], peer=GOAL_PROOF_US,
               peer_name="goal", unit="µs CPU", goal=1.0),
        Figure(part="  with its SQL through the session", ours=most["proof_sql_us"],
               peer=most["bare_sql_us"], peer_name="the bare query", unit="µs CPU"),
        Figure(part="  the first proof of a batch", ours=most["cold_ms"], peer=most["hash_ms"],
               peer_name="hashing its object", unit="ms CPU"),
        Figure(part=f"verify one certificate of {SIZES[-1]:,}", ours=most["verify_us"],
               peer=most["verify_base_us"], peer_name=f"one of {SIZES[0]:,}", unit="µs CPU",
               goal=GOAL_FLAT),
    ]  # fmt: skip


def _line(results: dict[int, dict[str, float]], name: str) -> list[tuple[int, float]]:
    return [(size, found[name]) for size, found in results.items()]


def _in_own_process(size: int, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, str(size), str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run(size: int, folder: Path) -> dict[str, float]:
    """Measure one size with a database and an object store of its own.

    Args:
        size: Number of leaves.
        folder: With the chain in `chain`.
    """
    live = LiveChain(folder / "chain")
    home = folder / str(size)
    home.mkdir()
    database = Database(f"sqlite:///{home / 'lancang.db'}")
    schema.upgrade(database)
    leaves = [secrets.token_bytes(32) for _ in range(min(size, _PROOFS))]
    _queue(database, leaves, size)
    with _workers(live, database, home) as (workers, trees):
        found = _anchored(workers, live)
        found |= _proofs(database, trees, leaves)
    found["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found |= _verification(size)  # after the peak: it builds a tree of its own
    database.dispose()
    return found


def _queue(database: Database, leaves: list[bytes], size: int) -> None:
    """Put leaves into the queue, some of them known, as signing leaves them there."""
    known = dict(zip(random.Random(size).sample(range(size), len(leaves)), leaves, strict=True))  # noqa: S311
    now = datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    rows = (
        (known.get(number) or os.urandom(32), LeafKind.CERTIFICATE.value, now)
        for number in range(size)
    )
    with database.begin() as session:
        cursor: Any = session.connection().connection.cursor()
        cursor.executemany("INSERT INTO leaves (leaf, kind, queued_at) VALUES (?, ?, ?)", rows)


@contextmanager
def _workers(live: LiveChain, database: Database, home: Path) -> Iterator[tuple[Any, TreeShelf]]:
    settings = live.settings.model_copy(update={"home": home})
    trees = TreeShelf(open_object_store(settings))
    equipment = replace(
        equip(live.settings, database, contents=open_contents(live.settings, database)),
        trees=trees,
        lock_folder=home / "locks",
    )
    with crew(equipment, observer=lambda _event: None) as workers:
        yield workers, trees


def _anchored(workers: Any, live: LiveChain) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    while any(worker.round(flush=True).unfinished for worker in workers):
        live.mine()
    return {
        "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
    }


def _proofs(database: Database, trees: TreeShelf, leaves: list[bytes]) -> dict[str, float]:
    """Return what proofs cost: the first of a batch, of a warm one, and with their SQL."""
    with database.read() as session:
        begin = time.process_time()
        first = find_proof(session, leaves[0], trees=trees)
        cold = time.process_time() - begin
        if first is None or first.anchor is None:
            raise AssertionError("a published leaf has no proof")
        proofs = [find_proof(session, leaf, trees=trees) for leaf in leaves]
        batch = read_batch(session, 1)
        name = batch.tree_object or b""
        places = [(proof.index, proof.leaf) for proof in proofs if proof is not None]
        with_sql = _median(
            lambda: [find_proof(session, leaf, trees=trees) for leaf in leaves], len(leaves)
        )
        driver = session.connection().connection.dbapi_connection
        query = (
            "SELECT l.batch_id, l.position, w.version FROM leaves l"
            " JOIN ledger_writes w ON w.id = l.batch_id WHERE l.leaf = ?"
        )
        bare = _median(
            lambda: [driver.execute(query, (leaf,)).fetchone() for leaf in leaves],  # type: ignore[union-attr]
            len(leaves),
        )
    warm = _median(
        lambda: [prove(trees.get(name), index, leaf=leaf, batch=batch) for index, leaf in places],
        len(places),
    )
    hashing = cpu_seconds(lambda: trees.read(name), 1)
    return {
        "cold_ms": cold * 1e3,
        "hash_ms": hashing * 1e3,
        "proof_us": warm * 1e6,
        "proof_sql_us": with_sql * 1e6,
        "bare_sql_us": bare * 1e6,
    }


def _verification(size: int) -> dict[str, float]:
    """Return what it costs to verify a certificate offline: disclosures, signature and path."""
    from scripts.bench.certificates import BareSigner  # noqa: PLC0415
    from tests.support.certificates import (  # noqa: PLC0415
        ISSUED_AT,
        STATUS,
        sample_documents,
        sample_issuer,
    )
    from verifier.core.certificate import issue_certificate  # noqa: PLC0415
    from verifier.core.document import parse_document  # noqa: PLC0415

    signer, source = BareSigner(), sample_documents()[0]
    document = parse_document(source)
    issued = issue_certificate(
        document, issuer=sample_issuer(source), status=STATUS, issued_at=ISSUED_AT, signer=signer,
        credential_id="urn:uuid:3f2b7e1c-90ad-4c55-8e6b-1d2f3a4b5c6d",
        salts=secrets.token_bytes(document.template.salt_bytes),
    )  # fmt: skip
    few, many = (_check_of(issued, signer.public, leaves) for leaves in (SIZES[0], size))
    ours, base = compared(many, few, times=100)
    return {"verify_us": ours * 1e6, "verify_base_us": base * 1e6}


def _check_of(issued: IssuedCertificate, key: PublicKey, size: int) -> Callable[[], bool]:
    """Return the verification of a certificate among `size`."""
    from verifier.core.certificate import parse_certificate  # noqa: PLC0415
    from verifier.core.views import resolve_certificate  # noqa: PLC0415

    tree = Tree.build(issued.leaf + os.urandom(32 * (size - 1)))
    root, proof = tree.root, tree.proof(0)

    def verify() -> bool:
        parsed = parse_certificate(issued.compact)
        resolved = resolve_certificate(parsed)
        found = root_from_path(parsed.leaf, index=proof.index, size=proof.size, path=proof.path)
        if not (parsed.jws.signed_by(key) and resolved.complete and found == root):
            raise AssertionError("the measured certificate does not verify")
        return True

    return verify


def _median(work: Callable[[], object], calls: int) -> float:
    """Return the CPU seconds of one of the calls that `work` makes."""
    return statistics.median(cpu_seconds(work, 1) / calls for _ in range(_ROUNDS))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(int(sys.argv[1]), Path(sys.argv[2]))))
