"""A node behind HTTP that answers as badly as nodes do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from registry.anchoring.errors import (
    ChainFaultError,
    ChainMismatchError,
    ChainUnavailableError,
    StateUnavailableError,
)
from registry.anchoring.node import Node, Refusal, data, member, quantity
from registry.anchoring.web3_chain import Pins, Web3Chain
from verifier.chain.chain_profile import Finality, FinalityRule
from verifier.core.errors import UntrustedProfileError

OK = (200, {"jsonrpc": "2.0", "id": 0, "result": "0x7a69"})
LIMITED = (200, {"jsonrpc": "2.0", "id": 0, "error": {"code": -32005, "message": "slow down"}})
GARBAGE = (200, b"<html>bad gateway</html>")


@dataclass
class BadNode:
    """Gives the listed answers in turn, the last of them for ever."""

    answers: list[tuple[int, Any]] = field(default_factory=lambda: [OK])
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def next(self, method: str) -> tuple[int, bytes]:
        self.asked.append(method)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def bad() -> Iterator[BadNode]:
    node = BadNode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status, body = node.next(json.loads(self.rfile.read(length))["method"])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_port}/secret-access-key"
    yield node
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def node(bad: BadNode, pauses: list[float]) -> Node:
    return Node(bad.url, timeout=timedelta(seconds=5), pause=pauses.append)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param((500, {}), id="500"),
        pytest.param((429, {}), id="429"),
        pytest.param(LIMITED, id="limit in JSON"),
        pytest.param(GARBAGE, id="HTML"),
        pytest.param((200, []), id="an array"),
        pytest.param((200, {"jsonrpc": "2.0", "id": 0}), id="neither result nor error"),
        pytest.param((200, b""), id="nothing"),
    ],
)
def test_trouble_is_retried_with_growing_pauses(
    bad: BadNode, node: Node, pauses: list[float], trouble: tuple[int, Any]
) -> None:
    bad.answers = [trouble, trouble, OK]
    assert node.ask("eth_chainId") == "0x7a69"
    assert len(bad.asked) == 3
    assert 0 < pauses[0] < 2 * pauses[1]

    bad.answers = [trouble]
    with pytest.raises(ChainUnavailableError) as caught:
        node.ask("eth_chainId")
    assert "secret-access-key" not in str(caught.value)
    assert len(bad.asked) == 3 + 4


def test_a_refusal_is_an_answer(bad: BadNode, node: Node) -> None:
    error = {"code": -32000, "message": "Nonce too low"}
    bad.answers = [(200, {"jsonrpc": "2.0", "id": 0, "error": error})]
    assert node.try_ask("eth_sendRawTransaction") == Refusal(-32000, "Nonce too low")
    with pytest.raises(ChainUnavailableError, match="Nonce too low"):
        node.ask("eth_sendRawTransaction")
    assert len(bad.asked) == 2


def test_a_client_error_is_not_retried(bad: BadNode, node: Node) -> None:
    bad.answers = [(403, {})]
    with pytest.raises(ChainUnavailableError, match="HTTP 403"):
        node.ask("eth_chainId")
    assert len(bad.asked) == 1


def test_nothing_listens(bad: BadNode, pauses: list[float]) -> None:
    del bad
    silent = Node("http://127.0.0.1:9", timeout=timedelta(seconds=1), pause=pauses.append)
    with pytest.raises(ChainUnavailableError, match="does not answer"):
        silent.ask("eth_chainId")
    assert len(pauses) == 3


def test_missing_state_is_told_apart(bad: BadNode, node: Node) -> None:
    error = {"code": -32000, "message": "missing trie node 1a2b (path )"}
    bad.answers = [(200, {"jsonrpc": "2.0", "id": 0, "error": error})]
    with pytest.raises(StateUnavailableError):
        node.ask("eth_call")


@pytest.mark.parametrize("url", ["http://node.example", "ftp://127.0.0.1", "https://a:b@c.example"])
def test_only_safe_addresses(url: str) -> None:
    with pytest.raises(UntrustedProfileError):
        Node(url, timeout=timedelta(seconds=1))


class TestAnswers:
    @pytest.mark.parametrize("wrong", [None, 5, "5", "0xzz", "0x", [], True])
    def test_numbers(self, wrong: object) -> None:
        with pytest.raises(ChainFaultError):
            quantity(wrong)

    @pytest.mark.parametrize("wrong", [None, 5, "00", "0x0", "0xzz", "0x00", "0x" + "00" * 33])
    def test_bytes(self, wrong: object) -> None:
        with pytest.raises(ChainFaultError):
            data(wrong, length=32)

    @pytest.mark.parametrize("wrong", [None, [], {"other": 1}, "hash"])
    def test_members(self, wrong: object) -> None:
        with pytest.raises(ChainFaultError):
            member(wrong, "hash")


def test_after_an_outage_the_identity_is_checked_again(bad: BadNode, node: Node) -> None:
    block = {"number": "0x0", "hash": "0x" + "11" * 32, "timestamp": "0x1"}
    genesis = (200, {"jsonrpc": "2.0", "id": 0, "result": block})
    pins = Pins(
        chain_id=31337,
        genesis=b"\x11" * 32,
        contracts={},
        ledger="",
        finality=Finality(FinalityRule.INSTANT, None),
    )
    chain = Web3Chain(node, pins)
    bad.answers = [OK, genesis, genesis]
    chain.head()
    assert bad.asked == ["eth_chainId", "eth_getBlockByNumber", "eth_getBlockByNumber"]
    bad.answers = [(403, {})]
    with pytest.raises(ChainUnavailableError):
        chain.head()

    bad.asked.clear()
    other = (200, {"jsonrpc": "2.0", "id": 0, "result": "0x1"})
    bad.answers = [other]
    with pytest.raises(ChainMismatchError, match="serves chain 1, not 31337"):
        chain.head()
    assert bad.asked == ["eth_chainId"]
