"""A chain in memory that implements the port of the anchoring pipeline, with faults on demand.

It keeps what nodes keep: a mempool by account and nonce, blocks with hashes, contract state by
block. It refuses to be called while a database transaction is open.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eth_abi.abi import decode

from registry.anchoring.domain import SendOutcome
from registry.anchoring.errors import ChainUnavailableError
from registry.anchoring.fees import Fees, quote
from registry.anchoring.ports import (
    AnchorMark,
    AnchorRecord,
    BlockRef,
    Receipt,
    Revocation,
    SignedTransaction,
    StatusWord,
    UnsignedTransaction,
)
from registry.kit.database import Database
from verifier.chain.contracts import CERTIFICATE_LEDGER, read_export

LEDGER = "0x" + "1e" * 20
CHAIN_ID = 31337
GENESIS_TIME = 1_790_000_000
BLOCK_SECONDS = 12
GAS = 90_000

SELECTORS: dict[str, str] = read_export(CERTIFICATE_LEDGER)["methods"]

T = TypeVar("T")


@dataclass
class FakeSigner:
    """Signs by writing the transaction down."""

    address: str = "0x" + "a1" * 20
    signed: int = 0

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        self.signed += 1
        raw = json.dumps(
            {
                "from": self.address,
                "chain_id": transaction.chain_id,
                "nonce": transaction.nonce,
                "to": transaction.to,
                "data": transaction.data.hex(),
                "gas": transaction.gas_limit,
                "max_fee": transaction.fees.max_fee,
                "priority": transaction.fees.priority,
            },
            sort_keys=True,
        ).encode()
        return SignedTransaction(raw=raw, hash=hashlib.sha256(raw).digest())


@dataclass
class State:
    """What the contract stores."""

    anchors: dict[tuple[bytes, int], AnchorMark] = field(default_factory=dict)
    events: list[tuple[bytes, bytes]] = field(default_factory=list)  # root, transaction
    words: dict[tuple[bytes, int, int], list[int]] = field(default_factory=dict)
    leaves: set[tuple[bytes, bytes]] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        return State(
            anchors=dict(self.anchors),
            events=list(self.events),
            words={place: list(bits) for place, bits in self.words.items()},
            leaves=set(self.leaves),
            counts=dict(self.counts),
        )


@dataclass
class Block:
    ref: BlockRef
    transactions: list[dict[str, Any]]
    receipts: dict[bytes, bool]
    state: State


class FakeChain:
    """See the module. `depth` blocks on top make a block final.

    Attributes:
        faults: Called with the name of every method before and after it runs; may raise.
        operators: Accounts that may anchor.
    """

    chain_id = CHAIN_ID
    ledger = LEDGER

    def __init__(self, *, depth: int = 2, operators: set[str] | None = None) -> None:
        self.depth = depth
        self.operators = operators if operators is not None else {FakeSigner().address}
        self.base_fee = 1_000_000_000
        self.tip = 1_000_000_000
        self.money = 10**20
        self.faults: Callable[[str, str], None] = lambda _name, _moment: None
        self.database: Database | None = None
        self.pool: dict[tuple[str, int], dict[str, Any]] = {}
        self.forks = 0
        self.closed_at: int | None = None
        genesis = BlockRef(number=0, hash=hashlib.sha256(b"genesis").digest(), time=GENESIS_TIME)
        self.blocks = [Block(genesis, [], {}, State())]

    # what a test does to the chain

    def mine(self, blocks: int = 1, *, take: bool = True) -> None:
        """Add blocks; the first takes every transaction that can be taken."""
        for _ in range(blocks):
            parent = self.blocks[-1]
            number = parent.ref.number + 1
            chosen = self._minable(parent.state) if take else []
            seed = f"{parent.ref.hash.hex()}/{self.forks}/{[t['hash'].hex() for t in chosen]}"
            ref = BlockRef(
                number=number,
                hash=hashlib.sha256(seed.encode()).digest(),
                time=GENESIS_TIME + BLOCK_SECONDS * number,
            )
            state = parent.state.copy()
            receipts = {t["hash"]: self._execute(state, t, ref) for t in chosen}
            self.blocks.append(Block(ref, chosen, receipts, state))
            for transaction in chosen:
                self.pool.pop((transaction["from"], transaction["nonce"]), None)

    def reorganise(self, depth: int, *, keep_in_pool: bool = False) -> None:
        """Replace the newest `depth` blocks by empty ones; their transactions are lost."""
        depth = min(depth, len(self.blocks) - 1)
        lost = [t for block in self.blocks[-depth:] for t in block.transactions] if depth else []
        del self.blocks[len(self.blocks) - depth :]
        self.forks += 1
        if keep_in_pool:
            self.pool |= {(t["from"], t["nonce"]): t for t in lost}
        self.mine(depth, take=False)

    def forget_pool(self) -> None:
        """Drop every pending transaction, as nodes do when they restart."""
        self.pool.clear()

    @property
    def events(self) -> list[tuple[bytes, bytes]]:
        """Every Anchored event: root and transaction."""
        return self.blocks[-1].state.events

    # the port

    @property
    def ledgers(self) -> tuple[str, ...]:
        return (LEDGER,)

    def at_ledger(self, contract: str) -> FakeChain:
        assert contract == LEDGER
        return self

    def speaks_for(self, block: int) -> bool:
        return self.closed_at is None or block < self.closed_at

    def head(self) -> BlockRef:
        return self._call("head", lambda: self.blocks[-1].ref)

    def final(self) -> BlockRef:
        return self._call(
            "final", lambda: self.blocks[max(0, len(self.blocks) - 1 - self.depth)].ref
        )

    def block_at(self, number: int) -> BlockRef | None:
        return self._call(
            "block_at", lambda: self.blocks[number].ref if number < len(self.blocks) else None
        )

    def transaction_count(self, account: str, at: BlockRef) -> int:
        return self._call("transaction_count", lambda: self._at(at).counts.get(account, 0))

    def balance(self, account: str) -> int:
        del account
        return self._call("balance", lambda: self.money)

    def quote(self) -> Fees:
        return self._call("quote", lambda: quote(base_fee=self.base_fee, priority=self.tip))

    def estimate_gas(self, account: str, to: str | None, data: bytes) -> int | None:
        del to, data
        return self._call("estimate_gas", lambda: GAS if account in self.operators else None)

    def send(self, raw: bytes) -> SendOutcome:
        return self._call("send", lambda: self._accept(raw))

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        def find() -> Receipt | None:
            for block in self.blocks:
                if transaction_hash in block.receipts:
                    return Receipt(
                        transaction_hash=transaction_hash,
                        succeeded=block.receipts[transaction_hash],
                        block=block.ref.number,
                        block_hash=block.ref.hash,
                    )
            return None

        return self._call("receipt", find)

    def find_anchor(self, root: bytes, size: int, *, at: BlockRef) -> AnchorMark | None:
        return self._call("find_anchor", lambda: self._at(at).anchors.get((root, size)))

    def find_anchor_transaction(self, root: bytes, *, at: BlockRef) -> bytes | None:
        def find() -> bytes | None:
            events = self._at(at).events
            return next((transaction for known, transaction in events if known == root), None)

        return self._call("find_anchor_transaction", find)

    def anchors(self, *, at: BlockRef, since: int = 0) -> Iterator[AnchorRecord]:
        for (root, size), mark in list(self._at(at).anchors.items())[since:]:
            yield AnchorRecord(operator=mark.operator, root=root, size=size, block=mark.block)

    def revocations(self, *, until: BlockRef, since: int = 0) -> Iterator[Revocation]:
        del since
        state = self._at(until)
        for (body_id, list_number, word), bits in state.words.items():
            if bits[0]:
                yield Revocation(
                    body_id=body_id, block=0, list_number=list_number, word=word, mask=bits[0]
                )
        for body_id, leaf in state.leaves:
            yield Revocation(body_id=body_id, block=0, leaf=leaf)

    def status_word(
        self, body_id: bytes, list_number: int, word: int, *, at: BlockRef
    ) -> StatusWord:
        bits = self._at(at).words.get((body_id, list_number, word), [0, 0, 0])
        found = StatusWord(revoked=bits[0], suspended_by_body=bits[1], suspended_by_party=bits[2])
        return self._call("status_word", lambda: found)

    def is_leaf_revoked(self, body_id: bytes, leaf: bytes, *, at: BlockRef) -> bool:
        return self._call("is_leaf_revoked", lambda: (body_id, leaf) in self._at(at).leaves)

    # inside

    def _call(self, name: str, answer: Callable[[], T]) -> T:
        if self.database is not None:
            pool: Any = self.database.engine.pool
            assert pool.checkedout() == 0, f"{name} was called inside a database transaction"
        self.faults(name, "before")
        result = answer()
        self.faults(name, "after")
        return result

    def _at(self, at: BlockRef) -> State:
        if at.number < len(self.blocks) and self.blocks[at.number].ref.hash == at.hash:
            return self.blocks[at.number].state
        raise ChainUnavailableError("the block is not on the canonical chain")

    def _minable(self, state: State) -> list[dict[str, Any]]:
        counts = dict(state.counts)
        chosen = []
        for (account, nonce), transaction in sorted(self.pool.items()):
            if nonce == counts.get(account, 0) and transaction["max_fee"] >= self.base_fee:
                chosen.append(transaction)
                counts[account] = nonce + 1
        return chosen

    def _accept(self, raw: bytes) -> SendOutcome:
        transaction = json.loads(raw)
        transaction["hash"] = hashlib.sha256(raw).digest()
        key = (transaction["from"], transaction["nonce"])
        if transaction["nonce"] < self.blocks[-1].state.counts.get(transaction["from"], 0):
            return SendOutcome.NONCE_TOO_LOW
        present = self.pool.get(key)
        if present is not None and present["hash"] == transaction["hash"]:
            return SendOutcome.KNOWN
        if transaction["max_fee"] < self.base_fee:
            return SendOutcome.UNDERPRICED
        if transaction["max_fee"] * transaction["gas"] > self.money:
            return SendOutcome.NO_GAS_MONEY
        if present is not None and any(
            transaction[fee] * 10 < present[fee] * 11 for fee in ("max_fee", "priority")
        ):
            return SendOutcome.UNDERPRICED
        self.pool[key] = transaction
        return SendOutcome.ACCEPTED

    def _execute(self, state: State, transaction: dict[str, Any], ref: BlockRef) -> bool:
        account = transaction["from"]
        state.counts[account] = state.counts.get(account, 0) + 1
        data = bytes.fromhex(transaction["data"])
        signature = next(s for s, v in SELECTORS.items() if v == "0x" + data[:4].hex())
        types = signature[signature.index("(") + 1 : -1].split(",")
        arguments = decode(types, data[4:])
        if signature.startswith("anchor("):
            return self._anchor(state, account, arguments, transaction["hash"], ref)
        return self._change_status(state, signature.split("(")[0], arguments)

    def _anchor(
        self, state: State, account: str, arguments: tuple[Any, ...], sent: bytes, ref: BlockRef
    ) -> bool:
        _, root, size = arguments
        if (root, size) in state.anchors:
            return True
        if account not in self.operators:
            return False
        state.anchors[root, size] = AnchorMark(operator=account, block=ref.number, time=ref.time)
        state.events.append((root, sent))
        return True

    def _change_status(self, state: State, act: str, arguments: tuple[Any, ...]) -> bool:
        if act == "revokeLeaf":
            state.leaves.add((arguments[0], arguments[1]))
            return True
        body, list_number, words, masks, _ = arguments
        for word, mask in zip(words, masks, strict=True):
            bits = state.words.setdefault((body, list_number, word), [0, 0, 0])
            if act == "revoke":
                bits[0] |= mask
            elif act == "suspend":
                bits[1] |= mask
            else:
                bits[1] &= ~mask
        return True
