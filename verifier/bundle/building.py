"""Making a bundle from the chain and hash-named documents: anybody gets the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import groupby

import httpx

from verifier.bundle.consistency import check_bundle, check_generation
from verifier.bundle.library import Library, Shelves
from verifier.bundle.opening import check_contracts
from verifier.bundle.reading import read_chain
from verifier.bundle.records import Bundle, ChainRecord, GenerationRecord
from verifier.chain.profile import Profile
from verifier.chain.reader import open_chain
from verifier.core.hashing import DIGEST_BYTES
from verifier.core.limits import SUBTREE_LEAVES


def build_bundle(
    profile: Profile,
    libraries: Sequence[Library],
    *,
    now: int,
    blocks: Mapping[int, int] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Bundle:
    """Make the bundle of everything that the contracts of a profile say.

    Not to be called inside an event loop.

    Args:
        profile: Chains, contracts, endpoints and quorum.
        libraries: Where documents and heads are looked for, in this order.
        now: Unix time by the builder's clock, against which the age of the final block is held.
        blocks: Block to read at, by chain id; the last final one of a chain that is not named.
            Nodes must still have its state.
        transport: Replaces the network, for tests.

    Raises:
        EvidenceUnavailableError: As `open_chain` and `read_chain`.
        BundleIncompleteError: A document or the heads of a tree are missing; it names all.
        MalformedEvidenceError: What the contracts hold contradicts itself.
        UntrustedBundleError: The profile names no contracts for the block.
    """
    chains = asyncio.run(_read_chains(profile, now, blocks or {}, transport))
    shelves = Shelves(libraries)
    bundle = Bundle(
        chains=tuple(_with_heads(chain, shelves) for chain in chains),
        documents={digest: shelves.document(digest) for digest in sorted(_named(chains))},
    )
    shelves.check()
    check_contracts(bundle, profile)
    check_bundle(bundle)
    for chain in bundle.chains:
        for generation in chain.generations:
            check_generation(generation)
    return bundle


async def _read_chains(
    profile: Profile,
    now: int,
    blocks: Mapping[int, int],
    transport: httpx.AsyncBaseTransport | None,
) -> list[ChainRecord]:
    """Pin a block of every chain first, then read them: they are about the same time."""
    async with AsyncExitStack() as stack:
        readers = []
        for chain in profile.chains:
            block = blocks.get(chain.chain_id)
            reader = await open_chain(chain, now=now, block=block, transport=transport)
            stack.push_async_callback(reader.close)
            readers.append(reader)
        return [await read_chain(reader) for reader in readers]


def _named(chains: Sequence[ChainRecord]) -> set[bytes]:
    """Return the hashes of every document that the chains name."""
    return {
        scope.document_hash
        for chain in chains
        for generation in chain.generations
        for body in generation.registry.bodies
        for scope in body.scopes
    }


def _with_heads(chain: ChainRecord, shelves: Shelves) -> ChainRecord:
    return replace(
        chain,
        generations=tuple(
            replace(
                generation,
                ledger=replace(generation.ledger, heads=b"".join(_heads(generation, shelves))),
            )
            for generation in chain.generations
        ),
    )


def _heads(generation: GenerationRecord, shelves: Shelves) -> Iterator[bytes]:
    """Yield the heads of every tree of more than one subtree, in the order of the anchors."""
    for tree, _ in groupby(generation.ledger.anchors, lambda row: row[: DIGEST_BYTES + 4]):
        root, size = tree[:DIGEST_BYTES], int.from_bytes(tree[DIGEST_BYTES:])
        if size > SUBTREE_LEAVES:
            yield shelves.heads(root, size)
