"""`lancang chain`: nodes beside the trust profile; the development chain of a demonstration."""

from __future__ import annotations

import json

import click

from registry.console import Application, pass_application
from registry.kit.clock import system_clock
from registry.kit.errors import RegistryError
from verifier.chain.embedded import EmbeddedChain


@click.group("chain")
def command() -> None:
    """Check the nodes; start, find and stop the development chain of this installation."""


@command.command("check")
@pass_application
def check(app: Application) -> None:
    """Compare every node with the trust profile and print one JSON object a line.

    Checked are chain id, genesis block, the code of the contracts of every generation, and the age
    of the newest final block. Exit status 1 if a node is another chain, stale, or does not answer.
    """
    # Imported here: the other commands need not load web3.
    from registry.anchoring.connect import load_installed_profile, node_urls  # noqa: PLC0415
    from registry.anchoring.node import Node  # noqa: PLC0415
    from registry.anchoring.web3_chain import Web3Chain, pins_of  # noqa: PLC0415

    pinned = load_installed_profile(app.settings).chains[0]
    is_sound = True
    for url in node_urls(app.settings):
        node = Node(url, timeout=app.settings.chain.timeout)
        chain = Web3Chain(node, pins_of(pinned))
        try:
            head, final = chain.head(), chain.final()
        except RegistryError as error:
            answer: dict[str, object] = {"ok": False, "code": error.code, "problem": str(error)}
        else:
            age = int(system_clock().timestamp()) - final.time
            answer = {
                "ok": age <= pinned.max_head_age_seconds,
                "chain_id": pinned.chain_id,
                "head": head.number,
                "final": final.number,
                "final_age_seconds": age,
                "ledgers": list(chain.ledgers),
            }
        is_sound &= bool(answer["ok"])
        click.echo(json.dumps({"node": node.name} | answer, sort_keys=True))
    if not is_sound:
        raise click.exceptions.Exit(1)


@command.command("start")
@pass_application
def start(app: Application) -> None:
    """Start the chain, or find it running, and print its address."""
    app.out.print(EmbeddedChain(app.settings.embedded_chain).ensure_running().url)


@command.command("status")
@pass_application
def status(app: Application) -> None:
    """Print the address of the running chain. Exit status 1 if it does not run."""
    endpoint = EmbeddedChain(app.settings.embedded_chain).find()
    if endpoint is None:
        app.err.print("the development chain is not running")
        raise click.exceptions.Exit(1)
    app.out.print(endpoint.url)


@command.command("stop")
@pass_application
def stop(app: Application) -> None:
    """Stop the chain and wait until its state is saved."""
    was_running = EmbeddedChain(app.settings.embedded_chain).stop()
    app.err.print("stopped" if was_running else "the development chain was not running")
