"""`lancang keys`: rotation of document keys and operators, and what to do when one is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import click
from rich.table import Table
from sqlalchemy.orm import Session

from registry.access.service import actor_named
from registry.bodies import rotation
from registry.bodies.compromises import decide_report, report_compromise, waiting_reports
from registry.bodies.errors import BodyNotFoundError, KeyNotFoundError
from registry.bodies.key_states import Duty, StandingKey
from registry.bodies.service import bodies, bodies_by_alias
from registry.certificates.contents import open_contents
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.signing.connect import open_signer
from verifier.checks.facts import KeyPurpose

_PURPOSES: Final = [purpose.name.lower() for purpose in KeyPurpose]
_SHORTEST_PREFIX: Final = 8
_THUMBPRINT_DIGITS: Final = 64

_by = click.option("--by", "name", default="operator", show_default=True, help="Who does it.")
_sm2 = click.option("--sm2", is_flag=True, help="The SM2 key that co-signs.")
_purpose = click.option(
    "--purpose",
    type=click.Choice(_PURPOSES),
    default="certificate",
    show_default=True,
    help="What the key signs.",
)


@click.group("keys")
def command() -> None:
    """Rotate keys, and act when one is lost.

    A document key is followed in three steps: `register-next` makes its successor and registers it
    on chain ahead of use, `rotate` puts it to use and lets the old one end after an overlap,
    `retire` ends a key in the overlap at once. Keys on the command line are named by their
    thumbprint in hexadecimal, or by its beginning.
    """


@command.command("list")
@click.option("--body", "alias", help="Alias of one body; all by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_application
def list_keys(app: Application, *, alias: str | None, as_json: bool) -> None:
    """List document keys with where they stand and what to do about them."""
    now = system_clock()
    with app.database.read() as session:
        listed = [
            (entry.body.alias, key)
            for entry in bodies(session)
            if alias in (None, entry.body.alias)
            for key in rotation.keys_standing(session, entry.body.id, at=now)
        ]
        reports = waiting_reports(session)
    table = Table("body", "purpose", "key", "algorithm", "state", "signs until", "to do", box=None)
    for name, each in listed:
        if as_json:
            click.echo(json.dumps(_described(name, each), sort_keys=True))
            continue
        table.add_row(
            plain(name),
            each.key.purpose.name.lower(),
            each.key.public_key.thumbprint().hex()[:16],
            each.key.public_key.algorithm.value,
            each.state.value,
            f"{each.key.sign_until:%Y-%m-%d %H:%M}" if each.key.sign_until else "",
            ", ".join(each.warnings),
        )
    if not as_json:
        app.out.print(table)
    for report in reports:
        app.err.print(
            plain(
                f"report {report.id} by {report.reporter}: key {report.thumbprint.hex()[:16]} "
                f"compromised since {report.since.isoformat()}; waits for a second person"
            )
        )


@command.command("register-next")
@click.argument("alias", metavar="BODY")
@_purpose
@_sm2
@click.option(
    "--sign-until", type=click.DateTime(), help="End of its signing (UTC); open by default."
)
@_by
@pass_application
def register_next(
    app: Application,
    *,
    alias: str,
    purpose: str,
    sm2: bool,
    sign_until: datetime | None,
    name: str,
) -> None:
    """Make the key that will follow, and register it on chain ahead of its use."""
    from registry.founding import make_next_key  # noqa: PLC0415  (loads web3)

    with app.database.read() as session:
        duty = _duty(session, alias, purpose, is_sm2=sm2)
        actor = actor_named(session, name)
    with open_signer(app.settings, may_generate=True) as signer:
        key = make_next_key(
            app.database,
            signer,
            duty,
            actor=actor,
            at=system_clock(),
            sign_until=None if sign_until is None else sign_until.replace(tzinfo=UTC),
        )
    app.out.print(f"next key {key.thumbprint().hex()}")
    _register(app)
    app.out.print(plain(f"next: lancang keys rotate {alias} --purpose {purpose}"))


@command.command("rotate")
@click.argument("alias", metavar="BODY")
@_purpose
@_sm2
@click.option(
    "--overlap-days",
    type=click.IntRange(0, rotation.MAX_OVERLAP.days),
    default=30,
    show_default=True,
    help="How long the earlier key may still sign.",
)
@_by
@pass_application
def rotate_key(
    app: Application, *, alias: str, purpose: str, sm2: bool, overlap_days: int, name: str
) -> None:
    """Put the next key to use; the earlier one ends after the overlap."""
    with app.database.begin() as session:
        key = rotation.rotate(
            session,
            _duty(session, alias, purpose, is_sm2=sm2),
            overlap=timedelta(days=overlap_days),
            actor=actor_named(session, name),
            at=system_clock(),
        )
    app.out.print(f"in use: {key.public_key.thumbprint().hex()}")
    _close_windows(app)


@command.command("retire")
@click.argument("key", metavar="KEY")
@_by
@pass_application
def retire_key(app: Application, *, key: str, name: str) -> None:
    """End the signing of a key that another has followed; it anchors for one more day."""
    with app.database.begin() as session:
        ended = rotation.retire(
            session, _thumbprint(session, key), actor=actor_named(session, name), at=system_clock()
        )
    app.out.print(f"ended: {ended.public_key.thumbprint().hex()}")
    _close_windows(app)


@command.command("compromised")
@click.argument("key", metavar="KEY", required=False)
@click.option(
    "--since", type=click.DateTime(), help="Since when somebody else may have had it (UTC)."
)
@click.option("--remark", default="", help="What is known, for whoever decides.")
@click.option("--confirm", metavar="REPORT", type=click.UUID, help="Report to confirm.")
@click.option("--decline", metavar="REPORT", type=click.UUID, help="Report to decline.")
@_by
@pass_application
def compromised(
    app: Application,
    *,
    key: str | None,
    since: datetime | None,
    remark: str,
    confirm: object | None,
    decline: object | None,
    name: str,
) -> None:
    """Report that somebody else may have KEY, and revoke it with a second person.

    The report stops the use of the key at once. Another person confirms it with --confirm REPORT
    --by NAME, which revokes the key on chain: what was anchored before --since stays valid with a
    note, what was anchored later is not valid. --decline REPORT lets the key be used again.
    """
    now = system_clock()
    if key is not None and since is not None and confirm is None and decline is None:
        with app.database.begin() as session:
            report = report_compromise(
                session,
                _thumbprint(session, key),
                since=since.replace(tzinfo=UTC),
                remark=remark,
                actor=actor_named(session, name),
                at=now,
            )
        app.out.print("the key is stopped; its revocation waits for a second person")
        app.out.print(plain(f"next: lancang keys compromised --confirm {report} --by NAME"))
        return
    if key is not None or since is not None or (confirm is None) == (decline is None):
        raise click.UsageError("give KEY with --since TIME, or --confirm or --decline REPORT")
    with app.database.begin() as session:
        thumbprint = decide_report(
            session,
            str(confirm or decline),
            confirm=confirm is not None,
            actor=actor_named(session, name),
            at=now,
        )
    if confirm is None:
        app.out.print(f"declined; the key may sign again: {thumbprint.hex()}")
        return
    app.out.print(f"revoked: {thumbprint.hex()}")
    _close_windows(app)


@command.command("apply")
@pass_application
def apply(app: Application) -> None:
    """Bring on chain what earlier commands decided and could not carry out. Safe to repeat."""
    _register(app)
    _close_windows(app)


@command.command("add-operator")
@click.option("--role", help="Name of its transaction key; the next free operator-N by default.")
@pass_application
def add_operator(app: Application, *, role: str | None) -> None:
    """Have governance authorise another account to anchor, ahead of its use.

    A key is made where there is none. Where governance waits before it acts, repeat the command
    with --role afterwards. From then on every `lancang anchor` works with the new account too.
    """
    from registry.anchoring.connect import open_keystore  # noqa: PLC0415  (loads web3)
    from registry.anchoring.registration import is_operator  # noqa: PLC0415

    keystore = open_keystore(app.settings)
    role = role or _free_operator(keystore.roles())
    if not is_operator(role):
        raise click.UsageError("the role of an operator begins with operator-")
    address = keystore.create(role)
    app.out.print(f"{role} is account {address}")
    _register(app)
    app.out.print(f"{role} may anchor; give it money for its fees")


@command.command("retire-operator")
@click.argument("role")
@click.option(
    "--compromised",
    "is_compromised",
    is_flag=True,
    help="At once, whatever it has left unfinished; its unfinished batches go to quarantine.",
)
@pass_application
def retire_operator_key(app: Application, *, role: str, is_compromised: bool) -> None:
    """Have governance withdraw an account that anchors; what it anchored keeps counting."""
    # Imported here: the other commands need not load web3.
    from registry.anchoring.crew import equip  # noqa: PLC0415
    from registry.key_changes import retire_operator, withdraw_lost_operator  # noqa: PLC0415

    settings, database, tell = app.settings, app.database, _teller(app)
    with _chain_at_work(app):
        if is_compromised:
            equipment = equip(settings, database, contents=open_contents(settings, database))
            kept = withdraw_lost_operator(settings, equipment, role, pause=time.sleep, tell=tell)
        else:
            kept = retire_operator(settings, database, role, pause=time.sleep, tell=tell)
    app.out.print(f"{role} anchors no more; its key is kept as {kept}")


def _register(app: Application) -> None:
    """Register on chain what the database knows and the chain does not."""
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import known_roles  # noqa: PLC0415
    from registry.anchoring.registration import operators_among  # noqa: PLC0415
    from registry.anchoring.setup import set_up  # noqa: PLC0415
    from registry.founding import note_registered, registration  # noqa: PLC0415

    wanted = registration(app.database, operators=operators_among(known_roles(app.settings)))
    with _chain_at_work(app):
        setup = set_up(
            app.settings, wanted, now=system_clock(), pause=time.sleep, tell=_teller(app)
        )
    note_registered(app.database, setup.registered)


def _close_windows(app: Application) -> None:
    from registry.key_changes import bring_on_chain  # noqa: PLC0415  (loads web3)

    with _chain_at_work(app):
        count = bring_on_chain(app.settings, app.database, pause=time.sleep, tell=_teller(app))
    app.out.print(f"{count} acts on chain, final")


@contextmanager
def _chain_at_work(app: Application) -> Iterator[None]:
    from registry.anchoring.connect import at_work  # noqa: PLC0415  (loads web3)

    with at_work(app.settings):
        yield


def _teller(app: Application) -> Callable[[str], None]:
    return lambda act: app.err.print(plain(f"  {act}"))


def _duty(session: Session, alias: str, purpose: str, *, is_sm2: bool) -> Duty:
    found = bodies_by_alias(session, [alias])
    if alias not in found:
        raise BodyNotFoundError(f"there is no body {alias}")
    return Duty(found[alias].body.id, KeyPurpose[purpose.upper()], is_sm2)


def _thumbprint(session: Session, text: str) -> bytes:
    """Return the thumbprint that begins with some hexadecimal digits."""
    wanted = text.lower()
    known = [
        key.key.public_key.thumbprint()
        for entry in bodies(session)
        for key in rotation.keys_standing(session, entry.body.id, at=system_clock())
    ]
    found = [each for each in known if each.hex().startswith(wanted)]
    if not _SHORTEST_PREFIX <= len(wanted) <= _THUMBPRINT_DIGITS or len(found) != 1:
        raise KeyNotFoundError(
            f"{len(found)} keys begin with {text}; give at least {_SHORTEST_PREFIX} digits"
        )
    return found[0]


def _free_operator(roles: dict[str, str]) -> str:
    numbers = [
        int(name.rsplit("-", 1)[1])
        for name in roles
        if "operator-" in name and name.rsplit("-", 1)[1].isdigit()
    ]
    return f"operator-{max(numbers, default=0) + 1}"


def _described(alias: str, each: StandingKey) -> dict[str, object]:
    key = each.key
    moments = {
        "on_chain_since": key.on_chain_since,
        "use_from": key.use_from,
        "sign_until": key.sign_until,
        "anchor_until": key.anchor_until,
        "revoked_at": key.revoked_at,
        "compromised_since": key.compromised_since,
    }
    return {
        "algorithm": key.public_key.algorithm.value,
        "body": alias,
        "purpose": key.purpose.name.lower(),
        "state": each.state.value,
        "thumbprint": key.public_key.thumbprint().hex(),
        "warnings": [warning.value for warning in each.warnings],
        **{name: moment and moment.isoformat() for name, moment in moments.items()},
    }
