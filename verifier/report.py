"""The report of one verification: codes and facts, no sentences (docs/schemas/report.schema.json).

Apart from the time of the check a report is a function of its inputs, and every implementation of
the verifier gives the same bytes for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from verifier.checks.facts import AnchorFacts, Head
from verifier.checks.finding import Finding, Line, Status
from verifier.checks.verdict import Overall
from verifier.core.encoding import b64u
from verifier.core.moments import format_utc
from verifier.core.strict_json import JsonObject, canonical_json

VERSION: Final = 1

# The document is shown only when both are answered: what somebody else wrote must not look as if
# it came from the issuer.
_SHOWN_AFTER: Final = (Line.UNCHANGED, Line.SIGNED)
_ANSWERED: Final = frozenset({Status.PASS, Status.NOTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSummary:
    """Which trust profile a report rests on; `fingerprint` is SHA-256, 64 hexadecimal digits."""

    name: str
    kind: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSummary:
    """Which trust bundle a report rests on.

    Attributes:
        block: Number of its block.
        age_seconds: From the time of that block to the check; negative for a clock that is behind.
    """

    block: int
    age_seconds: int


@dataclass(frozen=True, slots=True)
class Then:
    """The overall answer as of a past moment, Unix seconds."""

    at: int
    overall: Overall


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Outcome of one verification.

    Attributes:
        overall: The word at the top.
        findings: One for each line, in the order of the lines.
        then: The answer for a past moment, None when none was asked for.
        document: What the document shows, None unless it is unchanged and signed.
        anchor: Where it is anchored, None unless the chain says so.
        head: The final block at which status was read, None without one.
        profile: The profile of the checker, None without one.
        bundle: The trust bundle that answered, None when a chain did.
        checked_at: The checker's clock, Unix seconds.
        warnings: Codes with a detail for the person, no part of the machine's report.
    """

    overall: Overall
    findings: tuple[Finding, ...]
    then: Then | None
    document: JsonObject | None
    anchor: AnchorFacts | None
    head: Head | None
    profile: ProfileSummary | None
    checked_at: int
    bundle: BundleSummary | None = None
    warnings: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> JsonObject:
        """Return the report in the shape of its schema."""
        return {
            "report": VERSION,
            "overall": self.overall.value,
            "lines": [_line(finding) for finding in self.findings],
            "then": _then(self.then) if self.then else None,
            "document": self.document if self._shows_document() else None,
            "anchor": _anchor(self.anchor) if self.anchor else None,
            "status": _status(self.head) if self.head else None,
            "profile": _profile(self.profile) if self.profile else None,
            "bundle": _bundle(self.bundle) if self.bundle else None,
            "checked_at": format_utc(self.checked_at),
        }

    def canonical(self) -> bytes:
        """Return the report as RFC 8785 JSON, UTF-8, without a line end."""
        return canonical_json(self.as_json())

    def _shows_document(self) -> bool:
        statuses = {finding.line: finding.status for finding in self.findings}
        return all(statuses.get(line) in _ANSWERED for line in _SHOWN_AFTER)


def _line(finding: Finding) -> JsonObject:
    return {
        "line": finding.line.value,
        "status": finding.status.value,
        "code": finding.code,
        "data": _json(finding.data),
    }


def _json(data: Mapping[str, Any]) -> JsonObject:
    return dict(data)


def _then(then: Then) -> JsonObject:
    return {"at": format_utc(then.at), "overall": then.overall.value}


def _status(head: Head) -> JsonObject:
    return {"block": head.block, "time": format_utc(head.time)}


def _profile(profile: ProfileSummary) -> JsonObject:
    return {"name": profile.name, "kind": profile.kind, "fingerprint": profile.fingerprint}


def _bundle(bundle: BundleSummary) -> JsonObject:
    return {"block": bundle.block, "age_seconds": bundle.age_seconds}


def _anchor(anchor: AnchorFacts) -> JsonObject:
    return {
        "chain_id": anchor.chain_id,
        "contract": anchor.contract,
        "root": b64u(anchor.root),
        "size": anchor.size,
        "block": anchor.block,
        "time": format_utc(anchor.time),
    }
