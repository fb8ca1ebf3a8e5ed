"""A structured log line for every sealed batch, every transition, every new reason to wait."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from registry.anchoring.domain import Event, QuarantineReason, transition
from registry.anchoring.publisher import Advance
from registry.anchoring.records import Batch
from registry.anchoring.worker import Round

_log: Final = logging.getLogger("lancang.anchoring")


def log_event(event: Batch | Advance) -> None:
    """Write down that a batch was sealed or a ledger write was looked at.

    A look that found the same reason to wait as the one before it is not worth a line.
    """
    if isinstance(event, Batch):
        _log.info("sealed", extra=_fields(write=event.id, root=event.root.hex(), size=event.size))
        return
    write, outcome = event.write, event.outcome
    common = {"write": write.id, "kind": write.kind, "account": write.account}
    if isinstance(outcome, Event):
        state = transition(write.state, outcome)
        _log.info(outcome.value, extra=_fields(**common, was=write.state, state=state))
    elif isinstance(outcome, QuarantineReason):
        _log.error("quarantine", extra=_fields(**common, was=write.state, reason=outcome))
    elif outcome.value != write.waiting:
        _log.info("waiting", extra=_fields(**common, state=write.state, reason=outcome))


def log_rounds(rounds: Sequence[Round]) -> None:
    """Write down what cut a round short."""
    for done in rounds:
        if done.problem is not None:
            _log.warning(
                "interrupted", extra=_fields(code=done.problem.code, unfinished=done.unfinished)
            )


def _fields(**members: object) -> dict[str, object]:
    return {"fields": members}
