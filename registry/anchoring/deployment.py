"""The two contracts: deployed once by a ceremony, or adopted if they are what they should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode
from eth_typing import HexAddress, HexStr
from web3.types import Nonce
from web3.utils.address import get_create_address

from registry.anchoring.ceremony import Act, Ceremony
from registry.anchoring.errors import CeremonyConflictError
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, read_export

DEPLOYER: Final = "deployer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Governance:
    """Who decides about parties and operators.

    Attributes:
        roles: Names of the members' transaction keys.
        threshold: How many of them must agree.
        delay: Seconds between their agreement and its effect; 0 on development chains only.
    """

    roles: tuple[str, ...]
    threshold: int
    delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A contract that stands on chain.

    Attributes:
        address: "0x" and 40 lower-case digits.
        code_hash: SHA-256 of its code, 32 bytes.
        block: Height of the block since which it stands; 0 when that is not known.
    """

    address: str
    code_hash: bytes
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Both contracts."""

    trust_registry: Deployed
    certificate_ledger: Deployed


def deploy(ceremony: Ceremony, governance: Governance) -> Deployment:
    """Return the deployment that this ceremony made, after making what is missing of it.

    Raises:
        CeremonyConflictError: What stands at the addresses is not what was deployed.
        ActsForOthersError: The deployer's key is not here.
        ChainUnavailableError: No usable answer in time; repeat the ceremony.
    """
    roles = ceremony.keystore.roles()
    members = [roles[role] for role in governance.roles]
    arguments = encode(
        ["address[]", "uint256", "uint256"], [members, governance.threshold, governance.delay]
    )
    registry = _contract(ceremony, TRUST_REGISTRY, arguments)
    ledger = _contract(ceremony, CERTIFICATE_LEDGER, encode(["address"], [registry.address]))
    return Deployment(trust_registry=registry, certificate_ledger=ledger)


def adopt(ceremony: Ceremony, *, trust_registry: str, certificate_ledger: str) -> Deployment:
    """Return a deployment that somebody else made, once it proves to be of our contracts.

    Raises:
        CeremonyConflictError: Other code stands at an address, or the two do not belong together.
    """
    deployment = Deployment(
        trust_registry=_checked(ceremony, TRUST_REGISTRY, trust_registry.lower(), block=0),
        certificate_ledger=_checked(
            ceremony, CERTIFICATE_LEDGER, certificate_ledger.lower(), block=0
        ),
    )
    ledger = deployment.certificate_ledger.address
    head = ceremony.chain.head()
    bound = ceremony.chain.read(CERTIFICATE_LEDGER, ledger, "registry", at=head)["trustRegistry"]
    if bound != deployment.trust_registry.address:
        raise CeremonyConflictError(f"the ledger {ledger} belongs to the trust registry {bound}")
    return deployment


def _contract(ceremony: Ceremony, name: str, arguments: bytes) -> Deployed:
    export = read_export(name)
    act = Act(
        title=f"deploy {name}",
        role=DEPLOYER,
        to=None,
        data=bytes.fromhex(export["bytecode"][2:]) + arguments,
    )
    if _find(ceremony, act.title) is None:
        ceremony.perform([act])
    found = _find(ceremony, act.title)
    if found is None:
        raise CeremonyConflictError(f"the ledger of acts misses: {act.title}")
    address, block = found
    return _checked(ceremony, name, address, block=block)


def _find(ceremony: Ceremony, title: str) -> tuple[str, int] | None:
    """Return address and block of a contract that the journal says was created."""
    for entry in ceremony.journal.entries():
        if entry.title == title:
            receipt = ceremony.chain.receipt(bytes.fromhex(entry.hash))
            if receipt is not None and receipt.succeeded:
                sender = HexAddress(HexStr(entry.account))
                address = get_create_address(sender, Nonce(entry.nonce))
                return str(address).lower(), receipt.block
    return None


def _checked(ceremony: Ceremony, name: str, address: str, *, block: int) -> Deployed:
    """Make sure that the code at an address is that of our contract."""
    code = ceremony.chain.code(address)
    export = read_export(name)
    if not code or _without(code, export) != _without(_hex(export["deployedBytecode"]), export):
        what = "another contract" if code else "no contract"
        raise CeremonyConflictError(f"there is {what} at {address}, where {name} should be")
    return Deployed(address=address, code_hash=ceremony.chain.hash_of(code), block=block)


def _without(code: bytes, export: dict[str, Any]) -> bytes:
    """Blank out the immutable values, which the constructor writes into the code."""
    blanked = bytearray(code)
    immutables: Sequence[dict[str, int]] = export["immutables"]
    for place in immutables:
        start, length = place["start"], place["length"]
        blanked[start : start + length] = bytes(length)
    return bytes(blanked)


def _hex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
