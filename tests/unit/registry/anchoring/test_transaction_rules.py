"""What each role may sign, and what its account may spend."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchoring.calls import anchor_call, revoke_leaf_call, status_call
from registry.anchoring.fees import Fees
from registry.anchoring.ports import UnsignedTransaction
from registry.anchoring.transaction_rules import (
    MAX_GAS,
    Bounds,
    RoleKind,
    Spending,
    check_transaction,
    cost_of,
    kind_of,
)
from registry.signing.errors import SigningRefusedError
from verifier.chain.contracts import CERTIFICATE_LEDGER, TRUST_REGISTRY, contract, read_export

LEDGER, REGISTRY, STRANGER = "0x" + "1e" * 20, "0x" + "2e" * 20, "0x" + "3e" * 20
BOUNDS = Bounds(
    chain_ids=frozenset({1001}),
    contracts={TRUST_REGISTRY: frozenset({REGISTRY}), CERTIFICATE_LEDGER: frozenset({LEDGER})},
    daily_budget=10**18,
)
BODY, LEAF = bytes(32), b"\x07" * 32
ABI = contract(TRUST_REGISTRY)
ANCHOR = anchor_call(b"\x01" * 32, 5)
AUTHORISE = ABI.encode_call("authoriseOperator", STRANGER)
REVOKE_KEY = ABI.encode_call("revokeKey", BODY, LEAF, 0, 0)


def transaction(to: str | None, data: bytes, **changes: int) -> UnsignedTransaction:
    plain = UnsignedTransaction(
        chain_id=1001,
        nonce=1,
        to=to,
        data=data,
        gas_limit=100_000,
        fees=Fees(max_fee=10**9, priority=1),
    )
    return replace(plain, **changes)


def reason(role: str, asked: UnsignedTransaction, bounds: Bounds = BOUNDS) -> str | None:
    """Return why a transaction is refused, None if it is not."""
    try:
        check_transaction(role, asked, bounds)
    except SigningRefusedError as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    ("role", "to", "data"),
    [
        ("operator-1", LEDGER, ANCHOR),
        ("operator-2", LEDGER.upper().replace("0X", "0x"), ANCHOR),
        ("party-cn", REGISTRY, REVOKE_KEY),
        ("party-cn", REGISTRY, ABI.encode_call("registerKey", BODY, LEAF, 1, 1, bytes(64), 0)),
        ("party-cn", LEDGER, revoke_leaf_call(BODY, LEAF, 5)),
        ("body-lab", LEDGER, status_call("suspend", BODY, 1, {0: 1}, 1)),
        ("body-lab", REGISTRY, REVOKE_KEY),
        ("governance-1", REGISTRY, ABI.encode_call("propose", AUTHORISE)),
        ("governance-1", REGISTRY, ABI.encode_call("approve", bytes(32))),
        ("governance-1", REGISTRY, ABI.encode_call("execute", 3, AUTHORISE)),
    ],
)
def test_what_a_role_is_there_for(role: str, to: str, data: bytes) -> None:
    assert reason(role, transaction(to, data)) is None


@pytest.mark.parametrize(
    ("role", "to", "data", "expected"),
    [
        pytest.param("operator-1", STRANGER, ANCHOR, "wrong_contract", id="another contract"),
        pytest.param("operator-1", REGISTRY, ANCHOR, "wrong_contract", id="the other contract"),
        pytest.param("operator-1", LEDGER, b"", "wrong_call", id="a transfer"),
        pytest.param("operator-1", LEDGER, ANCHOR[:3], "wrong_call", id="half a selector"),
        pytest.param(
            "operator-1", LEDGER, revoke_leaf_call(BODY, LEAF, 5), "wrong_call", id="revoking"
        ),
        pytest.param("operator-1", REGISTRY, REVOKE_KEY, "wrong_contract", id="operator on keys"),
        pytest.param("body-lab", LEDGER, ANCHOR, "wrong_call", id="a body that anchors"),
        pytest.param(
            "body-lab",
            REGISTRY,
            ABI.encode_call("registerKey", BODY, LEAF, 1, 1, bytes(64), 0),
            "wrong_call",
            id="a body that registers keys",
        ),
        pytest.param("party-cn", REGISTRY, AUTHORISE, "wrong_call", id="governed, without it"),
        pytest.param("governance-1", LEDGER, ANCHOR, "wrong_contract", id="governance anchors"),
        pytest.param(
            "governance-1",
            REGISTRY,
            ABI.encode_call("propose", REVOKE_KEY),
            "wrong_call",
            id="governance on keys",
        ),
        pytest.param(
            "governance-1",
            REGISTRY,
            ABI.encode_call("execute", 3, b""),
            "wrong_call",
            id="an empty action",
        ),
        pytest.param("governance-1", REGISTRY, AUTHORISE, "wrong_call", id="without proposal"),
        pytest.param("deployer", REGISTRY, ANCHOR, "wrong_contract", id="a deployer that calls"),
        pytest.param("treasurer", LEDGER, ANCHOR, "unknown_role", id="nobody"),
        pytest.param("retired-operator-1", LEDGER, ANCHOR, "unknown_role", id="retired"),
    ],
)
def test_everything_else_is_refused(role: str, to: str, data: bytes, expected: str) -> None:
    assert reason(role, transaction(to, data)) == expected


def test_another_chain_and_too_much_gas() -> None:
    assert reason("operator-1", transaction(LEDGER, ANCHOR, chain_id=1)) == "wrong_chain"
    assert reason("operator-1", transaction(LEDGER, ANCHOR, gas_limit=MAX_GAS)) is None
    assert reason("operator-1", transaction(LEDGER, ANCHOR, gas_limit=MAX_GAS + 1)) == (
        "too_much_gas"
    )


def test_the_deployer_creates_our_contracts_and_no_others() -> None:
    code = bytes.fromhex(read_export(CERTIFICATE_LEDGER)["bytecode"][2:])
    assert reason("deployer", transaction(None, code + bytes(32))) is None
    assert reason("deployer", transaction(None, code[:-1] + b"\x00")) == "wrong_code"
    assert reason("deployer", transaction(None, b"")) == "wrong_code"
    assert reason("operator-1", transaction(None, code)) == "wrong_call"


def test_while_founding_any_address_may_be_ours_but_only_calls_of_the_role() -> None:
    founding = replace(BOUNDS, contracts=None)
    assert reason("operator-1", transaction(STRANGER, ANCHOR), founding) is None
    assert reason("operator-1", transaction(STRANGER, REVOKE_KEY), founding) == "wrong_call"
    assert reason("operator-1", transaction(STRANGER, b""), founding) == "wrong_call"


@given(
    role=st.sampled_from(["operator-1", "party-cn", "body-lab", "governance-2", "deployer"]),
    data=st.binary(max_size=200),
)
def test_no_arbitrary_bytes_are_signed(role: str, data: bytes) -> None:
    selectors = {
        bytes.fromhex(selector[2:])
        for name in (TRUST_REGISTRY, CERTIFICATE_LEDGER)
        for selector in read_export(name)["methods"].values()
    }
    for to in (LEDGER, REGISTRY, STRANGER, None):
        if data[:4] not in selectors:
            assert reason(role, transaction(to, data)) is not None


def test_kinds_do_not_overlap() -> None:
    assert kind_of("operator-12") is RoleKind.OPERATOR
    assert kind_of("deployer") is RoleKind.DEPLOYER
    for name in ("operators-1", "partycn", "", "body"):
        if name == "body":
            assert kind_of(name) is RoleKind.BODY
            continue
        with pytest.raises(SigningRefusedError):
            kind_of(name)


class TestSpending:
    DAY = 24 * 3600

    def book(self, spending: Spending, nonce: int, cost: int, *, now: int = 0) -> bool:
        asked = transaction(LEDGER, ANCHOR, nonce=nonce, gas_limit=1)
        asked = replace(asked, fees=Fees(max_fee=cost, priority=0))
        assert cost_of(asked) == cost
        try:
            spending.book("operator-1", asked, now=now, budget=100)
        except SigningRefusedError as error:
            return error.reason != "over_budget"
        return True

    def test_the_budget_of_a_day(self) -> None:
        spending = Spending()
        assert self.book(spending, 1, 60)
        assert not self.book(spending, 2, 41)
        assert self.book(spending, 2, 40)
        assert not self.book(spending, 3, 1, now=self.DAY - 1)
        assert self.book(spending, 3, 100, now=self.DAY)

    def test_a_replacement_counts_once_as_the_dearest(self) -> None:
        spending = Spending()
        assert self.book(spending, 1, 60)
        assert self.book(spending, 1, 90)
        assert self.book(spending, 1, 10)
        assert not self.book(spending, 2, 11)
        assert not self.book(spending, 1, 101)
        assert self.book(spending, 2, 10)

    def test_accounts_have_budgets_of_their_own(self) -> None:
        spending = Spending()
        assert self.book(spending, 1, 100)
        spending.book("party-cn", transaction(LEDGER, ANCHOR, gas_limit=0), now=0, budget=100)
