"""Where each key of a body stands in its life, and what a person should do about it. Pure.

A key is made, registered on chain ahead of its use, put to use by a rotation, still valid for a
while beside its successor, and ended; or it is revoked at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from registry.bodies.domain import BodyKey
from verifier.checks.facts import KeyPurpose
from verifier.core.keys import Algorithm

ROTATE_AFTER: Final = timedelta(days=180)  # a key that signs is exposed; validity lasts longer
WARN_BEFORE: Final = timedelta(days=30)  # time for a ceremony of people in two countries
ANCHOR_GRACE: Final = timedelta(days=1)  # what was signed last is anchored within hours


class KeyState(StrEnum):
    """Where a key stands."""

    MADE = "made"  # the chain does not know it yet
    NEXT = "next"  # registered ahead, not used before its rotation
    IN_USE = "in_use"
    OVERLAP = "overlap"  # still valid beside its successor
    ENDED = "ended"
    STOPPED = "stopped"  # reported compromised; a second person has not decided
    REVOKED = "revoked"
    COMPROMISED = "compromised"


class KeyWarning(StrEnum):
    """What a person should do something about."""

    NOT_ON_CHAIN = "not_on_chain"
    ROTATION_DUE = "rotation_due"
    ENDS_WITHOUT_NEXT = "ends_without_next"
    NOTHING_IN_USE = "nothing_in_use"
    REPORT_WAITS = "report_waits"


class Duty(NamedTuple):
    """What a body needs a key for; a co-signing key has a purpose that another key has too."""

    body: bytes
    purpose: KeyPurpose
    is_sm2: bool

    @classmethod
    def of(cls, key: BodyKey) -> Duty:
        """Return the duty of a key."""
        return cls(key.body, key.purpose, key.public_key.algorithm is Algorithm.SM2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingKey:
    """A key, where it stands, and what to do about it."""

    key: BodyKey
    state: KeyState
    warnings: tuple[KeyWarning, ...]


def standing(keys: Iterable[BodyKey], *, at: datetime) -> list[StandingKey]:
    """Return where every key stands at a moment, in the given order."""
    by_duty: defaultdict[Duty, list[BodyKey]] = defaultdict(list)
    listed = list(keys)
    for key in listed:
        by_duty[Duty.of(key)].append(key)
    states = {
        key.public_key.thumbprint(): state
        for group in by_duty.values()
        for key, state in _states(group, at)
    }
    return [
        StandingKey(
            key=key,
            state=states[key.public_key.thumbprint()],
            warnings=tuple(_warnings(key, by_duty[Duty.of(key)], states, at)),
        )
        for key in listed
    ]


def _states(keys: Sequence[BodyKey], at: datetime) -> Iterator[tuple[BodyKey, KeyState]]:
    usable = [key for key in keys if key.may_sign(at)]
    newest = max(usable, key=lambda key: key.use_from or at, default=None)
    for key in keys:
        yield key, KeyState.IN_USE if key is newest else _state(key, at)


def _state(key: BodyKey, at: datetime) -> KeyState:
    """Return where a key stands that is not the one in use; the first that holds."""
    steps = (
        (key.compromised_since is not None, KeyState.COMPROMISED),
        (_is_over(key.revoked_at, at), KeyState.REVOKED),
        (key.stopped_at is not None, KeyState.STOPPED),
        (_is_over(key.sign_until, at), KeyState.ENDED),
        (not _is_over(key.on_chain_since, at), KeyState.MADE),
        (not _is_over(key.use_from, at), KeyState.NEXT),
    )
    return next((state for holds, state in steps if holds), KeyState.OVERLAP)


def _is_over(moment: datetime | None, at: datetime) -> bool:
    return moment is not None and moment <= at


def _warnings(
    key: BodyKey, group: Sequence[BodyKey], states: Mapping[bytes, KeyState], at: datetime
) -> Iterator[KeyWarning]:
    state = states[key.public_key.thumbprint()]
    present = {states[other.public_key.thumbprint()] for other in group}
    if state is KeyState.MADE:
        yield KeyWarning.NOT_ON_CHAIN
    if state is KeyState.STOPPED:
        yield KeyWarning.REPORT_WAITS
    if state is KeyState.IN_USE:
        if KeyState.NEXT not in present and _ends_by(key, at + WARN_BEFORE):
            yield KeyWarning.ENDS_WITHOUT_NEXT
        if key.use_from is not None and key.use_from + ROTATE_AFTER <= at:
            yield KeyWarning.ROTATION_DUE
    elif KeyState.IN_USE not in present and state is not KeyState.MADE:
        yield KeyWarning.NOTHING_IN_USE


def _ends_by(key: BodyKey, moment: datetime) -> bool:
    return key.sign_until is not None and key.sign_until <= moment
