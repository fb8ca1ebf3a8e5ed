"""Gas on one embedded chain in one run, beside OpenAttestation's document store and a transfer.

The peer is the `DocumentStore` of the npm package `@govtechsg/document-store` (Apache-2.0) as its
authors compiled it, fetched when the measurement runs. It stores one root for a batch as we do, and
one word for every revoked document where we set one bit.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from scripts.bench.figure import Figure
from tests.support.live_contracts import LiveContracts
from verifier.chain.anvil import call
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY
from verifier.chain.embedded import EmbeddedChain
from verifier.core.ids import body_id, party_bytes32

BATCHES: Final = (1, 1_000, 2**20)
_REVOCATIONS: Final = {
    "revoke one": [0],
    "revoke 256 contiguous": range(256, 512),
    "revoke 100 at random among 10,000": random.Random(1).sample(range(40_960, 50_960), 100),  # noqa: S311
    "revoke 100, each in a fresh word (worst case)": range(2_560, 2_560 + 25_600, 256),
}
_PARTY: Final = party_bytes32("CN")
_DID: Final = "did:web:lab.example"
_PEER: Final = "@govtechsg/document-store@3.0.0"
_PEER_NAME: Final = "OpenAttestation document store 3.0.0"
_PEER_FILE: Final = "dist/contracts/factories/contracts/DocumentStore__factory.js"
_INSTALL_SECONDS: Final = 180


def measure() -> list[Figure]:
    """Return gas per batch, per certificate in batches of several sizes, and per revocation."""
    with tempfile.TemporaryDirectory(prefix="lancang-gas-") as folder:
        code = _peer_code(Path(folder))
        chain = EmbeddedChain(Path(folder) / "chain")
        try:
            return _measure(LiveContracts(chain.ensure_running().url), code)
        finally:
            chain.stop()


def _measure(live: LiveContracts, peer_code: str | None) -> list[Figure]:
    party, body, operator = live.accounts[1:4]
    live.govern("addParty", _PARTY, b"CN", party, bytes(32))
    live.govern("authoriseOperator", operator)
    live.write(1, TRUST_REGISTRY, "registerBody", _PARTY, _DID, 1, body)
    subject = body_id("CN", _DID)
    bare = _bare_transfer(live)
    peer = None if peer_code is None else DocumentStore(live, peer_code)
    _anchor(live, 5)  # the very first one pays for fresh counters
    _revoke(live, subject, [9_999])
    if peer is not None:
        peer.issue(1)
        peer.revoke(1)
    figures: list[Figure] = []
    for size in BATCHES:
        gas, theirs = _anchor(live, size), None if peer is None else peer.issue(1)
        figures += _figures(f"anchor a batch of {size:,}", gas, theirs, bare, 1)
        figures += _figures(
            f"  for each certificate of it (batch of {size:,})", gas, theirs, bare, size
        )
    for part, indexes in _REVOCATIONS.items():
        gas = _revoke(live, subject, indexes)
        theirs = None if peer is None else peer.revoke(len(indexes))
        figures += _figures(f"{part}, for each", gas, theirs, bare, len(indexes))
    return figures


def _figures(part: str, ours: int, theirs: int | None, bare: int, share: int) -> Iterable[Figure]:
    """Return a figure beside the peer, where it could be had, and one beside a bare transfer."""
    if theirs is not None:
        yield Figure(part=part, ours=ours / share, peer=theirs / share, peer_name=_PEER_NAME,
                     unit="gas")  # fmt: skip
    if share == 1:
        yield Figure(part=part, ours=ours, peer=bare, peer_name="a bare transfer", unit="gas")


class DocumentStore:
    """The peer's contract, deployed and owned by account 0."""

    def __init__(self, live: LiveContracts, code: str) -> None:
        self._live = live
        arguments = encode(["string", "address"], ["Bench", live.accounts[0]])
        receipt = self._send(None, bytes.fromhex(code.removeprefix("0x")) + arguments)
        self._address: str = receipt["contractAddress"]

    def issue(self, roots: int) -> int:
        """Issue fresh roots and return the gas."""
        return self._call("issue", "bulkIssue", roots)

    def revoke(self, documents: int) -> int:
        """Revoke fresh documents and return the gas."""
        return self._call("revoke", "bulkRevoke", documents)

    def _call(self, one: str, many: str, count: int) -> int:
        digests = [os.urandom(32) for _ in range(count)]
        if count == 1:
            data = keccak(text=f"{one}(bytes32)")[:4] + encode(["bytes32"], digests)
        else:
            data = keccak(text=f"{many}(bytes32[])")[:4] + encode(["bytes32[]"], [digests])
        return int(self._send(self._address, data)["gasUsed"], 16)

    def _send(self, to: str | None, data: bytes) -> Any:
        transaction = {"from": self._live.accounts[0], "data": f"0x{data.hex()}"}
        transaction |= {"gas": hex(15_000_000)} | ({} if to is None else {"to": to})
        sent = call(self._live.url, "eth_sendTransaction", transaction)
        self._live.mine()
        receipt: Any = call(self._live.url, "eth_getTransactionReceipt", sent)
        if receipt["status"] != "0x1":
            raise AssertionError("the peer's contract refused a call")
        return receipt


def _peer_code(folder: Path) -> str | None:
    """Return the peer's creation code, None where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    peer = folder / "peer"
    peer.mkdir()
    try:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--force", _PEER],
            cwd=peer, check=True, capture_output=True, timeout=_INSTALL_SECONDS,
        )  # fmt: skip
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    package = peer / "node_modules" / _PEER.rpartition("@")[0]
    found = re.search(r'_bytecode = "(0x[0-9a-f]+)"', (package / _PEER_FILE).read_text("utf-8"))
    return None if found is None else found.group(1)


def _bare_transfer(live: LiveContracts) -> int:
    transaction = {"from": live.accounts[0], "to": live.accounts[1], "value": "0x1"}
    sent = call(live.url, "eth_sendTransaction", transaction)
    live.mine()
    receipt: Any = call(live.url, "eth_getTransactionReceipt", sent)
    return int(receipt["gasUsed"], 16)


def _anchor(live: LiveContracts, size: int) -> int:
    receipt = live.write(3, CERTIFICATE_LEDGER, "anchor", 1, os.urandom(32), size)
    return int(receipt["gasUsed"], 16)


def _revoke(live: LiveContracts, body: bytes, indexes: Sequence[int]) -> int:
    masks: dict[int, int] = {}
    for index in indexes:
        word, bit = divmod(index, 256)
        masks[word] = masks.get(word, 0) | 1 << bit
    words = list(masks)
    receipt = live.write(
        2, CERTIFICATE_LEDGER, "revoke", body, 0, words, [masks[word] for word in words], 3
    )
    return int(receipt["gasUsed"], 16)
