"""A signer that does not answer, or refuses, costs time and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.anchoring.domain import WriteState
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.ports import SignedTransaction, UnsignedTransaction
from registry.kit.errors import RegistryError
from registry.signing.errors import SignerUnavailableError, SigningRefusedError
from tests.support.anchoring import Installation
from tests.support.fake_chain import FakeSigner
from tests.support.registry_database import make_template


@dataclass
class AbsentSigner(FakeSigner):
    """Does not sign while it has a trouble."""

    trouble: RegistryError | None = None

    def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        if self.trouble is not None:
            raise self.trouble
        return super().sign(transaction)


@pytest.mark.parametrize(
    "trouble",
    [SignerUnavailableError("gone"), SigningRefusedError("over_budget", "enough for today")],
)
def test_the_batch_waits_and_is_anchored_once(tmp_path: Path, trouble: RegistryError) -> None:
    signer = AbsentSigner(trouble=trouble)
    home = Installation(tmp_path, make_template(tmp_path / "template"), signer=signer)
    home.queue(b"one", b"two")
    with home.worker() as worker:
        done = worker.round(flush=True)
        assert done.problem is trouble
        assert done.unfinished == 1
        with home.database.read() as session:
            assert session.get_one(LedgerWriteRow, 1).state is WriteState.SEALED

        signer.trouble = None
        for _ in range(8):
            done = worker.round(flush=True)
            home.chain.mine()
        assert (done.problem, done.unfinished) == (None, 0)
    with home.database.read() as session:
        assert session.get_one(LedgerWriteRow, 1).state is WriteState.PUBLISHED
    home.database.dispose()
    assert signer.signed == 1
