"""One chain of a trust profile: its identity, its contracts, and through whom it is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from verifier.chain.endpoint import Endpoint
from verifier.core.errors import UntrustedProfileError
from verifier.core.json_members import Members

DEVELOPMENT_CHAIN_IDS: Final = frozenset(
    {
        900,  # OP Stack development network, first layer
        901,  # OP Stack development network, second layer
        1337,  # geth --dev, Besu --network=dev, ganache
        5777,  # Ganache with a window
        31337,  # anvil, Hardhat
        412346,  # Nitro development node
    }
)
PRODUCTION_QUORUM: Final = 2  # one node alone, whoever runs it, must not decide a verdict
MAX_ENDPOINTS: Final = 16  # every fact is asked of all of them
MAX_GENERATIONS: Final = 32  # every fact is looked up in all of them
_SHORTEST_AGE: Final = 10  # seconds; less refuses every network's ordinary block interval
_LONGEST_AGE: Final = 7 * 24 * 3600  # seconds; a bundle older than that is no answer either
_DEEPEST: Final = 1_000_000  # blocks on top; a larger number is a mistake

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_DIGEST: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


class FinalityRule(StrEnum):
    """How a network says that a block will stay."""

    FINALIZED = "finalized"  # the `finalized` block tag
    INSTANT = "instant"  # every block (QBFT, IBFT)
    DEPTH = "depth"  # a number of blocks on top, where neither of the others exists


@dataclass(frozen=True, slots=True)
class Finality:
    """Finality rule of one chain; `depth` counts blocks on top and belongs to DEPTH alone."""

    rule: FinalityRule
    depth: int | None


@dataclass(frozen=True, slots=True)
class PinnedContract:
    """A contract and what its code must be.

    Attributes:
        address: "0x" and 40 lower-case hexadecimal digits.
        code_hash: SHA-256 of the code that `eth_getCode` returns, 32 bytes. (Not Keccak: nothing
            else in the verifier needs it.)
    """

    address: str
    code_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The contracts that speak for the blocks `[from_block, until_block)`; None is an open end."""

    from_block: int
    until_block: int | None
    trust_registry: PinnedContract
    certificate_ledger: PinnedContract

    def covers(self, block: int) -> bool:
        """Tell whether `block` lies in the range of this generation."""
        return self.from_block <= block and (self.until_block is None or block < self.until_block)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProfile:
    """What a checker decided about one chain.

    Attributes:
        chain_id: As `eth_chainId` says.
        genesis: Hash of block 0, 32 bytes.
        generations: Ordered by block, without overlap; only the last may be open.
        finality: When a block counts as final.
        max_head_age_seconds: A final block older than this is no answer about today.
        endpoints: Nodes to ask.
        quorum: How many distinct operators must give the same answer.
    """

    chain_id: int
    genesis: bytes
    generations: tuple[Generation, ...]
    finality: Finality
    max_head_age_seconds: int
    endpoints: tuple[Endpoint, ...]
    quorum: int


def read_chain(members: Members) -> ChainProfile:
    """Read one element of the profile's list of chains.

    Raises:
        MalformedEvidenceError: A member is missing, unknown, of another type or out of bounds.
        UntrustedProfileError: An endpoint may not be asked.
    """
    members.expect(
        "chain_id",
        "genesis",
        "generations",
        "finality",
        "max_head_age_seconds",
        "endpoints",
        "quorum",
    )
    return ChainProfile(
        chain_id=members.integer("chain_id", least=1),
        genesis=_digest(members, "genesis"),
        generations=tuple(map(_generation, members.children("generations"))),
        finality=_finality(members.child("finality")),
        max_head_age_seconds=members.integer(
            "max_head_age_seconds", least=_SHORTEST_AGE, most=_LONGEST_AGE
        ),
        endpoints=tuple(map(_endpoint, members.children("endpoints"))),
        quorum=members.integer("quorum", least=1, most=MAX_ENDPOINTS),
    )


def check_chain(chain: ChainProfile, *, production: bool) -> None:
    """Refuse a chain that breaks the rules for its generations, endpoints or kind of profile.

    Raises:
        UntrustedProfileError: Saying which rule.
    """
    where = f"chain {chain.chain_id}"
    _check_generations(chain.generations, where)
    _check_endpoints(chain, where)
    if not production:
        return
    if chain.chain_id in DEVELOPMENT_CHAIN_IDS:
        raise UntrustedProfileError(f"{where} is a development chain: in no production profile")
    if chain.quorum < PRODUCTION_QUORUM:
        raise UntrustedProfileError(
            f"{where}: production needs a quorum of at least {PRODUCTION_QUORUM} operators"
        )


def _check_generations(generations: Sequence[Generation], where: str) -> None:
    if not 1 <= len(generations) <= MAX_GENERATIONS:
        raise UntrustedProfileError(f"{where}: must have 1 to {MAX_GENERATIONS} generations")
    for generation in generations:
        until = generation.until_block
        if until is not None and until <= generation.from_block:
            raise UntrustedProfileError(f"{where}: a generation covers no block")
    for earlier, later in pairwise(generations):
        if earlier.until_block is None or later.from_block < earlier.until_block:
            raise UntrustedProfileError(
                f"{where}: generations overlap or are not in the order of their blocks"
            )


def _check_endpoints(chain: ChainProfile, where: str) -> None:
    if not 1 <= len(chain.endpoints) <= MAX_ENDPOINTS:
        raise UntrustedProfileError(f"{where}: must have 1 to {MAX_ENDPOINTS} endpoints")
    if len({endpoint.url for endpoint in chain.endpoints}) < len(chain.endpoints):
        raise UntrustedProfileError(f"{where}: an endpoint is listed twice")
    operators = len({endpoint.witness for endpoint in chain.endpoints})
    if chain.quorum < 1 or chain.quorum > operators:
        raise UntrustedProfileError(
            f"{where}: a quorum of {chain.quorum} cannot be had from {operators} distinct operators"
        )


def _generation(members: Members) -> Generation:
    members.expect("from_block", "until_block", "trust_registry", "certificate_ledger")
    until = None if members.value["until_block"] is None else members.integer("until_block")
    return Generation(
        from_block=members.integer("from_block"),
        until_block=until,
        trust_registry=_contract(members.child("trust_registry")),
        certificate_ledger=_contract(members.child("certificate_ledger")),
    )


def _contract(members: Members) -> PinnedContract:
    members.expect("address", "code_hash")
    return PinnedContract(
        members.text("address", pattern=_ADDRESS).lower(), _digest(members, "code_hash")
    )


def _finality(members: Members) -> Finality:
    members.expect("rule", "depth")
    rule = FinalityRule(
        members.text("rule", pattern=re.compile("|".join(rule.value for rule in FinalityRule)))
    )
    if rule is FinalityRule.DEPTH:
        return Finality(rule, members.integer("depth", least=1, most=_DEEPEST))
    if members.value["depth"] is not None:
        raise members.malformed("depth", f"must be null for the rule {rule}", reason="value")
    return Finality(rule, None)


def _endpoint(members: Members) -> Endpoint:
    members.expect("url", "operator")
    return Endpoint(members.text("url", longest=2048), members.text("operator", longest=64))


def _digest(members: Members, name: str) -> bytes:
    return bytes.fromhex(members.text(name, pattern=_DIGEST)[2:])
