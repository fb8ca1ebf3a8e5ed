"""The real contracts on a real development chain, written to by its unlocked accounts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from verifier.chain.abi_codec import encode
from verifier.chain.anvil import call
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, contract, read_export

Json = dict[str, Any]


@dataclass
class LiveContracts:
    """Contracts deployed by account 0, which is the only member of their governance.

    Account 1 acts for the party, account 2 for the body, account 3 anchors.
    """

    url: str
    accounts: list[str] = field(init=False)
    registry: str = field(init=False)
    ledger: str = field(init=False)
    _proposals: int = 0

    def __post_init__(self) -> None:
        accounts = call(self.url, "eth_accounts")
        assert isinstance(accounts, list)
        self.accounts = accounts
        self.registry = self._deploy(TRUST_REGISTRY, accounts[:1], 1, 0)
        self.ledger = self._deploy(CERTIFICATE_LEDGER, self.registry)

    def write(self, account: int, name: str, function: str, *arguments: object) -> Json:
        """Send a transaction and return its receipt."""
        address = self.registry if name == TRUST_REGISTRY else self.ledger
        data = contract(name).encode_call(function, *arguments)
        return self._send({"from": self.accounts[account], "to": address, "data": _hex(data)})

    def govern(self, function: str, *arguments: object) -> None:
        """Propose and execute a governed action."""
        action = contract(TRUST_REGISTRY).encode_call(function, *arguments)
        self.write(0, TRUST_REGISTRY, "propose", action)
        self.write(0, TRUST_REGISTRY, "execute", self._proposals, action)
        self._proposals += 1

    def mine(self, blocks: int = 1) -> None:
        """Make blocks at once."""
        for _ in range(blocks):
            call(self.url, "evm_mine")

    def block(self, number: str) -> Json:
        """Return a block by number or tag."""
        block = call(self.url, "eth_getBlockByNumber", number, False)
        assert isinstance(block, dict)
        return block

    def pinned(self, address: str) -> Json:
        """Return a contract as a profile names it."""
        code = call(self.url, "eth_getCode", address, "latest")
        assert isinstance(code, str)
        assert code != "0x"
        digest = hashlib.sha256(bytes.fromhex(code[2:])).hexdigest()
        return {"address": address, "code_hash": f"0x{digest}"}

    def profile_document(self, urls: dict[str, str], *, quorum: int = 1) -> Json:
        """Return a demonstration profile for this chain as JSON, by operator and URL."""
        chain = {
            "chain_id": 31337,
            "genesis": self.block("0x0")["hash"],
            "generations": [
                {
                    "from_block": 0,
                    "until_block": None,
                    "trust_registry": self.pinned(self.registry),
                    "certificate_ledger": self.pinned(self.ledger),
                }
            ],
            "finality": {"rule": "finalized", "depth": None},
            "max_head_age_seconds": 600,
            "endpoints": [{"url": url, "operator": name} for name, url in urls.items()],
            "quorum": quorum,
        }
        return {
            "profile": 1,
            "name": "Live",
            "kind": "demonstration",
            "chains": [chain],
            "parties": [{"id": "CN", "country": "CN"}],
            "bundle_signers": [],
            "bundle_threshold": 0,
            "algorithms": {"ES256": None, "EdDSA": None},
        }

    def _deploy(self, name: str, *arguments: object) -> str:
        export = read_export(name)
        constructor = next(e for e in export["abi"] if e["type"] == "constructor")
        code = export["bytecode"] + encode(constructor["inputs"], arguments).hex()
        address: str = self._send({"from": self.accounts[0], "data": code})["contractAddress"]
        return address.lower()

    def _send(self, transaction: Json) -> Json:
        transaction = transaction | {"gas": hex(8_000_000)}
        sent = call(self.url, "eth_sendTransaction", transaction)
        self.mine()
        receipt = call(self.url, "eth_getTransactionReceipt", sent)
        assert isinstance(receipt, dict)
        assert receipt["status"] == "0x1", transaction
        return receipt


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
