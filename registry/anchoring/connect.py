"""From settings to the chain, the transaction keys and the trees of this installation."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from registry.anchoring.errors import ChainMismatchError, KeystoreError, NotDeployedError
from registry.anchoring.node import Node
from registry.anchoring.node_group import NodeGroup
from registry.anchoring.ports import AuditedChain
from registry.anchoring.transaction_keys import TransactionKeystore, read_passphrase
from registry.anchoring.web3_chain import Pins, Web3Chain
from registry.settings import EMBEDDED, Environment, Settings
from verifier.chain.anvil import IDLE_INTERVAL_SECONDS, WORKING_INTERVAL_SECONDS
from verifier.chain.chain_profile import ChainProfile
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import Profile, load_profile

_PASSPHRASE_BYTES: Final = 32


def embedded_chain(settings: Settings) -> EmbeddedChain:
    """Return the development chain of this installation, whether it runs or not."""
    return EmbeddedChain(settings.embedded_chain)


def uses_embedded_chain(settings: Settings) -> bool:
    """Tell whether this installation runs its own development chain."""
    return EMBEDDED in settings.chain.rpc_urls


@contextmanager
def at_work(settings: Settings) -> Iterator[None]:
    """Let the embedded chain make blocks quickly for as long as the context lasts.

    Somebody else's chain goes at its own pace.
    """
    if not uses_embedded_chain(settings):
        yield
        return
    chain = embedded_chain(settings)
    chain.ensure_running()
    chain.set_block_interval(WORKING_INTERVAL_SECONDS)
    try:
        yield
    finally:
        chain.set_block_interval(IDLE_INTERVAL_SECONDS)


def node_urls(settings: Settings) -> tuple[str, ...]:
    """Return the endpoints to use; the embedded chain is started if it does not run."""
    if uses_embedded_chain(settings):
        return (embedded_chain(settings).ensure_running().url,)
    return settings.chain.rpc_urls


def load_installed_profile(settings: Settings) -> Profile:
    """Return the trust profile that pins the chain of this installation.

    Raises:
        NotDeployedError: There is none yet.
        UntrustedProfileError: It cannot be used.
        ChainMismatchError: It contradicts the settings.
    """
    path = settings.trust_profile
    if not path.exists():
        raise NotDeployedError(f"there is no trust profile {path}: run `lancang init` first")
    profile = load_profile(path)
    _check_settings(settings, profile.chains[0])
    return profile


def open_chain(settings: Settings, *, pause: Callable[[float], None] = time.sleep) -> AuditedChain:
    """Return the chain that carries the ledger, pinned by the installed trust profile.

    Raises:
        NotDeployedError: There is no trust profile yet.
        ChainMismatchError: The profile contradicts the settings.
        EvidenceUnavailableError: The embedded chain cannot be started.
    """
    pinned = load_installed_profile(settings).chains[0]
    generation = pinned.generations[-1]
    contracts = (generation.trust_registry, generation.certificate_ledger)
    pins = Pins(
        chain_id=pinned.chain_id,
        genesis=pinned.genesis,
        contracts={contract.address: contract.code_hash for contract in contracts},
        ledger=generation.certificate_ledger.address,
        finality=pinned.finality,
    )
    nodes = [
        Web3Chain(Node(url, timeout=settings.chain.timeout, pause=pause), pins)
        for url in node_urls(settings)
    ]
    return nodes[0] if len(nodes) == 1 else NodeGroup(nodes, quorum=_quorum(pinned, len(nodes)))


def passphrase_path(settings: Settings) -> Path:
    """Return the file whose first line unlocks the transaction keys.

    Raises:
        KeystoreError: Production names none.
    """
    if settings.chain.passphrase_file is not None:
        return settings.chain.passphrase_file
    if settings.environment is not Environment.DEMONSTRATION:
        raise KeystoreError("no passphrase is configured (LANCANG_CHAIN__PASSPHRASE_FILE)")
    return settings.home / "keys" / "transaction-passphrase"


def make_demonstration_passphrase(settings: Settings) -> None:
    """Write a random passphrase for a demonstration that configures none; keep an existing one.

    Raises:
        KeystoreError: The installation is not a demonstration.
    """
    if settings.chain.passphrase_file is not None:
        return
    path = passphrase_path(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(_PASSPHRASE_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())


def open_keystore(settings: Settings) -> TransactionKeystore:
    """Return the transaction keys of this installation.

    Raises:
        KeystoreError: There is no usable passphrase.
    """
    passphrase = read_passphrase(passphrase_path(settings))
    return TransactionKeystore(settings.transaction_keystore, passphrase)


def _quorum(pinned: ChainProfile, nodes: int) -> int:
    """Return how many nodes must agree: as in the profile, or all where there are fewer."""
    return min(pinned.quorum, nodes)


def _check_settings(settings: Settings, pinned: ChainProfile) -> None:
    generation = pinned.generations[-1]
    for what, wanted, found in (
        ("chain_id", settings.chain.chain_id, pinned.chain_id),
        ("trust_registry", settings.chain.trust_registry, generation.trust_registry.address),
        (
            "certificate_ledger",
            settings.chain.certificate_ledger,
            generation.certificate_ledger.address,
        ),
    ):
        if wanted is not None and str(wanted).lower() != str(found).lower():
            raise ChainMismatchError(
                f"the settings say {what} {wanted}, the trust profile says {found}"
            )
