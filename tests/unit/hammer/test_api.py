"""How a load takes the answers of a registry."""

from __future__ import annotations

import httpx
import pytest

from scripts.hammer.api import Api, RefusedError, TryAgainError
from scripts.hammer.memory import WrongAnswerError


def api(status: int, body: object = None) -> Api:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body)

    return Api(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test"))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_registry_that_asks_to_come_again_is_borne(status: int) -> None:
    with pytest.raises(TryAgainError):
        api(status).receipt("leaf")


def test_a_broken_line_is_borne() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test")
    with pytest.raises(TryAgainError):
        Api(client).receipt("leaf")


@pytest.mark.parametrize("status", [500, 501])
def test_a_fault_of_the_registry_is_a_wrong_answer(status: int) -> None:
    with pytest.raises(WrongAnswerError) as caught:
        api(status, {}).receipt("leaf")
    assert caught.value.code == "server_fault"


def test_a_leaf_that_is_not_known_is_told_apart_from_a_refusal() -> None:
    assert api(404, {"code": "receipt_not_found"}).receipt("leaf") is None
    with pytest.raises(RefusedError, match="malformed_request"):
        api(422, {"code": "malformed_request"}).receipt("leaf")


def test_an_approval_names_the_version_that_was_seen() -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.headers.get("if-match")))
        return httpx.Response(200, headers={"ETag": '"v1"'})

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test")
    Api(client).approve("an-id")
    assert asked == [("GET", None), ("POST", '"v1"')]
