"""What a transaction may cost (EIP-1559). Pure; wei per gas unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

_RAISE_NUMERATOR, _RAISE_DENOMINATOR = 9, 8  # +12.5 %; nodes demand 10 % of a replacement


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Fees of one attempt.

    Attributes:
        max_fee: The most that is paid per gas.
        priority: The part of it that goes to the block producer.
    """

    max_fee: int
    priority: int

    def __post_init__(self) -> None:
        if not 0 <= self.priority <= self.max_fee:
            raise ValueError(f"priority fee {self.priority} is outside 0 to {self.max_fee}")

    @property
    def is_free(self) -> bool:
        """The network takes no fee."""
        return self.max_fee == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePolicy:
    """The most that may be spent; beyond it the publisher alarms and waits.

    Attributes:
        max_fee_cap: Per gas; None: the budget alone decides.
        budget: For one ledger write, all attempts taken together as the dearest of them, in wei.
    """

    max_fee_cap: int | None = None
    budget: int = 50_000_000_000_000_000  # 0.05 of the native coin

    def allows(self, fees: Fees, *, gas_limit: int) -> bool:
        """Tell whether a transaction with these fees stays inside cap and budget."""
        under_cap = self.max_fee_cap is None or fees.max_fee <= self.max_fee_cap
        return under_cap and fees.max_fee * gas_limit <= self.budget


def quote(*, base_fee: int, priority: int) -> Fees:
    """Return fees that survive some full blocks: twice the base fee, and the tip on top.

    Zero-fee networks report a base fee and a tip of zero, and get zero.
    """
    return Fees(max_fee=2 * base_fee + priority, priority=priority)


def raised(previous: Fees, fresh: Fees) -> Fees | None:
    """Return the fees of a replacement: the fresh quote, but both parts at least 12.5 % up.

    Returns:
        None where the network is free: a replacement could not be told from the original.
    """
    if previous.is_free and fresh.is_free:
        return None
    priority = max(fresh.priority, _raised(previous.priority))
    return Fees(max_fee=max(fresh.max_fee, _raised(previous.max_fee), priority), priority=priority)


def _raised(value: int) -> int:
    return max(value + 1, -(-value * _RAISE_NUMERATOR // _RAISE_DENOMINATOR))
