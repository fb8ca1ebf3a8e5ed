"""An account whose key lives in the test, and which signs whatever it is asked to."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from registry.anchoring.ports import SignedTransaction, UnsignedTransaction
from registry.anchoring.transaction_encoding import signed_transaction, signing_digest
from registry.anchoring.transaction_vault import SoftwareAccount


@dataclass(frozen=True)
class FreeAccount:
    """Implements `TransactionSigner` without any rule."""

    account: SoftwareAccount = field(default_factory=lambda: SoftwareAccount(os.urandom(32)))

    @property
    def address(self) -> str:
        return self.account.address

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        return signed_transaction(transaction, self.account.sign(signing_digest(transaction)))
