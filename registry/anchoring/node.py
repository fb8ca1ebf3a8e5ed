"""One JSON-RPC node, through web3: retries with back-off, errors of ours, strict answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import requests
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from registry.anchoring.errors import (
    ChainFaultError,
    ChainUnavailableError,
    StateUnavailableError,
)
from verifier.chain.endpoint import authority, check_url

_ATTEMPTS: Final = 4  # measured: a job against a node that fails every fifth call needs retries
_FIRST_PAUSE: Final = 0.2  # seconds, doubled each time
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_LIMIT_EXCEEDED: Final = -32005  # what nodes answer in JSON instead of status 429
# What nodes say when they keep no state for a block that they know: anvil, geth, Besu, Erigon.
_NO_STATE: Final = (
    "blockoutofrange",
    "missing trie node",
    "historical state",
    "world state unavailable",
    "state not available",
    "pruned",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A node understood a request and refused it. `code` and `message` are the node's."""

    code: int
    message: str

    @property
    def words(self) -> str:
        """The message in lower case, for comparison."""
        return self.message.casefold()


class Node:
    """One endpoint.

    Args:
        url: https anywhere, http on this machine only.
        timeout: Longest wait for one answer.
        pause: How to wait between attempts; takes seconds.
    """

    def __init__(
        self, url: str, *, timeout: timedelta, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = authority(check_url(url))  # the path may hold an access key
        self._pause = pause
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout.total_seconds(), "allow_redirects": False},
            exception_retry_configuration=None,
        )

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401  (whatever JSON holds)
        """Return the result of a call.

        Raises:
            StateUnavailableError: The node keeps no state for the block asked about.
            ChainUnavailableError: No answer after some attempts, or a refusal.
        """
        answer = self.try_ask(method, *params)
        if not isinstance(answer, Refusal):
            return answer
        if any(phrase in answer.words for phrase in _NO_STATE):
            raise StateUnavailableError(f"{self.name}: {method}: {answer.message}")
        raise ChainUnavailableError(f"{self.name}: {method}: {answer.message}")

    def try_ask(self, method: str, *params: object) -> Any | Refusal:  # noqa: ANN401
        """Return the result of a call, or the node's refusal.

        Raises:
            ChainUnavailableError: No answer after some attempts.
        """
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                jitter = random.uniform(0.5, 1.5)  # noqa: S311  (nothing secret)
                self._pause(_FIRST_PAUSE * 2 ** (attempt - 1) * jitter)
            try:
                response: object = self._provider.make_request(RPCEndpoint(method), params)
            except requests.HTTPError as error:
                status = 0 if error.response is None else error.response.status_code
                if 0 < status < _SERVER_ERROR and status != _TOO_MANY_REQUESTS:
                    raise ChainUnavailableError(f"{self.name}: {method}: HTTP {status}") from None
                problem = f"HTTP {status}"
                continue
            except (requests.RequestException, Web3Exception, ValueError) as error:
                # The message may hold the address with its access key; the kind is enough.
                problem = type(error).__name__
                continue
            if not isinstance(response, dict) or not response.keys() & {"result", "error"}:
                problem = "neither a result nor an error"
                continue
            refusal = _refusal(response.get("error"))
            if refusal is None:
                return response["result"]
            if refusal.code != _LIMIT_EXCEEDED:
                return refusal
            problem = refusal.message
        raise ChainUnavailableError(f"{self.name} does not answer {method}: {problem}")


def member(value: object, name: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
    """Return a member of an object of an answer.

    Raises:
        ChainFaultError: It is no object, or has no such member.
    """
    if not isinstance(value, dict) or name not in value:
        raise ChainFaultError(f"a node answered something without {name}")
    return value[name]


def quantity(value: object) -> int:
    """Return a number of an answer.

    Raises:
        ChainFaultError: It is none.
    """
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return int(value, 16)
        except ValueError:
            pass
    raise ChainFaultError("a node answered something else where a number belongs")


def data(value: object, *, length: int | None = None) -> bytes:
    """Return bytes of an answer, of a fixed length if one is given.

    Raises:
        ChainFaultError: It holds none.
    """
    if isinstance(value, str) and value.startswith("0x"):
        try:
            found = bytes.fromhex(value[2:])
        except ValueError:
            found = None
        if found is not None and (length is None or len(found) == length):
            return found
    raise ChainFaultError("a node answered something else where bytes belong")


def _refusal(error: object) -> Refusal | None:
    if error is None:
        return None
    if isinstance(error, dict):
        code, message = error.get("code"), error.get("message")
        return Refusal(code if isinstance(code, int) else 0, str(message)[:300])
    return Refusal(0, str(error)[:300])
