"""Load a registry and check every answer: `python -m scripts.hammer --help`."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from scripts.hammer.api import Api
from scripts.hammer.ground import SAMPLES, Ground, own_ground
from scripts.hammer.memory import Memory
from scripts.hammer.reading import Reader
from scripts.hammer.run import Outcome, Run
from scripts.hammer.writing import Writer
from verifier.chain.profile import load_profile
from verifier.chain.source import RpcTrustSource
from verifier.openssl_sm2 import open_sm2

CLERK, APPROVER = "HAMMER_CLERK_TOKEN", "HAMMER_APPROVER_TOKEN"


@click.command()
@click.option("--url", help="A registry that runs; otherwise one is founded for this run.")
@click.option("--profile", type=click.Path(exists=True, path_type=Path), help="With --url.")
@click.option("--rpc", multiple=True, help="Nodes to ask instead of those of the profile.")
@click.option("--folder", type=click.Path(path_type=Path), help="For an installation of its own.")
@click.option("--database-url", help="PostgreSQL for an installation of its own.")
@click.option("--document", type=click.Path(exists=True, path_type=Path), default=SAMPLES)
@click.option("--writers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--readers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--portion", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--revoked", type=click.FloatRange(0, 1), default=0.05, show_default=True)
@click.option("--goal", type=click.IntRange(1), help="End when so many are final, for CI.")
@click.option("--seconds", type=click.IntRange(1), default=600, show_default=True)
@click.option("--patience", type=click.IntRange(1), default=14_400, show_default=True,
              help="Seconds after which an acknowledged certificate must be final.")  # fmt: skip
@click.option("--seed", type=int, default=None, help="Repeats the choices of an earlier run.")
def main(**options: Any) -> None:
    """Issue, revoke and verify side by side; stop at the first wrong answer.

    With --url the tokens of two people come from the environment: HAMMER_CLERK_TOKEN makes drafts,
    HAMMER_APPROVER_TOKEN approves, signs and revokes. Never point it at a registry whose
    certificates count: what it issues stays.

    Exit status: 0 the goal was reached, or the time passed without a wrong answer; 1 a wrong
    answer, printed with its evidence; 3 the goal was not reached in time.
    """
    seed = options["seed"] if options["seed"] is not None else time.time_ns() % 2**32
    click.echo(f"seed {seed}", err=True)
    with _ground(options) as ground:
        outcome = _run(ground, options, random.Random(seed))  # noqa: S311  (repeatable choices)
    click.echo(json.dumps(_record(outcome), indent=1))
    if outcome.wrong is not None:
        raise click.exceptions.Exit(1)
    if not outcome.reached:
        raise click.exceptions.Exit(3)


@contextmanager
def _ground(options: dict[str, Any]) -> Iterator[Ground]:
    if options["url"]:
        missing = [name for name in (CLERK, APPROVER) if name not in os.environ]
        if missing or options["profile"] is None:
            raise click.UsageError(f"--url goes with --profile and {' and '.join(missing)}")
        yield Ground(
            url=options["url"],
            profile=options["profile"],
            clerk=os.environ[CLERK],
            approver=os.environ[APPROVER],
        )
        return
    with ExitStack() as stack:
        folder = options["folder"]
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hammer-")))
        folder.mkdir(parents=True, exist_ok=True)
        body = _document(options["document"])["issuer"]["body"]
        click.echo(f"founding an installation in {folder}", err=True)
        yield stack.enter_context(
            own_ground(folder, body=body, database_url=options["database_url"])
        )


def _run(ground: Ground, options: dict[str, Any], dice: random.Random) -> Outcome:
    document = _document(options["document"])
    memory, stop = Memory(patience=options["patience"]), threading.Event()
    profile = load_profile(ground.profile)
    if options["rpc"]:
        profile = profile.with_endpoints(list(options["rpc"]), quorum=len(options["rpc"]))
    goal = options["goal"]
    with ExitStack() as stack:
        writers = [
            Writer(
                clerk=stack.enter_context(Api.open(ground.url, ground.clerk)),
                approver=stack.enter_context(Api.open(ground.url, ground.approver)),
                document=document,
                memory=memory,
                portion=options["portion"],
                revoked_share=options["revoked"],
                stop=stop,
                wanted=lambda: goal is None or len(memory.promises) < goal,
                dice=random.Random(dice.random()),  # noqa: S311  (repeatable choices)
            )
            for _ in range(options["writers"])
        ]
        reader = Reader(
            profile=profile,
            open_source=lambda: RpcTrustSource(profile, now=int(time.time())),
            open_api=lambda: Api.open(ground.url),
            memory=memory,
            threads=options["readers"],
            dice=dice,
            sm2=open_sm2(),
        )
        return Run(
            writers=writers,
            reader=reader,
            memory=memory,
            stop=stop,
            goal=goal,
            seconds=options["seconds"],
            tell=lambda line: click.echo(line, err=True),
        ).go()


def _document(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text("utf-8"))
    documents: list[dict[str, Any]] = content.get("documents", [content])
    return documents[0]


def _record(outcome: Outcome) -> dict[str, Any]:
    record = {
        field.name: getattr(outcome, field.name)
        for field in dataclasses.fields(outcome)
        if field.name != "wrong"
    }
    wrong = outcome.wrong
    if wrong is not None:
        record["wrong"] = {"code": wrong.code, "message": str(wrong), **wrong.evidence}
    return record


if __name__ == "__main__":
    main()
