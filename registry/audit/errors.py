"""Errors of the audit trail."""

from __future__ import annotations

from registry.kit.errors import RegistryError


class AuditBrokenError(RegistryError):
    """The chain of the audit trail does not hold; the message names the first wrong entry.

    Attributes:
        sequence: Place of that entry.
        reason: What is wrong there.
    """

    code = "audit_broken"

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(f"the audit trail is broken at entry {sequence} ({reason})")
        self.sequence = sequence
        self.reason = reason
