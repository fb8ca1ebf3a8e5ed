"""Bringing changes of keys on chain: windows of document keys, operators that anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import func, select

from registry.anchoring.ceremony import Ceremony
from registry.anchoring.connect import load_installed_profile, node_urls, open_keystore
from registry.anchoring.domain import ACTIVE_STATES
from registry.anchoring.governance import Registrar
from registry.anchoring.key_windows import KeyWindow, close_windows
from registry.anchoring.leases import hold_lease
from registry.anchoring.models import LedgerWriteRow
from registry.anchoring.registration import BodyEntry, PartyEntry, is_operator
from registry.anchoring.setup import governance_of, open_ceremony
from registry.bodies.errors import RotationOrderError
from registry.bodies.service import bodies, keys
from registry.kit.database import Database
from registry.parties.service import get_party
from registry.settings import Settings


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
    is_compromised: bool,
    pause: Callable[[float], None],
    tell: Callable[[str], None],
) -> str:
    """Have governance withdraw an operator, and put its key away; what it anchored keeps counting.

    Args:
        settings: Of the installation.
        database: Of the installation.
        role: Name of its transaction key.
        is_compromised: Withdraw it also while it has unfinished work, which then ends in
            quarantine, and while another process works with it, which then stops.
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
    keystore = open_keystore(settings)
    operators = {name: account for name, account in keystore.roles().items() if is_operator(name)}
    if role not in operators:
        raise RotationOrderError(f"{role} is no operator of this installation")
    if len(operators) == 1 and not is_compromised:
        raise RotationOrderError(f"{role} is the only operator: add the next one first")
    pinned = load_installed_profile(settings).chains[0]
    lease = hold_lease(
        database,
        operators[role],
        chain_id=pinned.chain_id,
        lock_folder=settings.home / "locks",
    )
    with nullcontext() if is_compromised else lease:
        if not is_compromised and (count := _unfinished(database, operators[role])):
            raise RotationOrderError(
                f"{role} has {count} unfinished writes: `lancang anchor` first"
            )
        with key_ceremony(settings, pause=pause, tell=tell) as (_, registrar):
            registrar.withdraw(role)
        return keystore.retire(role)


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
