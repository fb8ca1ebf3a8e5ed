"""Trust bundles from a thousand to a million certificates: size, load, look-up, memory, delta.

Every certificate has an offline code, so twice as many leaves are anchored, in batches of at most
2^20; one certificate in a hundred is revoked, at a random place. Beside the growth with the number
of certificates the report has the cost of the look-ups of one offline code, which must stay flat.
"""

from __future__ import annotations

import hashlib
import os
import random
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from scripts.bench.figure import Figure, cpu_seconds
from scripts.bundle_vectors import DAILY_KEY, TIME, delegation, example
from tests.support.summaries import FixedSigner
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.delta import Delta
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.records import Bundle, LedgerRecord
from verifier.bundle.rows import (
    ANCHOR_BYTES,
    EVENT_BYTES,
    LEAF_BYTES,
    WORD_BYTES,
    AnchorRow,
    EventRow,
    replay,
)
from verifier.bundle.signatures import sign_bundle
from verifier.bundle.source import BundleTrustSource
from verifier.bundle.table import Table
from verifier.core.ids import body_id
from verifier.core.limits import MAX_BATCH_LEAVES, SUBTREE_LEAVES
from verifier.core.merkle import Tree, root_from_subtree, subtree_count

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
BATCHES: Final = 100_000
REVOKED: Final = 0.01
LOAD_SECONDS: Final = 1.0  # from the bytes of a file to the first answer, at a million
MEMORY_MIB: Final = 64.0
FLAT: Final = 3.0  # a look-up at a million costs at most this many times that at a thousand
LOOK_UPS: Final = 300
BODY: Final = body_id("CN", "did:web:lab.example")


@dataclass(frozen=True, slots=True)
class Grown:
    """A bundle about many certificates, with one of its subtree heads."""

    bundle: Bundle
    file: BundleFile
    head: bytes
    index: int


def grown(certificates: int) -> Grown:
    """Return a bundle about so many certificates."""
    chance = random.Random(certificates)  # noqa: S311  (the same every time)
    anchors, heads, head = _batches(2 * certificates)
    events = list(_revocations(certificates, chance))
    base = example()
    generation = base.home.generations[0]
    ledger = LedgerRecord(
        address=generation.ledger.address,
        code_hash=generation.ledger.code_hash,
        anchors=Table.of((anchor.pack() for anchor in anchors), ANCHOR_BYTES),
        heads=heads,
        words=Table.of(
            (word.pack() for word in replay(sorted(events, key=EventRow.pack))), WORD_BYTES
        ),
        events=Table.of((event.pack() for event in events), EVENT_BYTES),
        leaves=Table.of((), LEAF_BYTES),
    )
    chain = replace(base.home, block=10**6, generations=(replace(generation, ledger=ledger),))
    bundle = replace(base, chains=(chain,))
    file = sign_bundle(BundleFile(encode_content(bundle)), bundle, DAILY_KEY, delegation())
    return Grown(bundle, file, head, events[0].word * 256)


def _batches(leaves: int) -> tuple[list[AnchorRow], bytes, bytes]:
    """Return anchors, joined heads and one head of batches that together have so many leaves."""
    trees: list[tuple[bytes, int, bytes]] = []
    while leaves > 0:
        size = min(leaves, MAX_BATCH_LEAVES)
        heads = os.urandom(32 * subtree_count(size))
        trees.append((Tree.build(heads).root, size, heads))
        leaves -= size
    anchors = [
        AnchorRow(root=root, size=size, ordinal=number, operator=0, block=number, time=TIME - 9)
        for number, (root, size, _) in enumerate(trees)
    ]
    joined = b"".join(heads for _, size, heads in sorted(trees) if size > SUBTREE_LEAVES)
    return anchors, joined, trees[0][2][:32]


def _revocations(certificates: int, chance: random.Random) -> Iterator[EventRow]:
    for number in range(int(certificates * REVOKED)):
        index = chance.randrange(certificates)
        yield EventRow(
            body=0,
            list_number=0,
            word=index // 256,
            block=number,
            position=0,
            time=TIME - 9,
            kind="revoked",
            by_party=False,
            reason=3,
            mask=1 << index % 256,
        )


def _load(data: bytes) -> BundleTrustSource:
    return BundleTrustSource(decode_content(parse_bundle_file(data).content), now=TIME)


def _look_up(source: BundleTrustSource, grown_bundle: Grown, key: FixedSigner) -> None:
    """Ask everything that the verification of one offline code asks."""
    source.head()
    source.find_body(BODY)
    source.find_key(BODY, key.thumbprint)
    [way] = source.find_heads(grown_bundle.head)
    root = root_from_subtree(way.head, subtree=way.subtree, size=way.size, path=way.path)
    source.find_anchor(root, way.size)
    source.status(BODY, list_number=0, index=grown_bundle.index, leaf=bytes(32))
    source.documents_of(BODY)


