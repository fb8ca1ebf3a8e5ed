"""`lancang chain`: the development chain of a demonstration."""

from __future__ import annotations

import click

from registry.console import Application, pass_application
from verifier.chain.embedded import EmbeddedChain


@click.group("chain")
def command() -> None:
    """Start, find and stop the development chain of this installation."""


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
