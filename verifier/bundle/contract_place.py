"""One generation of contracts that is being read into a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifier.bundle.records import MAX_CHAIN_TIME, RegistryRecord
from verifier.chain.chain_profile import Generation
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, contract
from verifier.chain.reader import ChainReader


@dataclass(frozen=True, slots=True)
class ContractPlace:
    """One generation of contracts on one chain."""

    reader: ChainReader
    generation: Generation

    async def trust(self, function: str, *arguments: object) -> Mapping[str, Any]:
        """Return what the TrustRegistry answers to a call."""
        address = self.generation.trust_registry.address
        return await self._ask(TRUST_REGISTRY, address, function, arguments)

    async def ledger(self, function: str, *arguments: object) -> Mapping[str, Any]:
        """Return what the CertificateLedger answers to a call."""
        address = self.generation.certificate_ledger.address
        return await self._ask(CERTIFICATE_LEDGER, address, function, arguments)

    async def _ask(
        self, name: str, address: str, function: str, arguments: tuple[object, ...]
    ) -> Mapping[str, Any]:
        abi = contract(name)
        answer = await self.reader.call(address, abi.encode_call(function, *arguments))
        return abi.decode_result(function, answer)


@dataclass(frozen=True, slots=True)
class RegistryRead:
    """A registry with the numbers of its bodies and operators."""

    record: RegistryRecord
    bodies: Mapping[bytes, int]
    operators: Mapping[str, int]


def chain_time(moment: int) -> int:
    """Return a moment as a bundle can hold it."""
    return min(moment, MAX_CHAIN_TIME)


def chain_end(moment: int) -> int | None:
    """Return a moment, None for the 0 that contracts write for "none"."""
    return chain_time(moment) if moment else None
