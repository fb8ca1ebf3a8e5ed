"""Gas of an anchored batch and of a revocation on the embedded chain, beside a bare transfer."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Final

from scripts.bench.figure import Figure
from tests.support.live_contracts import LiveContracts
from verifier.chain.anvil import call
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY
from verifier.chain.embedded import EmbeddedChain
from verifier.core.ids import body_id, party_bytes32

BATCHES: Final = (1, 1_000, 2**20)
_PARTY: Final = party_bytes32("CN")
_DID: Final = "did:web:lab.example"


def measure() -> list[Figure]:
    """Return gas per batch, per certificate in batches of several sizes, and per revocation."""
    with tempfile.TemporaryDirectory(prefix="lancang-gas-") as folder:
        chain = EmbeddedChain(Path(folder))
        try:
            return _measure(LiveContracts(chain.ensure_running().url))
        finally:
            chain.stop()


def _measure(live: LiveContracts) -> list[Figure]:
    party, body, operator = live.accounts[1:4]
    live.govern("addParty", _PARTY, b"CN", party, bytes(32))
    live.govern("authoriseOperator", operator)
    live.write(1, TRUST_REGISTRY, "registerBody", _PARTY, _DID, 1, body)
    subject = body_id("CN", _DID)
    bare = _bare_transfer(live)
    _anchor(live, 5)  # the very first one pays for fresh counters
    _revoke(live, subject, [9_999])
    figures = []
    for size in BATCHES:
        gas = _anchor(live, size)
        figures.append(_figure(f"anchor a batch of {size:,}", gas, bare))
        figures.append(
            _figure(f"  for each certificate of it (batch of {size:,})", gas / size, bare)
        )
    for part, indexes in {
        "revoke one": [0],
        "revoke 256 contiguous": range(256, 512),
        "revoke 100 in 100 words": range(2_560, 2_560 + 25_600, 256),
    }.items():
        gas = _revoke(live, subject, indexes)
        figures.append(_figure(f"{part}, for each", gas / len(indexes), bare))
    return figures


def _figure(part: str, gas: float, bare: float) -> Figure:
    return Figure(part=part, ours=gas, peer=bare, peer_name="a bare transfer", unit="gas")


def _bare_transfer(live: LiveContracts) -> int:
    transaction = {"from": live.accounts[0], "to": live.accounts[1], "value": "0x1"}
    sent = call(live.url, "eth_sendTransaction", transaction)
    live.mine()
    receipt: Any = call(live.url, "eth_getTransactionReceipt", sent)
    return int(receipt["gasUsed"], 16)


def _anchor(live: LiveContracts, size: int) -> int:
    receipt = live.write(3, CERTIFICATE_LEDGER, "anchor", 1, os.urandom(32), size)
    return int(receipt["gasUsed"], 16)


def _revoke(live: LiveContracts, body: bytes, indexes: Any) -> int:
    masks: dict[int, int] = {}
    for index in indexes:
        word, bit = divmod(index, 256)
        masks[word] = masks.get(word, 0) | 1 << bit
    words = list(masks)
    receipt = live.write(
        2, CERTIFICATE_LEDGER, "revoke", body, 0, words, [masks[word] for word in words], 3
    )
    return int(receipt["gasUsed"], 16)
