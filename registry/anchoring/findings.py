"""What a comparison of database, object store and chain found, and how far it came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.anchoring.ports import BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something that database, store and chain do not agree about.

    Attributes:
        code: Stable name, listed in docs/error-codes.md.
        data: What is concerned, as JSON values.
    """

    code: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a full comparison came; a recent one begins there.

    Attributes:
        write: Every ledger write up to this id was published and compared.
        block: Final block up to which revocations were compared.
        anchors: How many anchors of each ledger were compared, by address.
    """

    write: int
    block: int
    anchors: Mapping[str, int]

    @classmethod
    def of_report(cls, report: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint of a stored report."""
        found = report["checkpoint"]
        return cls(write=found["write"], block=found["block"], anchors=found["anchors"])


@dataclass(slots=True, kw_only=True)
class Reconciliation:
    """What was compared, up to which final block, and what was found.

    Attributes:
        since: Where the comparison began; None: it is a full one.
        reached: Where the next recent one may begin, if this one is full.
    """

    chain_id: int
    contract: str
    final: BlockRef
    since: Checkpoint | None = None
    reached: Checkpoint | None = None
    checked: dict[str, int] = field(default_factory=dict)
    discrepancies: list[Discrepancy] = field(default_factory=list)

    def note(self, code: str, **data: object) -> None:
        """Record a discrepancy."""
        self.discrepancies.append(Discrepancy(code=code, data=data))

    def count(self, what: str, number: int = 1) -> None:
        """Record how much was compared."""
        self.checked[what] = self.checked.get(what, 0) + number

    def to_json(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "reconciliation": 1,
            "scope": "full" if self.since is None else "recent",
            "chain_id": self.chain_id,
            "contract": self.contract,
            "final": {
                "block": self.final.number,
                "hash": f"0x{self.final.hash.hex()}",
                "time": self.final.time,
            },
            "checked": dict(sorted(self.checked.items())),
            "discrepancies": [
                {"code": found.code, "data": dict(found.data)} for found in self.discrepancies
            ],
            "checkpoint": self.reached
            and {
                "write": self.reached.write,
                "block": self.reached.block,
                "anchors": dict(self.reached.anchors),
            },
        }
