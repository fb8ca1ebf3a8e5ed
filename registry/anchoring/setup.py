"""Setting up an installation on chain: keys, contracts, registration, trust profile, record.

Everything here can be repeated; what is there already stays. The record of a ceremony says what
was done in a form that can be read out, compared and signed on paper.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from eth_utils.address import to_checksum_address

from registry.anchoring.ceremony import Ceremony, Journal
from registry.anchoring.connect import (
    node_urls,
    open_keystore,
    uses_embedded_chain,
)
from registry.anchoring.deployment import (
    DEPLOYER,
    Deployed,
    Deployment,
    Governance,
    adopt,
    deploy,
)
from registry.anchoring.errors import CeremonyConflictError, KeystoreError
from registry.anchoring.governance import Registrar
from registry.anchoring.node import Node, data, member, quantity
from registry.anchoring.passphrase import make_demonstration_passphrase
from registry.anchoring.registration import Registered, Registration
from registry.anchoring.transaction_keys import (
    LIGHT_WORK_FACTOR,
    STRONG_WORK_FACTOR,
    TransactionKeystore,
)
from registry.anchoring.web3_chain import Pins, Web3Chain
from registry.kit.files import write_atomically
from registry.settings import Environment, Settings
from verifier.chain.chain_profile import Finality, FinalityRule
from verifier.chain.profile import Profile, parse_profile
from verifier.core.keys import Algorithm
from verifier.core.strict_json import JsonObject, canonical_json

_MEMBER: Final = "governance-"
_DEMONSTRATION_MEMBERS: Final = tuple(f"{_MEMBER}{number}" for number in (1, 2, 3))
_PRODUCTION_DELAY: Final = timedelta(hours=48)  # the least that the contract accepts
_PLAY_MONEY: Final = 10**20  # wei on the development chain: more than any demonstration spends
_LITTLE_MONEY: Final = 10**18
_QUICK_PAUSE: Final = 0.25  # seconds between two looks at a chain with a block every second
_PAUSE: Final = 3.0
_HEAD_AGE_SECONDS: Final = 600  # the development chain makes a block every 12 s at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a ceremony left behind.

    Attributes:
        deployment: The contracts.
        registered: Since when the chain knows parties, bodies, scopes and keys.
        profile: The trust profile of a demonstration; None in production, where checkers make
            theirs from the record.
        record_path: Where the record of the ceremony is.
    """

    deployment: Deployment
    registered: Registered
    profile: Profile | None
    record_path: Path


