"""A registry's receipts are fetched within limits and handed on unread."""

from __future__ import annotations

import httpx
import pytest

from tests.support.rpc_node import reply
from verifier.chain.registry_client import RegistryClient
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError, UntrustedProfileError
from verifier.core.limits import MAX_DOCUMENT_BYTES

LEAF = bytes(range(32))


def client(status: int, body: bytes = b"", **headers: str) -> RegistryClient:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        assert str(request.url) == f"https://registry.example/base/v1/receipts/{b64u(LEAF)}"
        return reply(status, body, headers)

    return RegistryClient("https://registry.example/base/", transport=httpx.MockTransport(handle))


def test_a_receipt_as_it_came() -> None:
    assert client(200, b'{"receipt": 1}').fetch_receipt(LEAF) == b'{"receipt": 1}'


def test_unknown() -> None:
    assert client(404).fetch_receipt(LEAF) is None


@pytest.mark.parametrize(
    "registry",
    [
        pytest.param(client(500), id="500"),
        pytest.param(client(302, location="http://169.254.169.254/"), id="redirect"),
        pytest.param(client(200, b" " * (MAX_DOCUMENT_BYTES + 1)), id="huge"),
    ],
)
def test_no_usable_answer(registry: RegistryClient) -> None:
    with pytest.raises(EvidenceUnavailableError, match=r"registry\.example") as caught:
        registry.fetch_receipt(LEAF)
    assert caught.value.reason == "registry_unreachable"


@pytest.mark.parametrize("url", ["http://registry.example", "file:///etc/passwd", "registry"])
def test_addresses_that_may_not_be_asked(url: str) -> None:
    with pytest.raises(UntrustedProfileError):
        RegistryClient(url)
