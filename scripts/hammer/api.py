"""The HTTP interface of a registry, as far as a load needs it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import httpx

from scripts.hammer.memory import WrongAnswerError

_SECONDS: Final = 60.0
# Answers that ask to come again; a load must bear them, a fault injected on purpose causes them.
_AGAIN: Final = frozenset({429, 502, 503, 504})


class TryAgainError(Exception):
    """The registry cannot answer now, or the line broke: nothing is known about the effect."""


class RefusedError(Exception):
    """The registry refuses; `code` is that of the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Api:
    """One person's connection to a registry; one for each thread.

    Attributes:
        client: The connection, with the person's token if there is one.
    """

    client: httpx.Client

    @classmethod
    def open(cls, url: str, token: str | None = None) -> Self:
        """Connect to the registry at `url`."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return cls(httpx.Client(base_url=url, headers=headers, timeout=_SECONDS))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

    def import_documents(self, documents: list[dict[str, Any]], key: str) -> list[str]:
        """Hand documents in; the same key again has no second effect. Return their ids."""
        answer = self._ask(
            "POST",
            "/v1/certificates/imports",
            content=json.dumps(documents).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": key},
        )
        return [str(identifier) for identifier in answer.json()["ids"]]

    def approve(self, identifier: str) -> None:
        """Approve a draft as it is now."""
        tag = self._ask("GET", f"/v1/certificates/{identifier}").headers["ETag"]
        self._ask("POST", f"/v1/certificates/{identifier}/approval", headers={"If-Match": tag})

    def sign(self, identifier: str) -> str:
        """Have an approved certificate signed and return its leaf."""
        self._ask("POST", f"/v1/certificates/{identifier}/signature")
        return str(self.show(identifier)["leaf"])

    def show(self, identifier: str) -> dict[str, Any]:
        """Return what the registry tells about a certificate."""
        shown: dict[str, Any] = self._ask("GET", f"/v1/certificates/{identifier}").json()
        return shown

    def revoke(self, identifier: str) -> None:
        """Order a revocation."""
        self._ask(
            "POST",
            f"/v1/certificates/{identifier}/status-orders",
            json={"act": "revoke", "reason": "error"},
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )

    def receipt(self, leaf: str) -> bytes | None:
        """Return the public receipt of a leaf, None when the registry knows none."""
        try:
            return self._ask("GET", f"/v1/receipts/{leaf}").content
        except RefusedError as refused:
            if refused.code == "receipt_not_found":
                return None
            raise

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self.client.request(method, path, **options)
        except httpx.TransportError as error:
            raise TryAgainError(str(error)) from error
        if answer.is_success:
            return answer
        if answer.status_code in _AGAIN:
            raise TryAgainError(f"{method} {path}: {answer.status_code}")
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise WrongAnswerError(
                "server_fault", f"{method} {path}: {answer.status_code}", answer=answer.text[:2000]
            )
        raise RefusedError(str(answer.json().get("code")))