def set_up(
    settings: Settings,
    wanted: Registration,
    *,
    now: datetime,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> Setup:
    """Bring a registration on chain, with everything that it needs, and write it all down.

    Args:
        settings: A demonstration makes its own keys and money; production brings both.
        wanted: What is to stand in the TrustRegistry.
        now: The present moment, for the record.
        pause: How to wait; takes seconds.
        tell: Told in words of everything that happens.

    Raises:
        CeremonyConflictError: What stands contradicts what is wanted.
        ActsForOthersError: The rest needs keys that are not on this machine.
        ChainUnavailableError: No usable answer in time; repeat the ceremony.
        KeystoreError: A transaction key or the passphrase is missing.
    """
    keystore = _make_keys(settings, wanted)
    url = node_urls(settings)[0]
    ceremony = open_ceremony(settings, keystore, url, pause=pause, tell=tell)
    ceremony.resume()
    governance = governance_of(settings, keystore)
    deployment = _deployment(settings, ceremony, governance)
    registrar = Registrar(
        ceremony=ceremony, address=deployment.trust_registry.address, governance=governance
    )
    registered = registrar.register(wanted)
    profile = None
    if settings.environment is Environment.DEMONSTRATION:
        profile = _write_profile(settings, ceremony, deployment, wanted, url)
    record = _record(ceremony, governance, deployment, wanted, profile)
    record |= {"environment": settings.environment.value, "written_at": now.isoformat()}
    record_path = settings.home / "ceremony.json"
    write_atomically(record_path, json.dumps(record, indent=2).encode() + b"\n")
    return Setup(
        deployment=deployment, registered=registered, profile=profile, record_path=record_path
    )


def open_ceremony(
    settings: Settings,
    keystore: TransactionKeystore,
    url: str,
    *,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> Ceremony:
    """Open a ceremony on the chain that a node serves; nothing else need pin that chain yet.

    Args:
        settings: Where journal and chain are.
        keystore: Keys of the roles that act.
        url: Of the node.
        pause: How to wait; takes seconds.
        tell: Told in words of everything that happens.

    Raises:
        CeremonyConflictError: The node serves another chain than the settings say.
        ChainUnavailableError: It does not answer.
    """
    node = Node(url, timeout=settings.chain.timeout, pause=pause)
    chain_id = quantity(node.ask("eth_chainId"))
    if settings.chain.chain_id not in (None, chain_id):
        raise CeremonyConflictError(
            f"{node.name} serves chain {chain_id}, the settings say {settings.chain.chain_id}"
        )
    genesis = data(member(node.ask("eth_getBlockByNumber", "0x0", False), "hash"), length=32)
    finality = Finality(FinalityRule.FINALIZED, None)
    pins = Pins(chain_id=chain_id, genesis=genesis, contracts={}, ledger="", finality=finality)
    seconds = _QUICK_PAUSE if uses_embedded_chain(settings) else _PAUSE
    ceremony = Ceremony(
        chain=Web3Chain(node, pins),
        keystore=keystore,
        journal=Journal(settings.home / "ceremony.journal"),
        genesis=genesis,
        pause=lambda: pause(seconds),
        tell=tell,
    )
    if uses_embedded_chain(settings):
        _give_play_money(ceremony, node)
    return ceremony


def _make_keys(settings: Settings, wanted: Registration) -> TransactionKeystore:
    """Make sure that every role has an address; a demonstration makes the keys it misses."""
    is_demonstration = settings.environment is Environment.DEMONSTRATION
    roles = [
        DEPLOYER,
        *(_DEMONSTRATION_MEMBERS if is_demonstration else ()),
        *wanted.operators,
        *(party.role for party in wanted.parties),
        *(body.role for body in wanted.bodies),
    ]
    if is_demonstration:
        make_demonstration_passphrase(settings)
    keystore = open_keystore(settings)
    known = keystore.roles()
    missing = [role for role in roles if role not in known]
    if missing and not is_demonstration:
        raise KeystoreError(
            f"no key and no address for {', '.join(missing)} in {settings.transaction_keystore}"
        )
    # Behind a passphrase of 256 random bits the cost of a guess does not matter.
    is_random = settings.chain.passphrase_file is None
    for role in missing:
        keystore.create(role, work_factor=LIGHT_WORK_FACTOR if is_random else STRONG_WORK_FACTOR)
    return keystore


def governance_of(settings: Settings, keystore: TransactionKeystore) -> Governance:
    """Return who decides: every role called governance-…, of which more than half must agree."""
    members = tuple(role for role in keystore.roles() if role.startswith(_MEMBER))
    is_demonstration = settings.environment is Environment.DEMONSTRATION
    delay = timedelta(0) if is_demonstration else _PRODUCTION_DELAY
    return Governance(
        roles=members, threshold=len(members) // 2 + 1, delay=int(delay.total_seconds())
    )


def _give_play_money(ceremony: Ceremony, node: Node) -> None:
    """Let every role pay its fees on the development chain."""
    for account in ceremony.keystore.roles().values():
        if ceremony.chain.balance(account) < _LITTLE_MONEY:
            node.ask("anvil_setBalance", account, hex(_PLAY_MONEY))


def _deployment(settings: Settings, ceremony: Ceremony, governance: Governance) -> Deployment:
    named = (settings.chain.trust_registry, settings.chain.certificate_ledger)
    if named[0] is not None and named[1] is not None:
        return adopt(ceremony, trust_registry=named[0], certificate_ledger=named[1])
    if named != (None, None):
        raise CeremonyConflictError("the settings name one of the two contracts only")
    return deploy(ceremony, governance)


def _write_profile(
    settings: Settings,
    ceremony: Ceremony,
    deployment: Deployment,
    wanted: Registration,
    url: str,
) -> Profile:
    """Write the trust profile of a demonstration."""
    pinned: JsonObject = {
        name: {"address": contract.address, "code_hash": f"0x{contract.code_hash.hex()}"}
        for name, contract in (
            ("trust_registry", deployment.trust_registry),
            ("certificate_ledger", deployment.certificate_ledger),
        )
    }
    document: JsonObject = {
        "profile": 1,
        "name": "Lancang demonstration",
        "kind": "demonstration",
        "chains": [
            {
                "chain_id": ceremony.chain.chain_id,
                "genesis": f"0x{ceremony.genesis.hex()}",
                "generations": [
                    {
                        "from_block": deployment.trust_registry.block,
                        "until_block": None,
                        **pinned,
                    }
                ],
                "finality": {"rule": FinalityRule.FINALIZED.value, "depth": None},
                "max_head_age_seconds": _HEAD_AGE_SECONDS,
                "endpoints": [{"url": url, "operator": "this machine"}],
                "quorum": 1,
            }
        ],
        "parties": [{"id": party.id, "country": party.country} for party in wanted.parties],
        "bundle_signers": [],
        "bundle_threshold": 0,
        "algorithms": {algorithm.value: None for algorithm in Algorithm},
    }
    content = canonical_json(document)
    profile = parse_profile(content)
    path = settings.trust_profile
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)
    return profile


def _record(
    ceremony: Ceremony,
    governance: Governance,
    deployment: Deployment,
    wanted: Registration,
    profile: Profile | None,
) -> dict[str, object]:
    """Return what was done, for machines and for whoever repeats it on paper."""
    return {
        "ceremony": 1,
        "chain": {"chain_id": ceremony.chain.chain_id, "genesis": f"0x{ceremony.genesis.hex()}"},
        "contracts": {
            "TrustRegistry": _contract_record(deployment.trust_registry),
            "CertificateLedger": _contract_record(deployment.certificate_ledger),
        },
        "roles": {
            role: to_checksum_address(address)
            for role, address in ceremony.keystore.roles().items()
        },
        "governance": {
            "members": list(governance.roles),
            "threshold": governance.threshold,
            "delay_seconds": governance.delay,
        },
        "bodies": {body.alias: body.id.hex() for body in wanted.bodies},
        "scopes": [
            {"body": scope.body_id.hex(), "sha256": scope.sha256.hex()} for scope in wanted.scopes
        ],
        "keys": [
            {
                "body": key.body_id.hex(),
                "purpose": key.purpose.name.lower(),
                "algorithm": key.public_key.algorithm.value,
                "thumbprint": key.public_key.thumbprint().hex(),
            }
            for key in wanted.keys
        ],
        "profile": profile
        and {
            "fingerprint": profile.fingerprint(),
            "printed": profile.printed_fingerprint(),
        },
        "acts": _act_records(ceremony),
    }


def _contract_record(contract: Deployed) -> dict[str, object]:
    return {
        "address": to_checksum_address(contract.address),
        "code_sha256": contract.code_hash.hex(),
        "block": contract.block,
    }


def _act_records(ceremony: Ceremony) -> list[dict[str, object]]:
    names = {address: role for role, address in ceremony.keystore.roles().items()}
    records: list[dict[str, object]] = []
    for entry in ceremony.journal.entries():
        records.append(
            {
                "act": entry.title,
                "by": names.get(entry.account, entry.account),
                "to": entry.to,
                "transaction": f"0x{entry.hash}",
                "block": ceremony.block_of(entry),
            }
        )
    return records
