"""`lancang init`: the ceremony that founds an installation."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from registry.access.service import actor_named
from registry.anchoring.registration import operators_among
from registry.console import Application, pass_application, plain
from registry.founding import (
    make_missing_keys,
    note_registered,
    read_founders,
    record_founders,
    registration,
)
from registry.kit import schema
from registry.kit.actor import Actor
from registry.kit.clock import system_clock
from registry.kit.errors import InvalidInputError
from registry.kit.import_problems import ImportRefusedError
from registry.signing.connect import open_signer

_SHOWN_PROBLEMS: Final = 200  # a screen full


@click.command("init")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--by", "name", default="operator", show_default=True, help="Who founds it.")
@pass_application
def command(app: Application, file: Path | None, name: str) -> None:
    """Found the installation with the parties and bodies of FILE, or complete what was begun.

    Migrates the database, makes the missing document keys, deploys the contracts (or adopts those
    that the settings name), registers parties, bodies, scopes, keys and the anchoring operator on
    chain, and writes a record of the ceremony. A demonstration also makes its own transaction
    keys, starts its own chain and writes its trust profile.

    Safe to repeat at any time: what is there stays, what is missing is added. Acts whose keys are
    not on this machine are listed with addresses and calldata; have them done and repeat.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import at_work, known_roles  # noqa: PLC0415
    from registry.anchoring.setup import set_up  # noqa: PLC0415

    schema.upgrade(app.database)
    with app.database.read() as session:
        actor = actor_named(session, name)
    if file is not None:
        _record(app, file, actor)
    with open_signer(app.settings, may_generate=True) as signer:
        keys = make_missing_keys(
            app.database,
            signer,
            actor=actor,
            at=system_clock(),
            co_signing=app.settings.co_signing,
        )
    app.err.print(f"{keys.made} document keys made")
    if keys.without_sm2:
        app.err.print("no OpenSSL 3 with SM2 here: certificates are not co-signed")
    wanted = registration(app.database, operators=operators_among(known_roles(app.settings)))
    if not wanted.parties:
        raise InvalidInputError("no party is registered yet: give a FILE with parties and bodies")
    with at_work(app.settings), app.err.status("asking the chain") as status:

        def tell(act: str) -> None:
            status.update(plain(act))
            app.err.print(plain(f"  {act}"))

        setup = set_up(app.settings, wanted, now=system_clock(), pause=time.sleep, tell=tell)
    note_registered(app.database, setup.registered)
    contracts = setup.deployment
    app.out.print(f"trust registry      {contracts.trust_registry.address}")
    app.out.print(f"certificate ledger  {contracts.certificate_ledger.address}")
    app.out.print(f"parties {len(wanted.parties)}, bodies {len(wanted.bodies)}, ", end="")
    app.out.print(f"document keys {len(wanted.keys)}")
    if setup.profile is not None:
        app.out.print(f"trust profile       {setup.profile.printed_fingerprint()}")
    app.out.print(f"record              {setup.record_path}")
    app.out.print("next: lancang issue FILE --maker NAME --approver NAME")


def _record(app: Application, file: Path, actor: Actor) -> None:
    try:
        founders = read_founders(file.read_bytes(), source=file.name)
    except ImportRefusedError as error:
        for problem in error.problems[:_SHOWN_PROBLEMS]:
            app.err.print(plain(str(problem)))
        app.err.print(f"{len(error.problems)} problems, nothing was recorded", style="bold red")
        raise click.exceptions.Exit(1) from error
    record_founders(app.database, founders, actor=actor, at=system_clock())
