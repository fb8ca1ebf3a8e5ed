"""The desk of the transaction signer: what is asked is checked against the rules, then signed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from registry.anchoring.errors import KeystoreError
from registry.anchoring.fees import Fees
from registry.anchoring.ports import UnsignedTransaction
from registry.anchoring.transaction_encoding import signed_transaction, signing_digest
from registry.anchoring.transaction_rules import Bounds, Spending, check_transaction, kind_of
from registry.anchoring.transaction_vault import Account, AccountVault
from registry.kit.clock import Clock
from registry.signing.answering import Answering
from registry.signing.errors import SigningRefusedError
from verifier.core.strict_json import JsonObject, JsonValue

_NUMBERS: Final = ("chain_id", "nonce", "gas", "max_fee", "priority")
_MOST_DIGITS: Final = 78  # of a number of 256 bits
_ADDRESS_BYTES: Final = 20


class TransactionDesk:
    """Carries out the requests for the accounts of some vaults; one request at a time.

    Args:
        vaults: Where keys are; new ones are made in the first.
        bounds: Where the accounts may act now; asked before every signature.
        clock: The signer's own.
        may_generate: Whether new keys may be made.
    """

    def __init__(
        self,
        vaults: Sequence[AccountVault],
        *,
        bounds: Callable[[], Bounds],
        clock: Clock,
        may_generate: bool,
    ) -> None:
        self._vaults = vaults
        self._bounds = bounds
        self._clock = clock
        self._may_generate = may_generate
        self._spending = Spending()
        self._answering = Answering(
            {
                "accounts": self._accounts,
                "open": self._open,
                "create": self._create,
                "sign": self._sign,
            }
        )

    def answer(self, request: JsonObject) -> JsonObject:
        """See `Answering.answer`."""
        return self._answering.answer(request)

    def _accounts(self, request: JsonObject) -> JsonObject:
        del request
        held: JsonObject = {}
        for vault in reversed(self._vaults):
            held.update(vault.accounts())
        return {"accounts": held}

    def _open(self, request: JsonObject) -> JsonObject:
        return {"address": self._account(_text(request, "role")).address}

    def _create(self, request: JsonObject) -> JsonObject:
        if not self._may_generate:
            raise SigningRefusedError("no_generation", "this signer makes no new keys")
        role = _text(request, "role")
        kind_of(role)
        for vault in self._vaults:
            if role in (held := vault.accounts()):
                return {"address": held[role]}
        work_factor = _number(request.get("work_factor"))
        return {"address": self._vaults[0].create(role, work_factor=work_factor)}

    def _sign(self, request: JsonObject) -> JsonObject:
        role = _text(request, "role")
        transaction = _transaction(request.get("transaction"))
        bounds = self._bounds()
        check_transaction(role, transaction, bounds)
        account = self._account(role)
        now = int(self._clock().timestamp())
        self._spending.book(role, transaction, now=now, budget=bounds.daily_budget)
        signed = signed_transaction(transaction, account.sign(signing_digest(transaction)))
        return {"raw": signed.raw.hex()}

    def _account(self, role: str) -> Account:
        for vault in self._vaults:
            if role in vault.accounts():
                return vault.open(role)
        raise KeystoreError(f"there is no transaction key {role} here")


def _transaction(value: JsonValue) -> UnsignedTransaction:
    if not isinstance(value, dict) or set(value) != {*_NUMBERS, "data", "to"}:
        raise ValueError("a transaction has other members")
    numbers = {name: _number(value[name]) for name in _NUMBERS}
    to = value["to"]
    if to is not None and (not isinstance(to, str) or len(bytes.fromhex(to[2:])) != _ADDRESS_BYTES):
        raise ValueError("to is no address")
    return UnsignedTransaction(
        chain_id=numbers["chain_id"],
        nonce=numbers["nonce"],
        to=to,
        data=bytes.fromhex(_text(value, "data")),
        gas_limit=numbers["gas"],
        fees=Fees(max_fee=numbers["max_fee"], priority=numbers["priority"]),
    )


def _number(value: JsonValue) -> int:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit()
    if not is_number or len(str(value)) > _MOST_DIGITS:
        raise ValueError("a number is written in decimal digits")
    return int(str(value))


def _text(request: JsonObject, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise SigningRefusedError("malformed", f"{name} must be text")
    return value
