"""What an account may sign. The transaction signer checks every transaction before it signs.

A thief of the publisher's own process can ask the signer for signatures; these rules keep what he
gets to calls of our contracts on our chain, of the kind that the role is there for, below the
budget, and never to a transfer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from registry.anchoring.ports import UnsignedTransaction
from registry.signing.errors import SigningRefusedError
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, read_export

MAX_GAS: Final = 16_777_216  # what one transaction may use at most (EIP-7825)
_SELECTOR: Final = 4
_WORD: Final = 32
_DAY: Final = 24 * 3600


class RoleKind(StrEnum):
    """What a role is there for; its name begins so."""

    OPERATOR = "operator"
    GOVERNANCE = "governance"
    PARTY = "party"
    BODY = "body"
    DEPLOYER = "deployer"


_KEY_ENDS: Final = ("setSignUntil", "setAnchorUntil", "revokeKey")
_STATUS: Final = ("revoke", "revokeLeaf", "suspend", "resume")
_CALLS: Final[Mapping[RoleKind, Mapping[str, tuple[str, ...]]]] = {
    RoleKind.OPERATOR: {CERTIFICATE_LEDGER: ("anchor",)},
    RoleKind.GOVERNANCE: {TRUST_REGISTRY: ("propose", "approve", "withdrawApproval", "execute")},
    RoleKind.PARTY: {
        TRUST_REGISTRY: (
            "registerBody", "setBodyAdmin", "recordBodyStatus", "recordScope", "registerKey",
            *_KEY_ENDS,
        ),
        CERTIFICATE_LEDGER: _STATUS,
    },
    RoleKind.BODY: {TRUST_REGISTRY: _KEY_ENDS, CERTIFICATE_LEDGER: _STATUS},
    RoleKind.DEPLOYER: {},
}  # fmt: skip
# What governance decides; the calldata of one of these stands inside a proposal.
_GOVERNED: Final = (
    "addParty", "removeParty", "rotateAdmin", "authoriseOperator", "withdrawOperator",
    "changeMembers", "pauseAdditions", "resumeAdditions",
)  # fmt: skip
_PROPOSING: Final[Mapping[str, int]] = {"propose": 0, "execute": 1}  # position of the action


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where a signer may act, and for how much.

    Attributes:
        chain_ids: Chains.
        contracts: Addresses ("0x" and 40 lower-case digits) by name of the contract; None while an
            installation is being founded, when nobody knows them yet.
        daily_budget: Most that the transactions of one account may cost within a day, in wei.
    """

    chain_ids: frozenset[int]
    contracts: Mapping[str, frozenset[str]] | None
    daily_budget: int


def kind_of(role: str) -> RoleKind:
    """Return what a role is there for.

    Raises:
        SigningRefusedError: Nobody said (`unknown_role`).
    """
    for kind in RoleKind:
        if role == kind.value or role.startswith(f"{kind.value}-"):
            return kind
    raise SigningRefusedError("unknown_role", f"a key called {role} signs nothing")


def check_transaction(role: str, transaction: UnsignedTransaction, bounds: Bounds) -> None:
    """Refuse a transaction that the account of a role must not sign.

    Raises:
        SigningRefusedError: On another chain (`wrong_chain`), to another contract
            (`wrong_contract`), another call than the role is there for (`wrong_call`), other code
            than ours (`wrong_code`), more gas than any transaction may use (`too_much_gas`), or
            by a role that nobody knows (`unknown_role`).
    """
    kind = kind_of(role)
    if transaction.chain_id not in bounds.chain_ids:
        raise SigningRefusedError("wrong_chain", f"chain {transaction.chain_id} is not ours")
    if transaction.gas_limit > MAX_GAS:
        raise SigningRefusedError("too_much_gas", f"more than {MAX_GAS} gas")
    if transaction.to is None:
        _check_creation(kind, transaction.data)
    else:
        _check_call(kind, transaction.to, transaction.data, bounds)


def cost_of(transaction: UnsignedTransaction) -> int:
    """Return the most that a transaction can cost, in wei."""
    return transaction.gas_limit * transaction.fees.max_fee


class Spending:
    """What the accounts may have spent within the last day, as far as this process knows."""

    def __init__(self) -> None:
        self._signed: dict[str, dict[int, tuple[int, int]]] = {}

    def book(self, role: str, transaction: UnsignedTransaction, *, now: int, budget: int) -> None:
        """Count a transaction that is about to be signed.

        Another one with the same nonce takes its place: only one of them can be mined.

        Args:
            role: Whose account.
            transaction: What is signed.
            now: The present moment, Unix seconds.
            budget: Most that may be spent within a day, in wei.

        Raises:
            SigningRefusedError: It would be too much (`over_budget`).
        """
        signed = {
            nonce: (at, cost)
            for nonce, (at, cost) in self._signed.get(role, {}).items()
            if at > now - _DAY
        }
        _, earlier = signed.pop(transaction.nonce, (now, 0))
        cost = max(earlier, cost_of(transaction))
        if sum(each for _, each in signed.values()) + cost > budget:
            raise SigningRefusedError(
                "over_budget", f"{role} would spend more than {budget} wei within a day"
            )
        self._signed[role] = signed | {transaction.nonce: (now, cost)}


def _check_creation(kind: RoleKind, code: bytes) -> None:
    if kind is not RoleKind.DEPLOYER:
        raise SigningRefusedError("wrong_call", "this role creates no contract")
    ours = (bytes.fromhex(read_export(name)["bytecode"][2:]) for name in _CONTRACTS)
    if not any(code.startswith(each) for each in ours):
        raise SigningRefusedError("wrong_code", "this is none of our contracts")


def _check_call(kind: RoleKind, to: str, data: bytes, bounds: Bounds) -> None:
    names = [
        name
        for name in _CALLS[kind]
        if bounds.contracts is None or to.lower() in bounds.contracts.get(name, frozenset())
    ]
    if not names:
        raise SigningRefusedError("wrong_contract", f"this role does not call {to}")
    called = {
        function for name in names for function in _CALLS[kind][name]
        if data[:_SELECTOR] == _selectors(name)[function]
    }  # fmt: skip
    if not called:
        raise SigningRefusedError("wrong_call", "this role does not make this call")
    for function in called & _PROPOSING.keys():
        if _action_in(data, _PROPOSING[function]) not in map(
            _selectors(TRUST_REGISTRY).__getitem__, _GOVERNED
        ):
            raise SigningRefusedError("wrong_call", "governance decides nothing of this kind")


def _action_in(data: bytes, position: int) -> bytes:
    """Return the selector of the action inside a proposal, by the ABI of `bytes` arguments."""
    head = _SELECTOR + position * _WORD
    start = _SELECTOR + int.from_bytes(data[head : head + _WORD])
    return data[start + _WORD : start + _WORD + _SELECTOR]


_CONTRACTS: Final = (TRUST_REGISTRY, CERTIFICATE_LEDGER)


@cache
def _selectors(name: str) -> Mapping[str, bytes]:
    return dict(_named_selectors(read_export(name)))


def _named_selectors(export: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for signature, selector in export["methods"].items():
        yield signature.split("(", 1)[0], bytes.fromhex(selector[2:])
