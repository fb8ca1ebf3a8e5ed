"""Closing the windows of document keys on chain, and revoking them.

As in a ceremony, the chain is looked at first and only what is missing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registry.anchoring.ceremony import Act, Ceremony
from registry.anchoring.registration import BodyEntry, PartyEntry
from verifier.chain.contracts import TRUST_REGISTRY, contract

_MINING_SECONDS: Final = 600  # an end that is nearer is set to the block that records it


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWindow:
    """What is to be true of a key on chain, where the chain knows it.

    Attributes:
        body: Whose key it is.
        party: Who registered the body.
        thumbprint: Of the key, 32 bytes.
        sign_until: Exclusive end of signing, None while open.
        anchor_until: Exclusive end of anchoring what it signed, None while open.
        is_revoked: Whether it is revoked.
        compromised_since: Since when somebody else may have used it, None if nobody says so.
    """

    body: BodyEntry
    party: PartyEntry
    thumbprint: bytes
    sign_until: datetime | None
    anchor_until: datetime | None
    is_revoked: bool
    compromised_since: datetime | None


def close_windows(ceremony: Ceremony, address: str, wanted: Iterable[KeyWindow]) -> int:
    """Bring every window on chain that is open there and not here.

    Args:
        ceremony: Performs the acts.
        address: Of the TrustRegistry.
        wanted: What is to be true.

    Returns:
        How many acts were performed.

    Raises:
        ActsForOthersError: The rest needs keys that are not here; it says what to do.
        CeremonyConflictError: The contract refuses an act.
        ChainUnavailableError: No usable answer in time; repeat it.
    """
    acts = [act for window in wanted for act in _missing(ceremony, address, window)]
    ceremony.perform(acts)
    if acts:
        ceremony.await_final()
    return len(acts)


def _missing(ceremony: Ceremony, address: str, window: KeyWindow) -> Iterator[Act]:
    at = ceremony.chain.head()
    body, thumbprint = window.body.id, window.thumbprint
    found = ceremony.chain.read(TRUST_REGISTRY, address, "keyOf", body, thumbprint, at=at)["key"]
    if found["registeredAt"] == 0:
        return
    name = f"{window.body.alias}: key {thumbprint.hex()[:12]}…"
    controller = (
        window.body.role if ceremony.keystore.holds(window.body.role) else window.party.role
    )

    def act(title: str, role: str, function: str, *arguments: int) -> Act:
        call = contract(TRUST_REGISTRY).encode_call(function, body, thumbprint, *arguments)
        return Act(title=f"{name} {title}", role=role, to=address, data=call)

    now = 0  # the block that records it
    if window.is_revoked:
        since = _seconds(window.compromised_since)
        known = found["compromisedSince"]
        if since and (known == 0 or since < known):
            # The party alone may say since when; a body whose party is elsewhere revokes meanwhile.
            party_is_here = ceremony.keystore.holds(window.party.role)
            if not party_is_here and found["revokedAt"] == 0:
                yield act("revoked", controller, "revokeKey", now, now)
            yield act("compromised", window.party.role, "revokeKey", now, since)
        elif found["revokedAt"] == 0:
            yield act("revoked", controller, "revokeKey", now, now)
        return
    for function, title, wanted, stands in (
        ("setSignUntil", "sign until", window.sign_until, found["signUntil"]),
        ("setAnchorUntil", "anchor until", window.anchor_until, found["anchorUntil"]),
    ):
        until = _seconds(wanted)
        if until and (stands == 0 or until < stands) and not 0 < stands <= at.time:
            # The contract refuses an end that has passed when the block is made.
            moment = until if until > at.time + _MINING_SECONDS else now
            yield act(f"{title} {wanted:%Y-%m-%d %H:%M} UTC", controller, function, moment)


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())
