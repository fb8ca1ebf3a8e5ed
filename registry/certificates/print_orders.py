"""What a print job is, what became of its certificates, and why there may be none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from registry.kit.actor import Actor
from registry.kit.errors import InvalidInputError, NotFoundError

WAITING: Final = "waiting"  # its batch is not sealed yet
ERASED: Final = "erased"


class PrintJobNotFoundError(NotFoundError):
    """There is no such print job, or it is somebody else's."""

    code = "print_job_not_found"


class NothingToPrintError(InvalidInputError):
    """No certificate was chosen."""

    code = "nothing_to_print"


class TooManyToPrintError(InvalidInputError):
    """More certificates were chosen than one job prints."""

    code = "too_many_to_print"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintJob:
    """What somebody wants printed.

    Attributes:
        id: Random id.
        owner: Who asked for it; nobody else sees it.
        created_at: When.
        certificates: Ids of what is printed, in this order.
    """

    id: str
    owner: Actor
    created_at: datetime
    certificates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one certificate.

    Attributes:
        certificate: Its id.
        number: Its number.
        name: Name of its page with the folder of its body, None when it was left out.
        left_out: Why it was left out: `waiting` or `erased`.
    """

    certificate: str
    number: str
    name: str | None = None
    left_out: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is.

    Attributes:
        outcomes: One for each certificate that is dealt with.
        total: How many there are.
        failed: Whether it stopped at a defect; looking at it later tries again.
    """

    outcomes: tuple[Outcome, ...]
    total: int
    failed: bool

    @property
    def done(self) -> int:
        """How many certificates are dealt with."""
        return len(self.outcomes)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == self.total

    def left_out(self, reason: str) -> list[str]:
        """Return the numbers of those that were left out for a reason."""
        return [each.number for each in self.outcomes if each.left_out == reason]


def dump_job(job: PrintJob) -> bytes:
    """Return a job as it is kept in its folder."""
    return json.dumps(
        {
            "id": job.id,
            "name": job.owner.name,
            "key": job.owner.key,
            "created_at": job.created_at.isoformat(),
            "certificates": list(job.certificates),
        }
    ).encode()


def parse_job(data: bytes) -> PrintJob:
    """Read what `dump_job` wrote."""
    content: dict[str, Any] = json.loads(data)
    return PrintJob(
        id=content["id"],
        owner=Actor(content["name"], key=content["key"]),
        created_at=datetime.fromisoformat(content["created_at"]),
        certificates=tuple(content["certificates"]),
    )
