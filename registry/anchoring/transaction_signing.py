"""Who signs transactions: a process of ours, or a signer that speaks Ethereum's JSON-RPC.

Whatever comes back is compared with what was asked before it is believed.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from coincurve import PublicKey
from eth_utils.address import to_checksum_address

from registry.anchoring.errors import ChainUnavailableError, KeystoreError
from registry.anchoring.node import Node
from registry.anchoring.ports import SignedTransaction, UnsignedTransaction
from registry.anchoring.transaction_encoding import (
    address_of,
    low_s_signature,
    signature_in,
    signed_transaction,
    signing_digest,
    transaction_to_json,
)
from registry.signing.channel import Channel
from registry.signing.errors import SignerUnavailableError
from verifier.core.strict_json import JsonObject

SIGNER_ERRORS: Final = (KeystoreError,)  # what only this signer reports


class SignerLine:
    """A line to the signer's process, opened when it is first needed.

    A child that the opener started ends with this object.

    Args:
        opener: Opens the line, starting a process where none is running.
    """

    def __init__(self, opener: Callable[[], AbstractContextManager[Channel]]) -> None:
        self._opener = opener
        self._channel: Channel | None = None
        self._stack = ExitStack()
        self._lock = threading.Lock()
        weakref.finalize(self, self._stack.close)

    def ask(self, request: JsonObject) -> JsonObject:
        """Return what the signer answers; a line that failed is opened anew the next time.

        Raises:
            RegistryError: What the signer reported.
            SignerUnavailableError: No usable answer.
        """
        with self._lock:
            if self._channel is None:
                self._channel = self._stack.enter_context(self._opener())
            try:
                return self._channel.ask(request)
            except SignerUnavailableError:
                self._channel = None
                self._stack.close()
                raise


class ProcessSource:
    """The accounts of the signer's process; implements `KeyMaker`."""

    def __init__(self, line: SignerLine) -> None:
        self._line = line

    def accounts(self) -> frozenset[str]:
        """See `AccountSource.accounts`."""
        held = self._line.ask({"act": "accounts"}).get("accounts")
        if not isinstance(held, dict):
            raise SignerUnavailableError("the signer answered no accounts")
        return frozenset(str(address) for address in held.values())

    def signer(self, role: str, address: str) -> ProcessSigner:
        """See `AccountSource.signer`."""
        opened = self._line.ask({"act": "open", "role": role}).get("address")
        if opened != address:
            raise KeystoreError(f"the signer holds the key of another account as {role}")
        return ProcessSigner(line=self._line, role=role, address=address)

    def create(self, role: str, *, work_factor: int) -> str:
        """See `KeyMaker.create`."""
        request: JsonObject = {"act": "create", "role": role, "work_factor": str(work_factor)}
        return str(self._line.ask(request).get("address"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSigner:
    """One account of the signer's process; implements `TransactionSigner`."""

    line: SignerLine
    role: str
    address: str

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """Have a transaction signed.

        Raises:
            SigningRefusedError: The role must not sign it; the reason says why.
            SignerUnavailableError: No usable answer.
        """
        request: JsonObject = {
            "act": "sign",
            "role": self.role,
            "transaction": transaction_to_json(transaction),
        }
        raw = self.line.ask(request).get("raw")
        return checked(transaction, str(raw), address=self.address)


class JsonRpcSource:
    """A signer with the methods `eth_accounts` and `eth_signTransaction`, such as Web3Signer.

    It knows no roles and no rules of ours: what it may sign is for its own configuration to say.

    Args:
        url: Of the signer.
        timeout: Longest wait for one answer.
    """

    def __init__(self, url: str, *, timeout: timedelta) -> None:
        self._node = Node(url, timeout=timeout)

    def accounts(self) -> frozenset[str]:
        """See `AccountSource.accounts`."""
        answer = self._ask("eth_accounts")
        if not isinstance(answer, list):
            raise SignerUnavailableError(f"{self._node.name} answered no accounts")
        return frozenset(str(address).lower() for address in answer)

    def signer(self, role: str, address: str) -> JsonRpcSigner:
        """See `AccountSource.signer`."""
        del role
        return JsonRpcSigner(source=self, address=address)

    def sign(self, transaction: UnsignedTransaction, *, address: str) -> SignedTransaction:
        """Have a transaction signed by an account.

        Raises:
            SignerUnavailableError: No usable answer.
        """
        call = {
            "from": to_checksum_address(address),
            "chainId": hex(transaction.chain_id),
            "nonce": hex(transaction.nonce),
            "value": "0x0",
            "data": f"0x{transaction.data.hex()}",
            "gas": hex(transaction.gas_limit),
            "maxFeePerGas": hex(transaction.fees.max_fee),
            "maxPriorityFeePerGas": hex(transaction.fees.priority),
        }
        if transaction.to is not None:
            call["to"] = to_checksum_address(transaction.to)
        answer = self._ask("eth_signTransaction", call)
        raw = answer.get("raw") if isinstance(answer, dict) else answer  # both are in use
        return checked(transaction, str(raw).removeprefix("0x"), address=address)

    def _ask(self, method: str, *params: object) -> object:
        try:
            return self._node.ask(method, *params)
        except ChainUnavailableError as error:
            raise SignerUnavailableError(f"remote signer: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonRpcSigner:
    """One account of such a signer; implements `TransactionSigner`."""

    source: JsonRpcSource
    address: str

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """See `JsonRpcSource.sign`."""
        return self.source.sign(transaction, address=self.address)


def checked(transaction: UnsignedTransaction, raw: str, *, address: str) -> SignedTransaction:
    """Return what a signer answered, once it proves to be what it was asked for.

    Args:
        transaction: What it was asked to sign.
        raw: Its answer in hexadecimal.
        address: The account that had to sign.

    Raises:
        SignerUnavailableError: It is another transaction, or signed by another account.
    """
    try:
        answered = bytes.fromhex(raw)
        signature = signature_in(answered)
        digest = signing_digest(transaction)
        signer = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError as error:
        raise SignerUnavailableError(f"the signer answered no transaction: {error}") from error
    signed = signed_transaction(transaction, signature)
    is_canonical = signature[:-1] == low_s_signature(signature[:-1])
    if signed.raw != answered or not is_canonical:
        raise SignerUnavailableError("the signer answered with another transaction")
    if address_of(signer.format(compressed=False)[1:]) != address:
        raise SignerUnavailableError("the signer signed with the key of another account")
    return signed
