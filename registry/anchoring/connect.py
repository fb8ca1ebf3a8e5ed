"""From settings to the chain, the transaction keys and the trees of this installation."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from registry.anchoring.errors import ChainMismatchError, NotDeployedError
from registry.anchoring.node import Node
from registry.anchoring.node_group import NodeGroup
from registry.anchoring.passphrase import passphrase_path
from registry.anchoring.ports import AuditedChain
from registry.anchoring.transaction_keys import (
    AccountSource,
    TransactionKeystore,
    read_passphrase,
    roles_in,
)
from registry.anchoring.transaction_signing import (
    SIGNER_ERRORS,
    JsonRpcSource,
    ProcessSource,
    SignerLine,
)
from registry.anchoring.web3_chain import Web3Chain, pins_of
from registry.settings import EMBEDDED, Environment, Settings
from registry.signing.channel import Channel, mutual_tls, unix_socket
from registry.signing.children import signer_child
from verifier.chain.anvil import IDLE_INTERVAL_SECONDS, WORKING_INTERVAL_SECONDS
from verifier.chain.chain_profile import ChainProfile
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import Profile, ProfileKind, load_profile

_SIGNING: Final = timedelta(seconds=30)  # opening a key takes long on a busy machine
_LINES: Final[WeakValueDictionary[str, SignerLine]] = WeakValueDictionary()


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
    production = settings.environment is Environment.PRODUCTION
    if production and profile.kind is not ProfileKind.PRODUCTION:
        raise ChainMismatchError(f"{path} is a {profile.kind} profile: production needs its own")
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
    pins = pins_of(pinned)
    nodes = [
        Web3Chain(Node(url, timeout=settings.chain.timeout, pause=pause), pins)
        for url in node_urls(settings)
    ]
    return nodes[0] if len(nodes) == 1 else NodeGroup(nodes, quorum=_quorum(pinned, len(nodes)))


def open_keystore(settings: Settings) -> TransactionKeystore:
    """Return the transaction keys of this installation.

    Whoever opens the same keys twice in one process shares one signer.

    Raises:
        KeystoreError: There is no usable passphrase.
    """
    chain = settings.chain
    own = ProcessSource(_signer_line(settings))
    sources: list[AccountSource] = []
    if chain.signer_socket or chain.signer_tls or chain.pkcs11:
        sources.append(own)
    if chain.remote_signer is not None:
        sources.append(JsonRpcSource(chain.remote_signer, timeout=chain.timeout))
    return TransactionKeystore(settings.transaction_keystore, own, sources=sources)


def known_roles(settings: Settings) -> dict[str, str]:
    """Return the account of every role; needs no passphrase.

    Raises:
        KeystoreError: A file is damaged, or one account has two roles.
    """
    return roles_in(settings.transaction_keystore)


def _signer_line(settings: Settings) -> SignerLine:
    """Return the line to the transaction signer: the configured one, or a child of our own."""
    chain = settings.chain
    if chain.signer_tls is not None:
        return SignerLine(_opening(mutual_tls(chain.signer_tls, timeout=_SIGNING)))
    if chain.signer_socket is not None:
        return SignerLine(_opening(unix_socket(chain.signer_socket, timeout=_SIGNING)))
    environment = _environment(settings)
    name = json.dumps(environment, sort_keys=True)
    line = _LINES.get(name)
    if line is None:
        read_passphrase(passphrase_path(settings))  # a missing one is told before the first batch
        may_generate = settings.environment is Environment.DEMONSTRATION
        line = SignerLine(
            lambda: signer_child(
                "registry.anchoring.transaction_process",
                options=["--may-generate"] if may_generate else [],
                environment=environment,
                timeout=_SIGNING,
                known=SIGNER_ERRORS,
            )
        )
        _LINES[name] = line
    return line


def _opening(
    connect: Callable[[], socket.socket],
) -> Callable[[], AbstractContextManager[Channel]]:
    return lambda: closing(Channel(connect, known=SIGNER_ERRORS))


def _environment(settings: Settings) -> dict[str, str]:
    """Return the child's environment: keys and bounds, nothing about database or documents."""
    chain = settings.chain
    named = {
        "HOME": settings.home.absolute(),
        "PROFILE": settings.profile and settings.profile.absolute(),
        "CHAIN__CHAIN_ID": chain.chain_id,
        "CHAIN__TRUST_REGISTRY": chain.trust_registry,
        "CHAIN__CERTIFICATE_LEDGER": chain.certificate_ledger,
        "CHAIN__KEYSTORE": settings.transaction_keystore.absolute(),
        "CHAIN__PASSPHRASE_FILE": passphrase_path(settings).absolute(),
        "CHAIN__ACCOUNT_DAILY_BUDGET": chain.account_daily_budget,
        "CHAIN__PKCS11__MODULE": chain.pkcs11 and chain.pkcs11.module.absolute(),
        "CHAIN__PKCS11__TOKEN": chain.pkcs11 and chain.pkcs11.token,
    }
    return {f"LANCANG_{name}": str(value) for name, value in named.items() if value is not None}


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