def measure() -> list[Figure]:
    """Return how bundles grow, and what loading and asking them costs."""
    figures: list[Figure] = []
    look_ups: list[float] = []
    key = FixedSigner(number=3)
    signature = key.sign(b"message")
    one_check = cpu_seconds(lambda: key.public_key.verify(signature, b"message"), 200)
    for certificates in SIZES:
        made = grown(certificates)
        data = made.file.encode()
        seconds = min(cpu_seconds(lambda: _load(data), 1) for _ in range(3))  # noqa: B023
        source = _load(data)
        first = cpu_seconds(lambda: _look_up(source, made, key), 1)  # noqa: B023
        look_ups.append(cpu_seconds(lambda: _look_up(source, made, key), LOOK_UPS))  # noqa: B023
        largest = certificates == SIZES[-1]
        figures += [
            Figure(part=f"bundle file, {certificates:,} certificates", ours=len(data) / 1e3,
                   peer=certificates * 32 / 1e3, peer_name="32 B a certificate", unit="kB"),
            Figure(part=f"load a bundle, {certificates:,} certificates", ours=seconds * 1e3,
                   peer=LOAD_SECONDS * 1e3, peer_name="goal", unit="ms CPU",
                   goal=1.0 if largest else None),
            Figure(part=f"look-ups of one code, {certificates:,} certificates",
                   ours=look_ups[-1] * 1e6, peer=one_check * 1e6,
                   peer_name="one ES256 verification", unit="µs CPU"),
        ]  # fmt: skip
    figures += [_flatness(look_ups), _first(first), _memory(data), *_deltas(made)]
    return [*figures, *_many_batches()]


def _many_batches() -> list[Figure]:
    """Return what two years of a batch every ten minutes cost."""
    base = example()
    generation = base.home.generations[0]
    rows = [
        AnchorRow(
            root=os.urandom(32), size=900, ordinal=number, operator=0, block=number, time=TIME - 9
        )
        for number in range(BATCHES)
    ]
    anchors = Table.of((row.pack() for row in rows), ANCHOR_BYTES)
    ledger = replace(generation.ledger, anchors=anchors, heads=b"")
    chain = replace(base.home, generations=(replace(generation, ledger=ledger),))
    content = encode_content(replace(base, chains=(chain,)))
    data = BundleFile(content).encode()
    source = _load(data)
    return [
        Figure(part=f"load a bundle of {BATCHES:,} batches",
               ours=cpu_seconds(lambda: _load(data), 1) * 1e3, peer=LOAD_SECONDS * 1e3,
               peer_name="goal", unit="ms CPU", goal=1.0),
        Figure(part=f"find one of {BATCHES:,} batches",
               ours=cpu_seconds(lambda: source.find_anchor(rows[7].root, 900), LOOK_UPS) * 1e6,
               peer=100.0, peer_name="goal", unit="µs CPU", goal=1.0),
        replace(_memory(data), part=f"peak memory of loading {BATCHES:,} batches"),
    ]  # fmt: skip


def _flatness(look_ups: list[float]) -> Figure:
    return Figure(
        part="look-ups at a million certificates",
        ours=look_ups[-1] * 1e6,
        peer=look_ups[1] * 1e6,  # at a thousand the batch is too small to have several heads
        peer_name="at ten thousand",
        unit="µs CPU",
        goal=FLAT,
    )


def _first(seconds: float) -> Figure:
    return Figure(
        part="look-ups of the first code of a batch of 2^20 leaves",
        ours=seconds * 1e6,
        peer=5000.0,  # 1024 heads are hashed into their tree; no batch has more
        peer_name="goal",
        unit="µs CPU",
        goal=1.0,
    )


def _memory(data: bytes) -> Figure:
    tracemalloc.start()
    source = _load(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    source.head()
    return Figure(
        part="peak memory of loading a million certificates",
        ours=peak / 2**20,
        peer=MEMORY_MIB,
        peer_name="goal",
        unit="MiB",
        goal=1.0,
    )


def _deltas(made: Grown) -> list[Figure]:
    """Return size and cost of the delta to the next day: one more batch, a hundred revocations."""
    generation = made.bundle.home.generations[0]
    old = generation.ledger
    root = hashlib.sha256(b"the next batch").digest()
    anchor = AnchorRow(
        root=root, size=900, ordinal=len(old.anchors), operator=0, block=10**6, time=TIME
    )
    fresh = [
        replace(event, word=event.word + 40_000_000 // 256, block=10**6, position=number)
        for number, event in enumerate(map(EventRow.unpack, list(old.events)[:100]))
    ]
    events = [*map(EventRow.unpack, old.events), *fresh]
    words = replay(sorted(events, key=EventRow.pack))
    ledger = replace(
        old,
        anchors=Table.of([*old.anchors, anchor.pack()], ANCHOR_BYTES),
        events=Table.of((event.pack() for event in events), EVENT_BYTES),
        words=Table.of((word.pack() for word in words), WORD_BYTES),
    )
    chain = replace(
        made.bundle.home, block=10**6 + 1, generations=(replace(generation, ledger=ledger),)
    )
    later = replace(made.bundle, chains=(chain,))
    result = sign_bundle(BundleFile(encode_content(later)), later, DAILY_KEY, delegation())
    delta = Delta.between(made.file, result)
    assert delta.apply(made.file) == result  # noqa: S101  (a figure of something wrong is none)
    return [
        Figure(part="delta of a day at a million certificates", ours=len(delta.encode()) / 1e3,
               peer=len(result.encode()) / 1e3, peer_name="the whole bundle", unit="kB"),
        Figure(part="make a delta at a million certificates",
               ours=cpu_seconds(lambda: Delta.between(made.file, result), 1) * 1e3, peer=5000.0,
               peer_name="goal", unit="ms CPU", goal=1.0),
        Figure(part="apply a delta at a million certificates",
               ours=cpu_seconds(lambda: delta.apply(made.file), 1) * 1e3, peer=1000.0,
               peer_name="goal", unit="ms CPU", goal=1.0),
    ]  # fmt: skip
