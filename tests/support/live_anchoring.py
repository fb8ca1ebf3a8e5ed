"""An installation founded on a real development chain that makes blocks only when told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from registry.anchoring.connect import embedded_chain, open_chain, open_keystore
from registry.anchoring.node import Node
from registry.anchoring.passphrase import make_demonstration_passphrase
from registry.anchoring.ports import AuditedChain
from registry.anchoring.registration import (
    OPERATORS,
    BodyEntry,
    KeyEntry,
    PartyEntry,
    Registration,
    ScopeEntry,
)
from registry.anchoring.setup import Setup, set_up
from registry.settings import Settings
from verifier.chain.anvil import call
from verifier.checks.facts import BodyKind, KeyPurpose
from verifier.core.keys import Algorithm, PublicKey

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
KEY = PublicKey(  # RFC 8032, section 7.1, test 1
    Algorithm.EDDSA,
    bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
)
LABORATORY = BodyEntry(alias="lab", party="CN", did="did:web:lab.example", kind=BodyKind.LABORATORY)
WANTED = Registration(
    parties=(PartyEntry(id="CN", country="CN"), PartyEntry(id="LA", country="LA")),
    bodies=(LABORATORY,),
    scopes=(
        ScopeEntry(
            body_id=LABORATORY.id,
            sha256=b"\x07" * 32,
            effective_from=datetime(2024, 1, 1, tzinfo=UTC),
            effective_until=datetime(2030, 1, 1, tzinfo=UTC),
        ),
    ),
    keys=(
        KeyEntry(
            body_id=LABORATORY.id,
            public_key=KEY,
            purpose=KeyPurpose.CERTIFICATE,
            sign_until=datetime(2099, 1, 1, tzinfo=UTC),
        ),
    ),
    operators=OPERATORS,
)


@dataclass
class LiveChain:
    """The chain of one home folder, and what was set up on it."""

    home: Path
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.home)
        self.url = embedded_chain(self.settings).ensure_running().url
        call(self.url, "evm_setIntervalMining", 0)

    def ask(self, method: str, *params: object) -> object:
        return call(self.url, method, *params)

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.ask("evm_mine")

    def pause(self, _seconds: float) -> None:
        """Instead of waiting for a block, make one."""
        self.mine()

    def found(self, wanted: Registration = WANTED) -> Setup:
        """Hold the ceremony; `told` afterwards has the acts of this run."""
        self.told.clear()
        make_demonstration_passphrase(self.settings)
        # Held, so that everything on this chain shares one signer's process.
        self.keystore = open_keystore(self.settings)
        return set_up(self.settings, wanted, now=NOW, pause=self.pause, tell=self.told.append)

    def open(self) -> AuditedChain:
        return open_chain(self.settings, pause=self.pause)

    def node(self) -> Node:
        return Node(self.url, timeout=timedelta(seconds=5), pause=self.pause)

    def keystore_roles(self) -> dict[str, str]:
        return open_keystore(self.settings).roles()

    def stop(self) -> None:
        embedded_chain(self.settings).stop()
