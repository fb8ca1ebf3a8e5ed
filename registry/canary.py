"""The canary: a marked certificate on its way through everything, timed from end to end.

It is a certificate like any other, except that it is about nothing and says so: its number begins
with `CANARY-`, it is marked as demonstration, and its one result is not assessed and claims no
accreditation. A canary never counts as a certificate of goods.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from registry.anchoring.trees import TreeShelf
from registry.bodies.errors import BodyNotFoundError
from registry.bodies.service import bodies_by_alias
from registry.certificates.bulk import BulkIssue
from registry.certificates.issuing import Issuer
from registry.certificates.receipts import public_receipt
from registry.kit.actor import Actor
from registry.kit.clock import Clock, system_clock
from registry.kit.database import Database
from registry.kit.errors import UnavailableError
from verifier.chain.profile import Profile
from verifier.checks.facts import TrustSource
from verifier.checks.verdict import Overall
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.receipt import Receipt, build_receipt
from verifier.core.sm2 import Sm2Verify
from verifier.core.strict_json import JsonObject, canonical_json
from verifier.report import Report
from verifier.service import Question, Submission, verify

PREFIX: Final = "CANARY-"
_SAID: Final[Mapping[str, str]] = {
    "en": "Canary: a test of this registry, about no goods",
    "zh": "探测证书：系统自检，不涉及任何货物",
}
_GENUINE: Final = frozenset({Overall.VALID, Overall.VALID_WITH_NOTES})
_PAUSE: Final = 2.0  # seconds between two looks; blocks take longer nearly everywhere


class CanaryLateError(UnavailableError):
    """The canary is not final within the time that it was given."""

    code = "canary_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """How a canary fared.

    Attributes:
        number: Its number.
        signed_seconds: From the beginning until its signature was stored.
        final_seconds: From then until a verdict rested on a final block.
        block: Height of the block that anchors it.
        overall: The verdict.
        line: The first line that does not pass, with its code; None where the verdict is genuine.
    """

    number: str
    signed_seconds: float
    final_seconds: float
    block: int
    overall: Overall
    line: tuple[str, str] | None

    @property
    def is_genuine(self) -> bool:
        """Whether the verdict is what it must be."""
        return self.overall in _GENUINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Sends canaries.

    Attributes:
        database: Of the installation.
        trees: Stored trees, for proofs.
        open_issuer: Opens what signs.
        profile: Trust profile under which the verdict is reached.
        open_source: Opens the chain at its final block, apart from the anchoring workers.
        sm2: Verifies co-signatures, None where nothing here can.
        clock: Time of signing and checking.
        monotonic: Seconds for durations.
        pause: Waits some seconds.
    """

    database: Database
    trees: TreeShelf
    open_issuer: Callable[[], AbstractContextManager[Issuer]]
    profile: Profile
    open_source: Callable[[], AbstractContextManager[TrustSource]]
    sm2: Sm2Verify | None = None
    clock: Clock = field(default=system_clock)
    monotonic: Callable[[], float] = field(default=time.monotonic)
    pause: Callable[[float], None] = field(default=time.sleep)

    def fly(self, body: str, *, maker: Actor, approver: Actor, patience: float) -> Flight:
        """Issue a canary and follow it until a verdict rests on a final block.

        Whoever anchors for the installation must be at work: a canary does not carry itself.

        Args:
            body: Alias of the laboratory that issues it.
            maker: Who hands it in.
            approver: The second person.
            patience: Seconds after its signature within which it must be final.

        Raises:
            BodyNotFoundError: There is no such body.
            CanaryLateError: It was not final in time; it may be so later.
            RegistryError: It could not be issued, see `BulkIssue.run`.
        """
        with self.database.read() as session:
            if body not in bodies_by_alias(session, [body]):
                raise BodyNotFoundError(f"there is no body with the alias {body}")
        begun = self.monotonic()
        document = canary_document(body, at=self.clock())
        bulk = BulkIssue(
            database=self.database,
            open_issuer=self.open_issuer,
            maker=maker,
            approver=approver,
            clock=self.clock,
        )
        [issued] = bulk.run([("canary.json", canonical_json(document))]).issued
        signed = self.monotonic()
        while True:
            found = self._look(issued.leaf)
            if found is not None:
                report, block = found
                return Flight(
                    number=issued.number,
                    signed_seconds=signed - begun,
                    final_seconds=self.monotonic() - signed,
                    block=block,
                    overall=report.overall,
                    line=_first_trouble(report),
                )
            if self.monotonic() - signed > patience:
                message = f"{issued.number} is not final after {patience:.0f} s"
                raise CanaryLateError(message)
            self.pause(_PAUSE)

    def _look(self, leaf: bytes) -> tuple[Report, int] | None:
        """Return the verdict and the block under it, None while there is no final anchor."""
        with self.database.read() as session:
            receipt = public_receipt(session, leaf, trees=self.trees)
        anchors = [proof.anchor for proof in receipt.proofs]
        blocks = [anchor.block for anchor in anchors if anchor is not None]
        if not anchors or len(blocks) < len(anchors):
            return None
        report = self._verify(receipt, newest=max(blocks))
        return None if report is None else (report, max(blocks))

    def _verify(self, receipt: Receipt, *, newest: int) -> Report | None:
        try:
            with self.open_source() as source:
                if source.head().block < newest:
                    return None
                return verify(
                    Submission(receipts=(build_receipt(receipt),)),
                    Question(checked_at=int(self.clock().timestamp())),
                    profile=self.profile,
                    source=source,
                    sm2=self.sm2,
                )
        except EvidenceUnavailableError:
            return None  # the nodes may answer at the next look


