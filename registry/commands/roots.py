"""`lancang roots`: recompute roots from leaves and look for them on chain, trusting neither."""

from __future__ import annotations

import json
from collections import Counter

import click

from registry.anchoring.trees import TreeShelf
from registry.console import Application, pass_application
from registry.object_store import open_object_store


@click.command("roots")
@click.option(
    "--from",
    "source",
    type=click.Choice(["database", "store"]),
    default="database",
    show_default=True,
    help="Take the leaves from the rows of the database, or from the object store alone.",
)
@pass_application
def command(app: Application, *, source: str) -> None:
    """Recompute every root from its leaves and ask the chain for it; for auditors.

    Prints one JSON object a line. `--from store` uses no database at all: with a copy of the store
    and a trust profile it works on another machine. Exit status: 0 every root stands or is still
    pending, 1 one does not.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import open_chain  # noqa: PLC0415
    from registry.anchoring.root_audit import SOUND, audit_database, audit_store  # noqa: PLC0415

    chain = open_chain(app.settings)
    if source == "database":
        checks = audit_database(app.database, chain)
    else:
        checks = audit_store(TreeShelf(open_object_store(app.settings)), chain)
    outcomes: Counter[str] = Counter()
    is_sound = True
    for check in checks:
        click.echo(json.dumps(check.to_json(), sort_keys=True))
        outcomes[check.outcome] += 1
        is_sound &= check.outcome in SOUND
    words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    app.err.print(words or "no roots", style="bold green" if is_sound else "bold red")
    if not is_sound:
        raise click.exceptions.Exit(1)
