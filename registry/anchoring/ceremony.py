"""Acts of a ceremony: looked for, signed, written down, sent, and awaited, in this order.

A ceremony can be broken off anywhere and repeated. Every act is first looked for on chain and
skipped if it is there. What was signed is in the journal before it is sent, so a repetition sends
the same bytes again and never acts twice. An act whose key is not on this machine is described
instead, so that whoever holds the key performs it elsewhere; then the ceremony is repeated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from registry.anchoring.domain import SendOutcome, gas_limit_for
from registry.anchoring.errors import (
    ActsForOthersError,
    CeremonyConflictError,
    ChainUnavailableError,
)
from registry.anchoring.ports import TransactionSigner, UnsignedTransaction
from registry.anchoring.transaction_keys import TransactionKeystore
from registry.anchoring.web3_chain import Web3Chain

_TAKEN: Final = frozenset({SendOutcome.ACCEPTED, SendOutcome.KNOWN, SendOutcome.NONCE_TOO_LOW})
_MOST_PAUSES: Final = 240  # then the ceremony ends with a message instead of waiting for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One transaction of a ceremony.

    Attributes:
        title: What it does, in words.
        role: Name of the key that signs it.
        to: Address of the contract that is called; None creates one.
        data: Calldata, or the code that creates the contract.
    """

    title: str
    role: str
    to: str | None
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A signed act in the journal. `hash` and `raw` are hexadecimal."""

    title: str
    genesis: str
    account: str
    nonce: int
    to: str | None
    hash: str
    raw: str


class Journal:
    """Signed acts in the order of signing, one JSON object a line, each on the disk at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self) -> list[Entry]:
        """Return every entry. A last line that a crash cut off was never acted upon."""
        if not self._path.exists():
            return []
        lines = self._path.read_text("utf-8").splitlines(keepends=True)
        return [Entry(**json.loads(line)) for line in lines if line.endswith("\n")]

    def append(self, entry: Entry) -> None:
        """Write an entry down, durably."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            kept = file.read()
            file.seek(kept.rfind(b"\n") + 1)  # over whatever a crash cut off
            file.truncate()
            file.write(json.dumps(asdict(entry), sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(kw_only=True)
class Ceremony:
    """Performs acts on one chain.

    Attributes:
        chain: Where the acts are performed.
        keystore: Keys of the roles that act from this machine.
        journal: Where signed acts are written down.
        genesis: Hash of block 0 of the chain.
        pause: How to wait for a block.
        tell: Told in words of everything that happens.
    """

    chain: Web3Chain
    keystore: TransactionKeystore
    journal: Journal
    genesis: bytes
    pause: Callable[[], None]
    tell: Callable[[str], None]
    _signers: dict[str, TransactionSigner] = field(default_factory=dict)

    def resume(self) -> None:
        """Send again what an earlier run signed and the chain has not mined.

        Raises:
            CeremonyConflictError: The journal is that of another chain, or an act was refused.
            ChainUnavailableError: The chain does not take them in time.
        """
        entries = self.journal.entries()
        if any(entry.genesis != self.genesis.hex() for entry in entries):
            raise CeremonyConflictError(
                "the journal of the ceremony belongs to another chain; the chain was replaced, or "
                "the settings name the wrong one"
            )
        head = self.chain.head()
        counts = {
            account: self.chain.transaction_count(account, head)
            for account in {entry.account for entry in entries}
        }
        unfinished = [entry for entry in entries if entry.nonce >= counts[entry.account]]
        for entry in unfinished:
            self.tell(f"sent again: {entry.title}")
            self._send(entry)
        self._await(unfinished)

    def perform(self, acts: Sequence[Act]) -> None:
        """Perform acts, in order for each role, and wait until all are mined.

        Raises:
            ActsForOthersError: Keys of some roles are not here; everything else was done.
            CeremonyConflictError: A contract refuses an act.
            ChainUnavailableError: The chain does not take them in time; repeat the ceremony.
        """
        own = [act for act in acts if self.keystore.holds(act.role)]
        nonces: dict[str, int] = {}
        head = self.chain.head()
        sent = []
        for act in own:
            signer = self._signer(act.role)
            nonce = nonces.get(act.role)
            if nonce is None:
                nonce = self.chain.transaction_count(signer.address, head)
            sent.append(self._sign_and_send(act, signer, nonce))
            nonces[act.role] = nonce + 1
        self._await(sent)
        if others := [act for act in acts if not self.keystore.holds(act.role)]:
            raise ActsForOthersError([self._describe(act) for act in others])

    def await_final(self) -> None:
        """Wait until everything that was performed is final.

        Raises:
            ChainUnavailableError: The chain does not get so far in time.
        """
        last = max(
            (block for block in map(self.block_of, self.journal.entries()) if block), default=0
        )
        for _ in range(_MOST_PAUSES):
            if self.chain.final().number >= last:
                return
            self.pause()
        raise ChainUnavailableError(f"block {last} does not become final")

    def block_of(self, entry: Entry) -> int | None:
        """Return the height of the block that holds a signed act, None if there is none."""
        receipt = self.chain.receipt(bytes.fromhex(entry.hash))
        return None if receipt is None else receipt.block

    def _sign_and_send(self, act: Act, signer: TransactionSigner, nonce: int) -> Entry:
        estimate = self.chain.estimate_gas(signer.address, act.to, act.data)
        if estimate is None:
            raise CeremonyConflictError(f"the contract refuses: {act.title}")
        signed = signer.sign(
            UnsignedTransaction(
                chain_id=self.chain.chain_id,
                nonce=nonce,
                to=act.to,
                data=act.data,
                gas_limit=gas_limit_for(estimate),
                fees=self.chain.quote(),
            )
        )
        entry = Entry(
            title=act.title,
            genesis=self.genesis.hex(),
            account=signer.address,
            nonce=nonce,
            to=act.to,
            hash=signed.hash.hex(),
            raw=signed.raw.hex(),
        )
        self.journal.append(entry)
        self._send(entry)
        self.tell(act.title)
        return entry

    def _send(self, entry: Entry) -> None:
        outcome = self.chain.send(bytes.fromhex(entry.raw))
        if outcome not in _TAKEN:
            raise ChainUnavailableError(f"a node does not take {entry.title!r}: {outcome}")

    def _await(self, entries: Sequence[Entry]) -> None:
        waiting = list(entries)
        for _ in range(_MOST_PAUSES):
            waiting = [entry for entry in waiting if not self._is_mined(entry)]
            if not waiting:
                return
            self.pause()
        raise ChainUnavailableError(f"{waiting[0].title!r} is not mined; repeat the ceremony")

    def _is_mined(self, entry: Entry) -> bool:
        receipt = self.chain.receipt(bytes.fromhex(entry.hash))
        if receipt is not None and not receipt.succeeded:
            raise CeremonyConflictError(f"the contract refused: {entry.title}")
        return receipt is not None

    def _signer(self, role: str) -> TransactionSigner:
        if role not in self._signers:
            self._signers[role] = self.keystore.signer(role)
        return self._signers[role]

    def _describe(self, act: Act) -> str:
        where = act.to or "a new contract"
        return f"{act.title}: {act.role} calls {where} with 0x{act.data.hex()}"
