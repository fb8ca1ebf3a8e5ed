"""The chain behind one node: identity checked on every connection, answers at exact blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from registry.anchoring.domain import SendOutcome
from registry.anchoring.errors import (
    ChainFaultError,
    ChainMismatchError,
    ChainUnavailableError,
    StateUnavailableError,
)
from registry.anchoring.fees import Fees, quote
from registry.anchoring.node import Node, Refusal, data, member, quantity
from registry.anchoring.ports import (
    AnchorMark,
    AnchorRecord,
    BlockRef,
    Receipt,
    Revocation,
    StatusWord,
)
from verifier.chain.chain_profile import ChainProfile, Finality, FinalityRule
from verifier.chain.contracts import CERTIFICATE_LEDGER, RFC9162_SHA256, contract
from verifier.core.errors import EvidenceUnavailableError

_HASH_BYTES: Final = 32
_BLOCKS_AT_A_TIME: Final = 2000  # what public nodes let one question about events span
_REVERTED: Final = 3  # JSON-RPC code of an execution that the contract refused
# What nodes say to a transaction that they do not take: anvil, geth, Besu, Nethermind, Erigon.
_OUTCOMES: Final = (
    (SendOutcome.KNOWN, ("already known", "alreadyknown", "known transaction", "already imported")),
    (SendOutcome.NONCE_TOO_LOW, ("nonce too low", "oldnonce", "nonce is too low")),
    (
        SendOutcome.UNDERPRICED,
        (
            "underpriced",
            "less than block base fee",
            "feetoolow",
            "replacementnotallowed",
            "gas price",
        ),
    ),
    (SendOutcome.NO_GAS_MONEY, ("insufficient funds", "upfront cost", "insufficientfunds")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSpan:
    """The blocks `[from_block, until_block)` for which a ledger speaks; None is an open end."""

    ledger: str
    from_block: int
    until_block: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What a node must serve, or it is not asked.

    Attributes:
        chain_id: As `eth_chainId` says.
        genesis: Hash of block 0; None only while a deployment is being made.
        contracts: SHA-256 of the code by address, of every generation; empty only while a
            deployment is being made.
        ledger: Address of the CertificateLedger that is asked and written to, empty likewise.
        finality: When a block is final.
        spans: Every generation's ledger, the oldest first; empty likewise.
    """

    chain_id: int
    genesis: bytes | None
    contracts: dict[str, bytes]
    ledger: str
    finality: Finality
    spans: tuple[LedgerSpan, ...] = ()


def pins_of(pinned: ChainProfile) -> Pins:
    """Return what a node of a chain must serve: the contracts of every generation.

    New writes go to the newest generation; what stands on earlier ledgers is still asked for.
    """
    contracts = [
        contract
        for generation in pinned.generations
        for contract in (generation.trust_registry, generation.certificate_ledger)
    ]
    return Pins(
        chain_id=pinned.chain_id,
        genesis=pinned.genesis,
        contracts={contract.address: contract.code_hash for contract in contracts},
        ledger=pinned.generations[-1].certificate_ledger.address,
        finality=pinned.finality,
        spans=tuple(
            LedgerSpan(
                ledger=generation.certificate_ledger.address,
                from_block=generation.from_block,
                until_block=generation.until_block,
            )
            for generation in pinned.generations
        ),
    )


