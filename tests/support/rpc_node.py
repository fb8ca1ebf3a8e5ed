"""A node in memory that answers JSON-RPC from contracts in memory, and can be told to lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from verifier.chain.abi_codec import decode, encode, signature
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, read_export
from verifier.chain.profile import Profile, parse_profile

NOW = 1_795_000_000
REGISTRY = "0x" + "11" * 20
LEDGER = "0x" + "22" * 20
OPERATOR = "0x" + "33" * 20
NOBODY = "0x" + "00" * 20

NO_PARTY = (b"\0\0", NOBODY, 0, 0, bytes(32))
NO_BODY = (bytes(32), NOBODY, 0, 0, "")
NO_KEY = (0, 0, 0, 0, 0, 0, 0, 0, b"")
NO_ANCHOR = (NOBODY, 0, 0, 0, 0, bytes(32))

Json = dict[str, Any]


def time_of(block: int) -> int:
    """Return the time of a block: one every second, block 100 at `NOW`."""
    return NOW + block - 100


def block_hash(number: int, fork: bytes = b"") -> bytes:
    """Return the hash of a block; forks part after the genesis block, as forks of one chain do."""
    return hashlib.sha256((fork if number else b"") + number.to_bytes(8)).digest()


@dataclass
class Generation:
    """State of one pair of contracts, in the order of the structs on chain."""

    registry: str = REGISTRY
    ledger: str = LEDGER
    bodies: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)
    keys: dict[tuple[bytes, bytes], tuple[Any, ...]] = field(default_factory=dict)
    anchors: dict[tuple[bytes, int], tuple[Any, ...]] = field(default_factory=dict)
    statuses: dict[tuple[bytes, int, int], tuple[bool, bool, bool]] = field(default_factory=dict)
    revoked_leaves: set[tuple[bytes, bytes]] = field(default_factory=set)
    logs: list[Json] = field(default_factory=list)

    def code(self, address: str) -> bytes:
        """Return code that differs from contract to contract."""
        return b"\xfe" + bytes.fromhex(address[2:])

    def call(self, address: str, data: bytes) -> bytes:
        """Execute a view function."""
        export = read_export(TRUST_REGISTRY if address == self.registry else CERTIFICATE_LEDGER)
        selector = f"0x{data[:4].hex()}"
        entry = next(
            entry
            for entry in export["abi"]
            if entry["type"] == "function" and export["methods"][signature(entry)] == selector
        )
        arguments = tuple(decode(entry["inputs"], data[4:]))
        results = self._result(entry["name"], arguments)
        return encode(entry["outputs"], results)

    def add_log(self, block: int, event: str, indexed: list[bytes], values: list[Any]) -> None:
        """Append an entry of the ledger's log."""
        export = read_export(CERTIFICATE_LEDGER)
        entry = next(e for e in export["abi"] if e["type"] == "event" and e["name"] == event)
        plain = [part for part in entry["inputs"] if not part["indexed"]]
        topics = [bytes.fromhex(export["events"][signature(entry)][2:]), *indexed]
        self.logs.append(
            {
                "address": self.ledger,
                "blockNumber": hex(block),
                "blockHash": f"0x{block_hash(block).hex()}",
                "logIndex": hex(len(self.logs)),
                "topics": [f"0x{topic.hex()}" for topic in topics],
                "data": f"0x{encode(plain, values).hex()}",
                "removed": False,
            }
        )

    def _result(self, function: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        if function == "bodyDossier":
            return self.bodies.get(arguments[0], (NO_PARTY, NO_BODY, [], []))
        if function == "keyOf":
            return (self.keys.get((arguments[0], arguments[1]), NO_KEY),)
        if function == "earliestAnchor":
            return (self.anchors.get((arguments[1], arguments[2]), NO_ANCHOR),)
        body, _, _, leaf = arguments
        bits = self.statuses.get(arguments[:3], (False, False, False))
        return (*bits, (body, leaf) in self.revoked_leaves)


@dataclass
class RpcNodeDouble:
    """A node. `head` and `fork` say which blocks it has, `says` replaces answers by method.

    A replacement gets the parameters and returns a result; KeyError is the answer of an error.
    """

    generations: list[Generation] = field(default_factory=lambda: [Generation()])
    chain_id: int = 31337
    head: int = 100
    unfinal: int = 2
    fork: bytes = b""
    says: dict[str, Callable[[list[Any]], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Json) -> Json:
        """Return the JSON-RPC answer to a request."""
        method, params = request["method"], request["params"]
        self.asked.append(method)
        reply: Json = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            reply["result"] = (self.says.get(method) or self._honest(method))(params)
        except KeyError as error:
            reply["error"] = {"code": -32000, "message": str(error)}
        return reply

    def block(self, number: int) -> Json | None:
        """Return a block, None beyond the head."""
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "hash": f"0x{block_hash(number, self.fork).hex()}",
            "timestamp": hex(time_of(number)),
        }

    def get_block(self, params: list[Any]) -> Json | None:
        """Answer `eth_getBlockByNumber`."""
        tags = {"latest": self.head, "finalized": self.head - self.unfinal}
        tag = params[0]
        return self.block(tags[tag] if tag in tags else int(tag, 16))

    def get_code(self, params: list[Any]) -> str:
        """Answer `eth_getCode`."""
        self._check_block(params[1])
        generation = self._generation(params[0])
        return "0x" if generation is None else f"0x{generation.code(params[0]).hex()}"

    def call(self, params: list[Any]) -> str:
        """Answer `eth_call`."""
        self._check_block(params[1])
        address, data = params[0]["to"], bytes.fromhex(params[0]["data"][2:])
        generation = self._generation(address)
        return "0x" if generation is None else f"0x{generation.call(address, data).hex()}"

    def get_logs(self, params: list[Any]) -> list[Json]:
        """Answer `eth_getLogs`."""
        wanted = params[0]
        first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
        return [
            log
            for generation in self.generations
            for log in generation.logs
            if log["address"] == wanted["address"]
            and first <= int(log["blockNumber"], 16) <= last
            and all(
                log["topics"][position] in (topic if isinstance(topic, list) else [topic])
                for position, topic in enumerate(wanted["topics"])
            )
        ]

    def _honest(self, method: str) -> Callable[[list[Any]], Any]:
        return {
            "eth_chainId": lambda _: hex(self.chain_id),
            "eth_getBlockByNumber": self.get_block,
            "eth_getCode": self.get_code,
            "eth_call": self.call,
            "eth_getLogs": self.get_logs,
        }[method]

    def _generation(self, address: str) -> Generation | None:
        return next((g for g in self.generations if address in (g.registry, g.ledger)), None)

    def _check_block(self, at: Json) -> None:
        known = {f"0x{block_hash(n, self.fork).hex()}" for n in range(self.head + 1)}
        if at["blockHash"] not in known or at["requireCanonical"] is not True:
            raise KeyError("unknown block")


def reply(status: int, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    """Return a response whose body has yet to be read, as one from the network."""

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    return httpx.Response(status, headers=headers, content=chunks())


def transport(nodes: dict[str, RpcNodeDouble]) -> httpx.MockTransport:
    """Return a transport that leads each host to its node."""

    def handle(request: httpx.Request) -> httpx.Response:
        answer = nodes[request.url.host].answer(json.loads(request.content))
        return reply(200, json.dumps(answer).encode())

    return httpx.MockTransport(handle)


def profile_document(
    urls: dict[str, str], *, quorum: int = 1, generations: list[Json] | None = None, **chain: Any
) -> Json:
    """Return a demonstration profile for the chain in memory as JSON.

    Args:
        urls: Operator to URL.
        quorum: How many must agree.
        generations: Those of the profile; by default one from block 0 on.
        chain: Members of the chain that are otherwise than usual.
    """
    usual: Json = {
        "chain_id": 31337,
        "genesis": f"0x{block_hash(0).hex()}",
        "generations": generations or [generation_document(Generation(), 0, None)],
        "finality": {"rule": "finalized", "depth": None},
        "max_head_age_seconds": 600,
        "endpoints": [{"url": url, "operator": name} for name, url in urls.items()],
        "quorum": quorum,
    }
    return {
        "profile": 1,
        "name": "Test",
        "kind": "demonstration",
        "chains": [usual | chain],
        "parties": [{"id": "CN", "country": "CN"}],
        "bundle_signers": [],
        "bundle_threshold": 0,
        "algorithms": {"ES256": None, "EdDSA": None},
    }


def generation_document(generation: Generation, first: int, until: int | None) -> Json:
    """Return a generation of contracts as a profile names it."""

    def pinned(address: str) -> Json:
        digest = hashlib.sha256(generation.code(address)).hexdigest()
        return {"address": address, "code_hash": f"0x{digest}"}

    return {
        "from_block": first,
        "until_block": until,
        "trust_registry": pinned(generation.registry),
        "certificate_ledger": pinned(generation.ledger),
    }


def profile_for(hosts: list[str], **options: Any) -> Profile:
    """Return a profile whose endpoints are these hosts, each an operator of that name."""
    document = profile_document({host: f"https://{host}/" for host in hosts}, **options)
    return parse_profile(json.dumps(document).encode())
