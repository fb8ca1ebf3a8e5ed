"""Receipts from a registry that the checker chose to ask.

What comes back is proof material: paths and names of things that the chain then confirms or does
not. A registry can withhold a proof, never make one.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httpx

from verifier.chain.endpoint import authority, check_url
from verifier.chain.transfer import Reply, TransferError, exchange, open_client
from verifier.core.encoding import b64u
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.limits import MAX_DOCUMENT_BYTES

ANSWER_SECONDS: Final = 10.0


class RegistryClient:
    """One registry.

    Args:
        url: Its base address, https or on this machine.
        transport: Replaces the network, for tests.

    Raises:
        UntrustedProfileError: On construction, when the address may not be asked.
    """

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = check_url(url).rstrip("/")
        self._transport = transport

    def fetch_receipt(self, leaf: bytes) -> bytes | None:
        """Return the public receipt of a leaf as the registry wrote it, unread.

        Not to be called inside an event loop.

        Args:
            leaf: Leaf of a certificate, release statement or offline code, 32 bytes.

        Returns:
            The receipt, None when the registry does not know the leaf.

        Raises:
            EvidenceUnavailableError: No usable answer in time (`registry_unreachable`).
        """
        path = f"/v1/receipts/{b64u(leaf)}"
        try:
            reply = asyncio.run(self._get(path))
        except TransferError as error:
            raise self._unreachable(str(error)) from error
        if reply.status == httpx.codes.NOT_FOUND:
            return None
        if reply.status != httpx.codes.OK:
            raise self._unreachable(f"HTTP status {reply.status}")
        return reply.body

    async def _get(self, path: str) -> Reply:
        async with open_client(self._url, self._transport) as client:
            return await exchange(
                client,
                "GET",
                f"{self._url}{path}",
                max_bytes=MAX_DOCUMENT_BYTES,
                seconds=ANSWER_SECONDS,
            )

    def _unreachable(self, message: str) -> EvidenceUnavailableError:
        return EvidenceUnavailableError(
            "registry_unreachable", f"registry {authority(self._url)}: {message}"
        )