class _Connection:
    """A node and whether its identity was checked since it last failed."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.is_checked = False


class Web3Chain:
    """Implements `registry.anchoring.ports.Chain` over one node."""

    def __init__(self, node: Node, pins: Pins) -> None:
        self._connection = _Connection(node)
        self._pins = pins

    @property
    def node(self) -> Node:
        """The node that is asked."""
        return self._connection.node

    @property
    def chain_id(self) -> int:
        """See `Chain.chain_id`."""
        return self._pins.chain_id

    @property
    def ledger(self) -> str:
        """See `Chain.ledger`."""
        return self._pins.ledger

    @property
    def ledgers(self) -> tuple[str, ...]:
        """See `Chain.ledgers`."""
        return tuple(dict.fromkeys(span.ledger for span in self._pins.spans))

    def at_ledger(self, contract: str) -> Self:
        """See `Chain.at_ledger`. Both use one connection."""
        if contract == self._pins.ledger:
            return self
        if contract not in self.ledgers:
            raise ChainMismatchError(f"the trust profile names no ledger {contract}")
        other = copy(self)
        other._pins = replace(self._pins, ledger=contract)  # noqa: SLF001  (of this class)
        return other

    def speaks_for(self, block: int) -> bool:
        """See `Chain.speaks_for`."""
        return any(
            span.from_block <= block and (span.until_block is None or block < span.until_block)
            for span in self._pins.spans
            if span.ledger == self._pins.ledger
        )

    # blocks

    def head(self) -> BlockRef:
        """See `Chain.head`."""
        return self._known_block("latest")

    def final(self) -> BlockRef:
        """See `Chain.final`."""
        finality = self._pins.finality
        if finality.rule is FinalityRule.FINALIZED:
            return self._known_block("finalized")
        head = self.head()
        if finality.rule is FinalityRule.INSTANT or finality.depth is None:
            return head
        return self._known_block(hex(max(0, head.number - finality.depth)))

    def block_at(self, number: int) -> BlockRef | None:
        """See `Chain.block_at`."""
        return self._block(hex(number))

    # accounts and transactions

    def transaction_count(self, account: str, at: BlockRef) -> int:
        """See `Chain.transaction_count`."""
        return quantity(self._ask("eth_getTransactionCount", account, _at(at)))

    def balance(self, account: str) -> int:
        """See `Chain.balance`."""
        return quantity(self._ask("eth_getBalance", account, "latest"))

    def quote(self) -> Fees:
        """See `Chain.quote`."""
        head = self._ask("eth_getBlockByNumber", "latest", False)
        base = quantity(member(head, "baseFeePerGas"))
        # Networks without fees have a base fee of zero, and some of them no such method.
        priority = quantity(self._ask("eth_maxPriorityFeePerGas")) if base else 0
        return quote(base_fee=base, priority=priority)

    def estimate_gas(self, account: str, to: str | None, data: bytes) -> int | None:
        """See `Chain.estimate_gas`."""
        call = {"from": account, "data": _hex(data)} | ({"to": to} if to else {})
        # Not at "pending", the default of some nodes: where the same call is pending already, this
        # one would be estimated as the no-op that it then is, and run out of gas if it comes first.
        answer = self._try_ask("eth_estimateGas", call, "latest")
        if not isinstance(answer, Refusal):
            return quantity(answer)
        if answer.code == _REVERTED or "revert" in answer.words:
            return None
        raise ChainUnavailableError(f"{self.node.name}: eth_estimateGas: {answer.message}")

    def send(self, raw: bytes) -> SendOutcome:
        """See `Chain.send`."""
        answer = self._try_ask("eth_sendRawTransaction", _hex(raw))
        if not isinstance(answer, Refusal):
            return SendOutcome.ACCEPTED
        for outcome, phrases in _OUTCOMES:
            if any(phrase in answer.words for phrase in phrases):
                return outcome
        return SendOutcome.REFUSED

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """See `Chain.receipt`."""
        found = self._ask("eth_getTransactionReceipt", _hex(transaction_hash))
        if found is None:
            return None
        return Receipt(
            transaction_hash=data(member(found, "transactionHash"), length=_HASH_BYTES),
            succeeded=quantity(member(found, "status")) == 1,
            block=quantity(member(found, "blockNumber")),
            block_hash=data(member(found, "blockHash"), length=_HASH_BYTES),
        )

    # the ledger

    def find_anchor(self, root: bytes, size: int, *, at: BlockRef) -> AnchorMark | None:
        """See `Chain.find_anchor`."""
        arguments = (RFC9162_SHA256, root, size)
        anchor = self._ledger("earliestAnchor", *arguments, at=at)["found"]
        if anchor["anchoredAt"] == 0:
            return None
        if (anchor["root"], anchor["size"]) != (root, size):
            raise ChainFaultError(f"{self.node.name} answered with the anchor of another root")
        return AnchorMark(
            operator=anchor["operator"], block=anchor["blockNumber"], time=anchor["anchoredAt"]
        )

    def find_anchor_transaction(self, root: bytes, *, at: BlockRef) -> bytes | None:
        """See `Chain.find_anchor_transaction`."""
        topic = contract(CERTIFICATE_LEDGER).topic("Anchored")
        logs = self._ask(
            "eth_getLogs",
            {
                "blockHash": _hex(at.hash),
                "address": self._pins.ledger,
                "topics": [_hex(topic), _hex(root)],
            },
        )
        if not logs:
            return None
        return data(member(logs[0], "transactionHash"), length=_HASH_BYTES)

    def status_word(
        self, body_id: bytes, list_number: int, word: int, *, at: BlockRef
    ) -> StatusWord:
        """See `Chain.status_word`."""
        bits = self._ledger("word", body_id, list_number, word, at=at)
        return StatusWord(
            revoked=bits["revoked"],
            suspended_by_body=bits["suspendedByBody"],
            suspended_by_party=bits["suspendedByParty"],
        )

    def is_leaf_revoked(self, body_id: bytes, leaf: bytes, *, at: BlockRef) -> bool:
        """See `Chain.is_leaf_revoked`."""
        return bool(self._ledger("statusOf", body_id, 0, 0, leaf, at=at)["leafRevoked"])

    def anchors(self, *, at: BlockRef, since: int = 0) -> Iterator[AnchorRecord]:
        """See `AuditedChain.anchors`."""
        for position in range(since, self._ledger("anchorCount", at=at)["count"]):
            found = self._ledger("anchorAt", position, at=at)["found"]
            yield AnchorRecord(
                operator=found["operator"],
                root=found["root"],
                size=found["size"],
                block=found["blockNumber"],
            )

    def revocations(self, *, until: BlockRef, since: int = 0) -> Iterator[Revocation]:
        """See `AuditedChain.revocations`."""
        abi = contract(CERTIFICATE_LEDGER)
        topics = [_hex(abi.topic(name)) for name in ("StatusRevoked", "LeafRevoked")]
        begun = (span.from_block for span in self._pins.spans if span.ledger == self._pins.ledger)
        since = max(since, min(begun, default=0))
        for first in range(since, until.number + 1, _BLOCKS_AT_A_TIME):
            last = min(first + _BLOCKS_AT_A_TIME - 1, until.number)
            request = {
                "fromBlock": hex(first),
                "toBlock": hex(last),
                "address": self._pins.ledger,
                "topics": [topics],
            }
            for entry in self._ask("eth_getLogs", request):
                yield self._revocation(entry)

    def _revocation(self, entry: object) -> Revocation:
        topics = [data(topic, length=_HASH_BYTES) for topic in member(entry, "topics")]
        try:
            event = contract(CERTIFICATE_LEDGER).decode_event(topics, data(member(entry, "data")))
        except EvidenceUnavailableError as error:
            raise ChainFaultError(f"{self.node.name}: {error}") from error
        values = event.values
        return Revocation(
            body_id=values["bodyId"],
            block=quantity(member(entry, "blockNumber")),
            list_number=values.get("list", 0),
            word=values.get("word", 0),
            mask=values.get("mask", 0),
            leaf=values.get("leaf"),
        )

    def read(
        self, name: str, address: str, function: str, *arguments: object, at: BlockRef
    ) -> Mapping[str, Any]:
        """Return what a view function of a contract says as of a block, by name.

        Args:
            name: Of the contract, for its ABI.
            address: Where it is.
            function: Name of the function.
            arguments: Of the function.
            at: The block.

        Raises:
            ChainFaultError: The answer is "0x" or of another shape: there is no contract, or the
                node is broken. It never means "not there".
        """
        abi = contract(name)
        request = {"to": address, "data": _hex(abi.encode_call(function, *arguments))}
        answer = data(self._ask("eth_call", request, _at(at)))
        try:
            return abi.decode_result(function, answer)
        except EvidenceUnavailableError as error:
            raise ChainFaultError(f"{self.node.name}: {error}") from error

    def code(self, address: str) -> bytes:
        """Return the code at an address, empty where there is none."""
        return data(self._ask("eth_getCode", address, "latest"))

    @staticmethod
    def hash_of(code: bytes) -> bytes:
        """Return the hash by which code is pinned: SHA-256, as in trust profiles."""
        return hashlib.sha256(code).digest()

    # inside

    def _ledger(self, function: str, *arguments: object, at: BlockRef) -> Mapping[str, Any]:
        return self.read(CERTIFICATE_LEDGER, self._pins.ledger, function, *arguments, at=at)

    def _known_block(self, name: str) -> BlockRef:
        block = self._block(name)
        if block is None:
            raise ChainUnavailableError(f"{self.node.name} has no {name} block")
        return block

    def _block(self, name: str) -> BlockRef | None:
        found = self._ask("eth_getBlockByNumber", name, False)
        return None if found is None else _block_ref(found)

    def _ask(self, method: str, *params: object) -> Any:  # noqa: ANN401  (whatever JSON holds)
        self._check_identity()
        try:
            return self.node.ask(method, *params)
        except StateUnavailableError:
            raise
        except ChainUnavailableError:
            self._connection.is_checked = False  # who answers next may be somebody else
            raise

    def _try_ask(self, method: str, *params: object) -> Any | Refusal:  # noqa: ANN401
        self._check_identity()
        try:
            return self.node.try_ask(method, *params)
        except ChainUnavailableError:
            self._connection.is_checked = False
            raise

    def _check_identity(self) -> None:
        """Refuse a node of another chain, or one where other code stands at the addresses."""
        if self._connection.is_checked:
            return
        chain_id = quantity(self.node.ask("eth_chainId"))
        if chain_id != self._pins.chain_id:
            raise ChainMismatchError(
                f"{self.node.name} serves chain {chain_id}, not {self._pins.chain_id}"
            )
        genesis = _block_ref(self.node.ask("eth_getBlockByNumber", "0x0", False)).hash
        if self._pins.genesis not in (None, genesis):
            raise ChainMismatchError(f"{self.node.name} serves a chain with another genesis block")
        for address, expected in self._pins.contracts.items():
            code = data(self.node.ask("eth_getCode", address, "latest"))
            if self.hash_of(code) != expected:
                what = "another contract" if code else "no contract"
                raise ChainMismatchError(f"{self.node.name} has {what} at {address}")
        self._connection.is_checked = True


def _block_ref(found: object) -> BlockRef:
    return BlockRef(
        number=quantity(member(found, "number")),
        hash=data(member(found, "hash"), length=_HASH_BYTES),
        time=quantity(member(found, "timestamp")),
    )


def _at(block: BlockRef) -> dict[str, object]:
    """Name a block by its hash (EIP-1898); a node that left it behind must refuse."""
    return {"blockHash": _hex(block.hash), "requireCanonical": True}


def _hex(content: bytes) -> str:
    return "0x" + content.hex()