def canary_document(body: str, *, at: datetime) -> JsonObject:
    """Return the import document of a canary.

    Args:
        body: Alias of the laboratory.
        at: The present moment.
    """
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "kind": "TestCertificate",
        "number": f"{PREFIX}{at.strftime('%Y%m%dT%H%M%S%fZ')}",
        "title": dict(_SAID),
        "revision": 1,
        "demonstration": True,
        "languages": ["en", "zh"],
        "issuer": {"body": body},
        "consignment": {"description": dict(_SAID)},
        "dates": {"tested_from": moment, "tested_to": moment, "issued": moment},
        "results": [
            {
                "parameter": {"code": "CANARY", "name": {"en": "canary", "zh": "探测"}},
                "method": {"standard": "none (canary)"},
                "result": {"type": "text", "value": "canary", "reported": "canary"},
                "conclusion": "not_assessed",
                "accredited": False,
            }
        ],
        "signatory": {"role": "canary", "id": "canary"},
    }


def prometheus_text(flight: Flight | None, *, at: datetime) -> str:
    """Return figures of a flight for a monitoring that reads text files.

    Args:
        flight: None when the canary was lost or could not be issued.
        at: The present moment.
    """
    genuine = flight is not None and flight.is_genuine
    figures = [
        ("genuine", "1 if the last canary was final in time and genuine.", str(int(genuine))),
        ("timestamp_seconds", "When it ended, Unix time.", str(int(at.timestamp()))),
    ]
    if flight is not None:
        figures += [
            ("signed_seconds", "Until its signature was stored.", f"{flight.signed_seconds:.3f}"),
            ("final_seconds", "From then until it was final.", f"{flight.final_seconds:.3f}"),
        ]
    return "".join(
        f"# HELP lancang_canary_{name} {words}\n# TYPE lancang_canary_{name} gauge\n"
        f"lancang_canary_{name} {value}\n"
        for name, words, value in figures
    )


def _first_trouble(report: Report) -> tuple[str, str] | None:
    if report.overall in _GENUINE:
        return None
    for finding in report.findings:
        if finding.status.value in {"fail", "unknown"}:
            return finding.line.value, finding.code
    return None
