"""Bringing changes of keys on chain: windows of document keys, operators that anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from sqlalchemy import func, select

from registry.anchoring.ceremony import Ceremony
from registry.anchoring.connect import (
    known_roles,
    load_installed_profile,
    node_urls,
    open_keystore,
)
from registry.anchoring.crew import Equipment, finisher
from registry.anchoring.domain import ACTIVE_STATES, Event, QuarantineReason, Waiting
from registry.anchoring.governance import Registrar
from registry.anchoring.key_windows import KeyWindow, close_windows
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.registration import BodyEntry, PartyEntry, is_operator
from registry.anchoring.repository import LedgerWrites
from registry.anchoring.setup import governance_of, open_ceremony
from registry.anchoring.steps import step_write
from registry.anchoring.worker import Round
from registry.bodies.errors import RotationOrderError
from registry.bodies.service import bodies, keys
from registry.kit.database import Database
from registry.parties.service import get_party
from registry.settings import Settings

_MOST_ROUNDS: Final = 120  # then the command ends with a message instead of waiting for ever
_ROUND_SECONDS: Final = 1.0


@contextmanager
def key_ceremony(
    settings: Settings, *, pause: Callable[[float], None], tell: Callable[[str], None]
) -> Iterator[tuple[Ceremony, Registrar]]:
    """Yield what acts on the TrustRegistry of this installation; unfinished acts are sent first.

    Raises:
        NotDeployedError: `lancang init` comes first.
        KeystoreError: There is no usable passphrase.
        ChainUnavailableError: No usable answer in time; repeat it.
    """
    pinned = load_installed_profile(settings).chains[0]
    keystore = open_keystore(settings)
    url = node_urls(settings)[0]
    ceremony = open_ceremony(settings, keystore, url, pause=pause, tell=tell)
    ceremony.resume()
    yield (
        ceremony,
        Registrar(
            ceremony=ceremony,
            address=pinned.generations[-1].trust_registry.address,
            governance=governance_of(settings, keystore),
        ),
    )


def bring_on_chain(
    settings: Settings,
    database: Database,
    *,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> int:
    """Close on chain the windows of keys that are closed in the database.

    Safe to repeat: what stands on chain is left alone.

    Returns:
        How many acts were performed.

    Raises:
        ActsForOthersError: The rest needs keys that are not here; it says what to do.
        CeremonyConflictError: The contract refuses an act.
        ChainUnavailableError: No usable answer in time; repeat it.
    """
    wanted = list(_windows(database))
    with key_ceremony(settings, pause=pause, tell=tell) as (ceremony, registrar):
        return close_windows(ceremony, registrar.address, wanted)


def retire_operator(
    settings: Settings,
    database: Database,
    role: str,
    *,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> str:
    """Have governance withdraw an operator, and put its key away; what it anchored keeps counting.

    Args:
        settings: Of the installation.
        database: Of the installation.
        role: Name of its transaction key.
        pause: How to wait; takes seconds.
        tell: Told in words of everything that happens.

    Returns:
        The name under which the key is kept.

    Raises:
        RotationOrderError: It is no operator, the only one, or has unfinished work.
        LeaseHeldError: Another process works with it: stop that first.
        CeremonyConflictError: The decision takes effect later: repeat it then.
        ActsForOthersError: The rest needs keys that are not here.
    """
    operators = _operators(settings)
    account = _account_of(role, operators)
    if len(operators) == 1:
        raise RotationOrderError(f"{role} is the only operator: add the next one first")
    pinned = load_installed_profile(settings).chains[0]
    locks = settings.home / "locks"
    with hold_lease(database, account, chain_id=pinned.chain_id, lock_folder=locks):
        if count := _unfinished(database, account):
            raise RotationOrderError(
                f"{role} has {count} unfinished writes: `lancang anchor` first"
            )
        with key_ceremony(settings, pause=pause, tell=tell) as (_, registrar):
            registrar.withdraw(role)
        return open_keystore(settings).retire(role)


def withdraw_lost_operator(
    settings: Settings,
    equipment: Equipment,
    role: str,
    *,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> str:
    """Have governance withdraw an operator whose key somebody else may have, whatever it works on.

    Batches that it can no longer anchor go to quarantine, where a person gives their leaves back.

    Args:
        settings: Of the installation.
        equipment: To bring its unfinished writes to an end.
        role: Name of its transaction key.
        pause: How to wait; takes seconds.
        tell: Told in words of everything that happens.

    Returns:
        The name under which the key is kept.

    Raises:
        RotationOrderError: It is no operator, or its writes do not end: repeat it.
        LeaseHeldError: It is withdrawn, but another process works with it: stop that and repeat.
        CeremonyConflictError: The decision takes effect later: repeat it then.
        ActsForOthersError: The rest needs keys that are not here.
    """
    account = _account_of(role, _operators(settings))
    with key_ceremony(settings, pause=pause, tell=tell) as (_, registrar):
        registrar.withdraw(role)
    if _unfinished(equipment.database, account):
        with finisher(equipment, role, observer=lambda _event: None) as worker:
            for _ in range(_MOST_ROUNDS):
                done = worker.round()
                _set_aside_refused(equipment, done)
                if done.unfinished == 0:
                    break
                pause(_ROUND_SECONDS)
    if count := _unfinished(equipment.database, account):
        raise RotationOrderError(
            f"{role} is withdrawn; {count} of its writes do not end: repeat it"
        )
    return equipment.keystore.retire(role)


def _set_aside_refused(equipment: Equipment, done: Round) -> None:
    """Put writes into quarantine that were never signed and that the contract will never take."""
    refused = [each for each, why in done.waiting.items() if why is Waiting.CALL_REFUSED]
    if not refused:
        return
    with equipment.database.begin() as session:
        writes = LedgerWrites(session)
        for each in refused:
            step_write(
                session,
                writes.get(each),
                Event.QUARANTINE,
                now=equipment.clock(),
                quarantine=QuarantineReason.REVERTED,
            )


def _operators(settings: Settings) -> dict[str, str]:
    return {name: account for name, account in known_roles(settings).items() if is_operator(name)}


def _account_of(role: str, operators: Mapping[str, str]) -> str:
    if role not in operators:
        raise RotationOrderError(f"{role} is no operator of this installation")
    return operators[role]


def _windows(database: Database) -> Iterator[KeyWindow]:
    """Yield every key of the database that is limited or revoked."""
    with database.read() as session:
        for entry in bodies(session):
            body = entry.body
            party = get_party(session, body.party).party
            for key in keys(session, body.id):
                yield KeyWindow(
                    body=BodyEntry(
                        alias=body.alias, party=body.party, did=body.did, kind=body.kind
                    ),
                    party=PartyEntry(id=party.id, country=party.country),
                    thumbprint=key.public_key.thumbprint(),
                    sign_until=key.sign_until,
                    anchor_until=key.anchor_until,
                    is_revoked=key.revoked_at is not None,
                    compromised_since=key.compromised_since,
                )


def _unfinished(database: Database, account: str) -> int:
    statement = select(func.count()).where(
        LedgerWriteRow.account == account, LedgerWriteRow.state.in_(ACTIVE_STATES)
    )
    with database.read() as session:
        return session.scalar(statement) or 0
